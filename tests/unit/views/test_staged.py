from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from interlock.core.errors import Conflict, InvalidInput
from interlock.core.model.approvals import Kind
from interlock.core.model.branching import grow
from interlock.core.model.history import EditMode, FieldEdit
from interlock.core.model.rewinding import Intention, PastDecision, RewindVerb, Situation
from interlock.core.model.threads import CheckpointEntry
from interlock.core.services.staging import judge
from interlock.core.types import ApprovalId, CheckpointId, RunId, ThreadId
from interlock.dashboard.views import staged

T0 = datetime(2026, 11, 22, 12, tzinfo=UTC)
DECISION = PastDecision(
    approval_id=ApprovalId("a1"),
    checkpoint_id=CheckpointId("b"),
    node="ask",
    title="Refund\u202e?",
    verb="approve",
    actor="ann",
    decided_at=T0,
)
SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer"},
        "log": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["amount"],
}


def _entry(name: str, parent: str | None, step: int, *due: str, source: str = "loop"):
    return CheckpointEntry(
        thread_id=ThreadId("t"),
        checkpoint_id=CheckpointId(name),
        parent_id=None if parent is None else CheckpointId(parent),
        step=step,
        source=source,
        next=due,
        run_id=RunId("r"),
        created_at=T0 + timedelta(seconds=step),
        size_bytes=1,
        branch=int(name == "d"),
    )


TREE = grow(
    [
        _entry("a", None, -1, "plan", "work", source="input"),
        _entry("b", "a", 0, "ask", "ask"),
        _entry("c", "b", 1),
        _entry("d", "b", 1, "ask", source="fork"),
    ]
)


def _found(workflow=None, *, is_whole=True):
    thread = SimpleNamespace(thread_id="t", trouble=None)
    return SimpleNamespace(thread=thread, workflow=workflow, is_whole=is_whole)


def _stage(verb: RewindVerb, **fields) -> staged.PreviewView:
    situation = Situation(
        thread_id=ThreadId("t"), tree=TREE, side_effects={"ask": True, "x": None}, **fields
    )
    return staged.build_preview(
        judge(situation, Intention(verb=verb, checkpoint_id=CheckpointId("b")))
    )


def test_what_cannot_be_done_at_a_point_says_why(make):
    offers = staged.offer(_found(make.workflow()), TREE, CheckpointId("c"), {})
    why = {each.verb: each.why_not for each in offers}
    assert [verb for verb, said in why.items() if not said] == [
        RewindVerb.EDIT,
        RewindVerb.GO_BACK,
        RewindVerb.COPY,
    ]
    assert why[RewindVerb.REDECIDE] == "Nothing was decided at this point."


def test_a_thread_that_can_be_read_only_offers_its_copy_alone():
    found = _found()
    found.thread.trouble = "No graph fits."
    offers = staged.offer(found, TREE, CheckpointId("c"), {})
    assert [o.verb for o in offers if not o.why_not] == [RewindVerb.COPY]
    assert {o.why_not for o in offers if o.why_not} == {"It can only be read: No graph fits."}


def test_a_decision_can_be_changed_where_it_was_asked():
    offers = staged.offer(_found(), TREE, CheckpointId("b"), {CheckpointId("b"): [DECISION]})
    why = {each.verb: each.why_not for each in offers}
    assert why[RewindVerb.REDECIDE] == ""
    assert why[RewindVerb.GO_BACK] != ""


def test_a_preview_tells_what_is_certain_from_what_was_last_time():
    view = _stage(RewindVerb.RERUN)
    assert view.certain == "For certain, ask (2 times) will run."
    assert [(row.node, row.times, row.is_certain, row.effects) for row in view.nodes] == [
        ("ask", "2", "for certain", "yes")
    ]
    assert view.warnings[0] == "ask has side effects, which may happen again."
    assert view.problems == ()


def test_what_stands_against_a_change_is_told():
    (problem,) = _stage(RewindVerb.RERUN, open_run_id=RunId("r9")).problems
    assert problem.startswith("Run r9 is going on here")


def test_nodes_to_name_are_those_that_ran_last_or_that_are_due(make):
    workflow = replace(make.workflow(), nodes=("work", "charge", "team/inner"))
    at = CheckpointId("b")
    assert staged.list_nodes(RewindVerb.EDIT, TREE, at, workflow) == ("plan", "work", "charge")
    assert staged.list_nodes(RewindVerb.EDIT, TREE, at, None) == ("plan", "work")
    assert staged.list_nodes(RewindVerb.SKIP, TREE, at, None) == ("ask",)
    assert staged.list_nodes(RewindVerb.RERUN, TREE, at, None) == ()
    assert staged.list_nodes(RewindVerb.SKIP, TREE, CheckpointId("zz"), None) == ()


def test_only_questions_of_the_graph_can_be_decided_another_way(make):
    card = make.card("a1")
    assert staged.list_cards([card], [DECISION]) == {"a1": "Refund⟨U+202E⟩? (Approved by ann)"}
    assert staged.list_cards([replace(card, kind=Kind.BREAKPOINT)], [DECISION]) == {}


def _form(make, values=None):
    return staged.build_edit(replace(make.workflow(), state_schema=SCHEMA), values)


def test_a_field_starts_with_what_is_there_and_an_appended_one_empty(make):
    form = _form(make, {"amount": 620, "log": ["x"], "note": "hm"})
    assert form.paths == ("amount", "log", "note")
    modes = {"log": EditMode.APPEND, "amount": EditMode.REPLACE}
    amount, log = form.fields_in(modes)
    assert (amount.start, log.start) == (620, "")
    edits = staged.read_edits(form, modes, {"amount": 500, "log": '["y"]'}, "")
    assert edits == (
        FieldEdit(field="amount", value=500),
        FieldEdit(field="log", value=["y"], mode=EditMode.APPEND),
    )


def test_what_is_missing_or_unreadable_is_placed_and_nothing_is_read(make):
    form = _form(make, {"amount": 620, "log": ["x"]})
    with pytest.raises(InvalidInput) as nothing:
        staged.read_edits(form, {}, {}, "")
    assert [p.path for p in nothing.value.problems] == [staged.WHOLE]
    modes = dict.fromkeys(("amount", "log"), EditMode.APPEND)
    with pytest.raises(InvalidInput) as bad:
        staged.read_edits(form, modes, {"log": "{"}, "")
    assert [(p.path, p.message[:11]) for p in bad.value.problems] == [
        ("amount", "is needed"),
        ("log", "is not JSON"),
    ]
    with pytest.raises(InvalidInput) as empty:
        staged.read_edits(form, {"log": EditMode.APPEND}, {}, "")
    assert [str(p) for p in empty.value.problems] == ["log: is needed"]


def test_a_state_of_which_nothing_is_known_is_written_as_json():
    form = staged.build_edit(None, None)
    assert staged.read_edits(form, {}, {}, '{"a": [1]}') == (FieldEdit(field="a", value=[1]),)
    for text in ("", "[1]", "{}"):
        with pytest.raises(InvalidInput) as bad:
            staged.read_edits(form, {}, {}, text)
        assert [p.path for p in bad.value.problems] == [staged.WHOLE]


def test_what_was_done_is_said():
    assert staged.say_done(RewindVerb.COPY, "t\u202e2") == "Copying to thread t⟨U+202E⟩2."
    assert staged.say_done(RewindVerb.SKIP, "t").startswith("Skip the node: applied.")


def test_who_was_first_is_told_with_what_and_why():
    winner = {
        "actor": "ann",
        "verb": "edit",
        "kind": "rewind",
        "reason": "a typing error",
        "created_at": T0.isoformat(),
    }
    now = T0 + timedelta(minutes=2)

    def tell(**changes) -> str:
        lost = Conflict("It has moved.", winner={**winner, **changes}, hint="By ann.")
        return staged.say_conflict(lost, now).removesuffix(f" {staged.NOTHING_DONE}")

    first = "It has moved. The last to move it was ann 2 min ago:"
    assert tell() == f"{first} Edit state and fork (a typing error)."
    assert tell(verb=None, kind="resume", reason="") == f"{first} a resume run."
    assert tell(actor="") == "It has moved. By ann."


def test_a_point_that_is_not_drawn_may_still_be_there_unless_all_are():
    nowhere = CheckpointId("zz")
    assert all(each.why_not for each in staged.offer(_found(), TREE, nowhere, {}))
    older = staged.offer(_found(is_whole=False), TREE, nowhere, {})
    assert not any(each.why_not for each in older)
