"""A what-if to read: what is tried, what stands in, and two ends side by side."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.model.history import WhatIf, WhatIfSide, WhatIfStatus
from interlock.core.model.what_ifs import Treatment
from interlock.dashboard.views import what_if as views

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def node(path, treatment, *, recorded=0, asks=False):
    return SimpleNamespace(path=path, treatment=treatment, recorded_count=recorded, asks=asks)


def plan(*nodes, card=None, is_waiting=False, due=("charge",), problem=""):
    point = SimpleNamespace(checkpoint_id="c1", step=3, next=due)
    return SimpleNamespace(
        thread_id="t1",
        workflow="refunds",
        point=point,
        card=card,
        is_waiting=is_waiting,
        nodes=nodes,
        problem=problem,
    )


def side(name, *path, **told):
    values = {
        "what_if_id": "w1",
        "side": name,
        "intent": {"verb": "approve", "value": None, "each": None, "reason": ""},
        "stand_ins": {},
        "status": WhatIfStatus.DONE,
        "path": tuple(
            {"node": n, "how": how, "duration_ms": ms, "error": None} for n, how, ms in path
        ),
    }
    return WhatIfSide(**values | told)


def what_if(*sides, **changes):
    record = WhatIf(
        what_if_id="w1",
        thread_id="t1",
        workflow="refunds",
        checkpoint_id="c1",
        approval_id="a1",
        version=1,
        status=WhatIfStatus.OPEN,
        created_at=NOW - timedelta(minutes=2),
        created_by="anna",
        sides=sides,
    )
    return replace(record, **changes)


def test_what_is_not_known_to_be_harmless_is_listed_the_one_that_asks_first():
    card = SimpleNamespace(approval_id="a1", title="Pay it?")
    view = views.build_start(
        plan(
            node("look", Treatment.RUNS),
            node("charge", Treatment.STANDS_IN, recorded=2),
            node("tell", Treatment.UNKNOWN),
            node("review", Treatment.UNKNOWN, asks=True),
            card=card,
            is_waiting=True,
        )
    )
    assert (view.place, view.headline, view.runs) == ("a1", "Pay it?", "look")
    assert view.about == "refunds · waits for an answer"
    review, charge, tell = view.nodes
    assert tell.otherwise == "a side that comes to it ends there"
    assert (review.path, review.choices) == ("review", ("stand_in", "give", "run"))
    assert review.why.startswith("it takes the answer; nobody has said")
    assert review.otherwise.startswith("no answer would be heard")
    assert charge.choices == ("stand_in", "give")
    assert (charge.why, charge.otherwise) == (
        "has side effects",
        "what it wrote the last time stands in",
    )


def test_a_point_is_named_by_its_step_and_a_decided_card_says_so():
    bare = views.build_start(plan(problem="gone"))
    assert (bare.place, bare.headline, bare.about) == ("c1", "Step 3", "refunds · due: charge")
    assert (bare.runs, bare.problem) == ("none of the nodes", "gone")
    assert views.build_start(plan(due=())).about.endswith("due: nothing")
    card = SimpleNamespace(approval_id="a1", title="Pay it?")
    assert views.build_start(plan(card=card)).about.endswith("another answer is tried")


def test_what_is_said_of_nodes_is_read_and_a_value_that_is_no_json_is_refused():
    nodes = views.build_start(
        plan(*(node(path, Treatment.UNKNOWN) for path in ("a", "b", "c", "d")))
    ).nodes
    said = {"a": ("run", ""), "b": ("give", '{"n": 1}'), "c": ("give", " "), "d": ("stand_in", "")}
    assert views.read_stand_ins(nodes, said) == {
        "a": {"runs": True},
        "b": {"value": {"n": 1}},
        "c": {"value": {}},
    }
    assert views.read_stand_ins(nodes, {}) == {}
    with pytest.raises(InvalidInput) as refused:
        views.read_stand_ins(nodes, {"b": ("give", "{")})
    assert [problem.path for problem in refused.value.problems] == ["b"]


def test_two_ends_stand_side_by_side_with_what_stood_in_said_plainly():
    a = side(
        "a",
        ("review", "ran", 2.0),
        ("charge", "given", None),
        ("tell", "ran", 1.0),
        values={"paid": True},
        duration_ms=12.0,
        tokens_in=1200,
        tokens_out=30,
        cost=0.0123,
    )
    b = side(
        "b",
        ("review", "ran", 2.0),
        ("refuse", "missing", None),
        status=WhatIfStatus.WAITING,
        values={"paid": False},
        intent={"verb": "answer", "value": {"n": 1}, "each": None, "reason": "no"},
    )
    view = views.build_result(what_if(a, b), title="Pay it?", now=NOW)

    assert view.headline == "Pay it?"
    assert view.stood_in.startswith("Not run, with a value in its place: charge.")
    assert view.way == (
        ("review (2.00 ms)", "review (2.00 ms)"),
        ("charge (not run: the given value)", ""),
        ("tell (1.00 ms)", ""),
        ("", "refuse (not run: needs a value)"),
    )
    one, other = view.sides
    assert one.facts == (
        ("Time", "12.0 ms"),
        ("Tokens", "1 200 in, 30 out".replace("1 200", "1\u202f200")),
        ("Cost", "0.0123"),
    )
    assert (one.answer, other.answer) == ("approve", 'answer: {"n": 1} (no)')
    assert other.look is views.STOPPED
    assert other.facts[-1] == ("Ends at", "refuse: it does not run here and has no value")
    assert view.diff is not None
    assert [place.path for place in view.diff.places] == ["paid"]
    assert (view.is_open, view.may_keep, view.closed) == (True, True, "")
    assert view.about == "refunds · tried 2 min ago by anna"


def test_what_is_not_there_yet_or_failed_is_said():
    waits = side(
        "a",
        ("review", "asked", None),
        status=WhatIfStatus.WAITING,
        asks=({"node": "review", "value": "Sure?"},),
        intent={},
    )
    failed = side("b", ("x", "failed", 1.0), status=WhatIfStatus.FAILED, error="Boom: no")
    view = views.build_result(what_if(waits, failed, approval_id=None), now=NOW)
    assert view.diff is None
    assert view.headline == "From a point of a thread"
    assert (view.stood_in, view.may_keep) == ("", False)
    assert view.sides[0].facts[-1] == ("Asks next", "review: Sure?")
    assert view.sides[0].answer == "nothing is asked here"
    assert (view.sides[1].look.word, view.sides[1].error) == ("Failed", "Boom: no")
    (only,) = views.build_result(what_if(waits), now=NOW).way
    assert only == ("review (asks)",)
    each = {"each": [{"decision": "approve"}]}
    assert views.say_intent(each) == '[{"decision": "approve"}]'


def test_what_is_kept_of_a_decided_card_is_called_a_fork():
    assert "fork" in views.say_kept("b", is_fork=True)
    assert views.say_kept("a", is_fork=False) == "Answer A is given to the real card."


def test_a_closed_one_says_what_became_of_it():
    kept = what_if(status=WhatIfStatus.KEPT, kept_side="b")
    view = views.build_result(kept, now=NOW)
    assert view.closed == "Answer B was kept; the real card was decided so."
    gone = views.build_result(what_if(status=WhatIfStatus.DISCARDED), now=NOW)
    assert gone.closed.startswith("Discarded")
    assert not gone.is_open
