"""Breakpoints: go on, edit, skip and stop, each only while its card is the head."""

from __future__ import annotations

import pytest
from langgraph.types import Command

from interlock.core.errors import Conflict, InvalidInput
from interlock.core.model.approvals import Kind, Verb
from interlock.core.services import observing, running


def go_on(desk, run, **given):
    """Decide the thread's one card, approve unless told otherwise, and wait for what comes of it."""
    decided = desk.decide(
        desk.card(run), given.pop("value", None), **{"verb": Verb.APPROVE} | given
    )
    return desk.wait(decided.run_id)


def test_the_graphs_own_breakpoints_hold_before_and_after(desk):
    book = desk.open_book()
    desk.start()

    before = desk.finish("held", book)
    card = desk.card(before)
    counted = book.count("b")
    after = go_on(desk, before)
    ended = go_on(desk, before)

    assert (before.status, card.kind, card.node, card.payload) == (
        "paused",
        Kind.BREAKPOINT,
        "b",
        {"next": ["b"]},
    )
    assert card.interrupt_id is None
    assert (counted, after.status, ended.status) == (0, "paused", "done")
    assert [book.count(step) for step in "abc"] == [1, 1, 1]
    assert [desk.run(r).status for r in (before, after)] == ["continued", "continued"]


def test_a_launch_may_hold_before_every_node(desk):
    book = desk.open_book()
    desk.start()
    run = desk.finish("steps", book, break_before=("*",))

    held_at = []
    while run.status == "paused":
        held_at.append(desk.card(run).node)
        run = go_on(desk, run)

    assert held_at == ["a", "b", "c", "d"]
    assert run.status == "done"


def test_an_edit_replaces_what_a_reducer_would_add_to(desk):
    book = desk.open_book()
    desk.start()
    held = desk.finish("steps", book, break_before=("c",))

    done = go_on(desk, held, verb=Verb.EDIT, value={"log": ["new"], "question": "why?"})

    assert done.status == "done"
    assert desk.values(done)["log"] == ["new", "c", "d"]
    assert desk.values(done)["question"] == "why?"
    (decision,) = observing.get_card(desk.app, desk.cards(held, "decided")[0].approval_id).decisions
    assert decision.verb == "edit"


def test_an_edit_that_does_not_fit_the_state_is_refused_and_the_card_stays(desk):
    desk.start()
    held = desk.finish("steps", desk.open_book(), break_before=("c",))

    with pytest.raises(InvalidInput):
        desk.decide(desk.card(held), {"log": 5}, verb=Verb.EDIT)

    assert desk.card(held).version == 1


def test_an_edit_where_two_branches_meet_loses_neither(desk):
    book = desk.open_book()
    desk.start()
    held = desk.finish("joined", book, break_before=("c",))

    done = go_on(desk, held, verb=Verb.EDIT, value={"log": ["new"]})

    assert desk.cards(held, "decided")[0].payload == {"next": ["c", "d"]}
    assert desk.values(done)["log"][0] == "new"
    assert sorted(desk.values(done)["log"][1:]) == ["c", "d"]


def test_an_edit_restores_the_types_of_the_state(desk):
    book = desk.open_book()
    desk.start()
    held = desk.finish("typed", book, input={"due": "2026-01-05", "notes": []})

    edited = {
        "due": "2026-02-03",
        "notes": [{"type": "human", "content": "hello"}],
        "tags": ["b", "a"],
    }
    done = go_on(desk, held, verb=Verb.EDIT, value=edited)

    assert done.status == "done", done.error
    assert desk.values(done)["told"] == "date HumanMessage set"


def test_a_skip_leaves_the_node_out_and_stops_at_the_next_breakpoint(desk):
    book = desk.open_book()
    desk.start()
    held = desk.finish("steps", book, break_before=("b", "c"))

    again = go_on(desk, held, verb=Verb.SKIP)
    node = desk.card(held).node
    done = go_on(desk, held, verb=Verb.SKIP)

    assert (again.status, node, done.status) == ("paused", "c", "done")
    assert desk.values(done)["log"] == ["a", "d"]
    assert [book.count(step) for step in "abcd"] == [1, 0, 0, 1]


def test_a_skip_leaves_out_all_that_is_due_side_by_side(desk):
    book = desk.open_book()
    desk.start()
    held = desk.finish("fan", book, input={"items": ["a", "b"]}, break_before=("review",))

    done = go_on(desk, held, verb=Verb.SKIP)

    assert done.status == "done"
    assert [book.count(n) for n in ("asking a", "asking b", "gather")] == [0, 0, 1]


def test_an_edit_after_a_skip_does_not_bring_the_skipped_node_back(desk):
    book = desk.open_book()
    desk.start()
    held = desk.finish("steps", book, break_before=("b", "c"))
    go_on(desk, held, verb=Verb.SKIP)

    done = go_on(desk, held, verb=Verb.EDIT, value={"log": ["new"]})

    assert desk.values(done)["log"] == ["new", "c", "d"]
    assert book.count("b") == 0


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.REJECT])
def test_a_stop_ends_the_run_where_it_stands(desk, verb):
    book = desk.open_book()
    desk.start()
    held = desk.finish("steps", book, break_before=("c",))

    stopped = go_on(desk, held, verb=verb)

    assert stopped.status == "cancelled"
    assert desk.cards(held) == []
    assert [book.count(step) for step in "abcd"] == [1, 1, 0, 0]
    assert observing.history(desk.app, held.thread_id)[0].next == ()
    assert desk.finish("steps", book, thread_id=held.thread_id).status == "done"


def test_a_breakpoint_and_a_question_in_the_node_behind_it_are_two_cards(desk):
    book = desk.open_book()
    desk.start()
    held = desk.finish("one", book, break_before=("ask",), break_after=("ask",))

    waiting = go_on(desk, held)
    asked = desk.card(held)
    after = desk.wait(desk.decide(asked, "yes").run_id)
    done = go_on(desk, held)

    assert [r.status for r in (held, waiting, after, done)] == [
        "paused",
        "waiting",
        "paused",
        "done",
    ]
    assert asked.payload == {"question": "Go on?"}
    assert book.count("asking") == 2


def test_a_card_does_nothing_once_another_hand_has_moved_the_thread(desk):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("steps", book, break_before=("c",))
    worker.stop()
    config = {"configurable": {"thread_id": held.thread_id}}
    desk.by_hand("steps", lambda graph: graph.aupdate_state(config, {"log": ["by hand"]}))
    decided = desk.decide(desk.card(held), verb=Verb.SKIP)

    desk.start()
    refused = desk.wait(decided.run_id)
    again = desk.wait(running.retry(desk.app, refused.run_id, actor="cid"))

    assert (refused.status, refused.error.type) == ("failed", "Refused")
    assert "moved on" in refused.error.message
    assert again.status == "paused"
    assert [book.count(step) for step in "cd"] == [0, 0]


def test_an_answer_does_nothing_once_another_hand_has_given_one(desk):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("one", book)
    worker.stop()
    card = desk.card(held)
    config = {"configurable": {"thread_id": held.thread_id}}
    desk.by_hand(
        "one", lambda graph: graph.ainvoke(Command(resume={card.interrupt_id: "by hand"}), config)
    )
    decided = desk.decide(card, "too late")

    desk.start()

    assert desk.wait(decided.run_id).status == "done"
    assert desk.values(desk.run(decided.run_id))["answers"] == ["before", "by hand", "after"]
    assert book.count("answered") == 1


def test_of_two_decisions_on_a_breakpoint_one_is_refused(desk):
    desk.start()
    held = desk.finish("steps", desk.open_book(), break_before=("c",))
    card = desk.card(held)
    desk.decide(card, verb=Verb.APPROVE)

    with pytest.raises(Conflict):
        desk.decide(card, verb=Verb.SKIP)


def test_a_node_that_fails_behind_its_breakpoint_is_retried_without_asking(desk):
    book = desk.open_book()
    book.fail("c")
    desk.start()
    held = desk.finish("steps", book, break_before=("c",))

    failed = go_on(desk, held, verb=Verb.EDIT, value={"log": ["new"]})
    done = desk.wait(running.retry(desk.app, failed.run_id, actor="cid"))

    assert (failed.status, done.status) == ("failed", "done")
    assert desk.values(done)["log"] == ["new", "c", "d"]
    assert desk.cards(held) == []
