"""The page What if: two answers are tried, their ends compared, and one is kept for the real card."""

from __future__ import annotations

import pytest

from interlock.core.model.approvals import ApprovalStatus, Intent, Verb
from interlock.core.model.history import WhatIfStatus
from interlock.core.model.runs import RunStatus
from interlock.core.model.threads import CheckpointEntry
from interlock.core.services import deciding, observing, what_ifs
from interlock.core.store import checkpoints, engine, runs
from interlock.core.store import what_ifs as stored
from interlock.dashboard import keys
from interlock.dashboard.views.escaping import md_escape

POLICY = {"node": {"charge": {"side_effects": True}}}


@pytest.fixture
def card(app, seed):
    """A card that waits at the head of its thread; of the node that asks nobody has said anything."""
    seed.worker()
    seed.workflow(nodes=("review", "charge"), policy=POLICY)
    run = seed.run(RunStatus.WAITING)
    entry = CheckpointEntry(
        thread_id=run.thread_id,
        checkpoint_id="c1",
        parent_id=None,
        step=1,
        source="loop",
        next=("review",),
        run_id=run.run_id,
        created_at=seed.at,
        size_bytes=10,
        branch=0,
    )
    with engine.write(app.engine) as conn:
        checkpoints.insert_many(conn, [entry])
    return seed.card(run=run, checkpoint_id="c1")


def press(at, key):
    at.button(key=key).click().run()
    assert not at.exception
    return at


def says(elements, words):
    return any(md_escape(words) in each.value for each in elements)


def say(at, card, path, word, value=None):
    at.radio(key=keys.what_if_node("how", card.approval_id, "both", path)).set_value(word).run()
    if value is not None:
        key = keys.what_if_node("value", card.approval_id, "both", path)
        at.text_area(key=key).set_value(value)


def test_two_answers_are_tried_compared_and_one_is_kept(app, card, open_page):
    at = open_page("what_if", card=card.approval_id)
    assert not at.exception
    start = keys.what_if_part("start", card.approval_id)
    press(at, start)
    assert says(at.markdown, "review, would not run")

    say(at, card, "review", "run")
    say(at, card, "charge", "give", "{")
    press(at, start)
    assert says(at.markdown, "is not JSON")
    say(at, card, "charge", "give", '{"paid": 7}')
    press(at, start)

    (found,) = what_ifs.list_of_thread(app, card.thread_id)
    a, b = what_ifs.read(app, found.what_if_id).sides
    assert found.what_if_id in at.query_params["id"]
    assert (a.intent["verb"], b.intent["verb"]) == ("approve", "reject")
    assert a.stand_ins == {"review": {"runs": True}, "charge": {"value": {"paid": 7}}}

    steps = [("review", "ran"), ("charge", "given")]
    path = [{"node": n, "how": h, "duration_ms": None, "error": None} for n, h in steps]
    with engine.write(app.engine) as conn:
        for side, values, taken in (("a", {"paid": 7}, path), ("b", {"paid": 0}, path[:1])):
            ended = {"status": WhatIfStatus.DONE, "values": values, "path": taken}
            stored.end_side(conn, found.what_if_id, side, ended)
    at = open_page("what_if", id=found.what_if_id)
    assert not at.exception
    assert says(at.warning, "Not run, with a value in its place: charge")

    keep = keys.what_if_part("keep-b", found.what_if_id)
    press(at, keep)
    assert says(at.warning, "a reason is required")
    at.text_input(key=keys.what_if_part("reason", found.what_if_id)).set_value("too much")
    press(at, keep)
    decided = observing.get_card(app, card.approval_id)
    assert decided.approval.status is ApprovalStatus.DECIDED
    assert [(d.verb, d.answer, d.reason) for d in decided.decisions] == [
        ("reject", False, "too much")
    ]
    assert says(at.markdown, "Answer B was kept")


def test_what_is_not_there_is_said_and_a_discarded_one_is_closed(app, card, open_page):
    for params in ({}, {"card": "gone"}, {"id": "gone"}, {"thread": "t", "at": "c"}):
        at = open_page("what_if", **params)
        assert not at.exception
    at = open_page("what_if", thread=card.thread_id, at="c1")
    assert not at.exception
    say(at, card, "review", "run")
    press(at, keys.what_if_part("start", card.approval_id))
    (found,) = what_ifs.list_of_thread(app, card.thread_id)
    at = open_page("what_if", id=found.what_if_id)
    press(at, keys.what_if_part("discard", found.what_if_id))
    assert what_ifs.read(app, found.what_if_id).status is WhatIfStatus.DISCARDED
    assert says(at.markdown, "Discarded")


def test_names_of_nodes_are_inert_in_labels(app, card, seed, open_page):
    name = "*charge*"
    seed.workflow(nodes=("review", name), policy={"node": {name: {"side_effects": True}}})
    at = open_page("what_if", card=card.approval_id)
    key = keys.what_if_node("how", card.approval_id, "both", name)
    assert at.radio(key=key).label == f"What becomes of {md_escape(name)}"
    say(at, card, name, "give", "{}")
    key = keys.what_if_node("value", card.approval_id, "both", name)
    assert at.text_area(key=key).label == f"What {md_escape(name)} writes, as JSON"


def test_keeping_an_answer_to_a_decided_card_tells_the_fork_first_and_who_forked_before(
    app, card, open_page
):
    approve = Intent(verb=Verb.APPROVE)
    decided = deciding.decide(app, card.approval_id, approve, version=None, actor="bo")
    with engine.write(app.engine) as conn:  # as if the worker had carried it out
        runs.move(conn, decided.run_id, from_={RunStatus.QUEUED}, to=RunStatus.DONE)
    sides = {side: Intent(verb=Verb.REJECT) for side in ("a", "b")}
    given = {side: {"review": {"runs": True}} for side in ("a", "b")}
    first, second = (
        what_ifs.start(
            app, approval_id=card.approval_id, sides=sides, stand_ins=given, actor="anna"
        )
        for _ in range(2)
    )
    at = open_page("what_if", id=first.what_if_id)
    assert not at.exception
    assert says(at.markdown, "review will run")
    assert any("the thread is forked there" in each.value for each in at.markdown)
    at.text_input(key=keys.what_if_part("reason", first.what_if_id)).set_value("too much")
    press(at, keys.what_if_part("keep-b", first.what_if_id))
    assert says(at.markdown, "the fork comes into the tree")

    at = open_page("what_if", id=second.what_if_id)
    at.text_input(key=keys.what_if_part("reason", second.what_if_id)).set_value("later")
    press(at, keys.what_if_part("keep-a", second.what_if_id))
    assert says(at.warning, "Change this decision (too much)")
    assert what_ifs.read(app, second.what_if_id).status is WhatIfStatus.OPEN
