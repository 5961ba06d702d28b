"""Breakpoints inside a subgraph: the card names the inner node, and only that is skipped."""

from __future__ import annotations

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.model.approvals import Verb


def test_a_card_inside_a_subgraph_says_where_it_stands_and_what_it_takes(desk):
    desk.start()
    held = desk.finish("inner", desk.open_book())
    card = desk.card(held)

    assert (held.status, card.node, card.title) == ("paused", "team/b", "Paused before team/b")
    assert card.payload == {"next": ["team/b"]}
    assert card.allowed == (Verb.APPROVE, Verb.SKIP, Verb.STOP)
    with pytest.raises(InvalidInput, match="does not take edit"):
        desk.decide(card, {"log": []}, verb=Verb.EDIT)


@pytest.mark.parametrize(
    ("verbs", "counts"),
    [
        ((Verb.APPROVE, Verb.APPROVE), [1, 1, 1, 1]),
        ((Verb.SKIP, Verb.APPROVE), [1, 0, 1, 1]),
        ((Verb.APPROVE, Verb.SKIP), [1, 1, 0, 1]),
        ((Verb.SKIP, Verb.SKIP), [1, 0, 0, 1]),
    ],
)
def test_each_inner_breakpoint_is_asked_and_decided_by_itself(desk, verbs, counts):
    book = desk.open_book()
    desk.start()
    run = desk.finish("inner", book)

    held_at = []
    for verb in verbs:
        card = desk.card(run)
        held_at.append((card.node, card.version))
        run = desk.wait(desk.decide(card, verb=verb).run_id)

    assert held_at == [("team/b", 1), ("team/c", 2)]
    assert (run.status, desk.cards(run)) == ("done", [])
    assert [book.count(step) for step in "abcd"] == counts


def test_a_decision_whose_worker_died_does_not_pass_the_next_inner_breakpoint(desk):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("inner", book)
    worker.stop()
    resumed = desk.decide(desk.card(held), verb=Verb.APPROVE)

    assert desk.carry_unrecorded(lose="all") == ["paused"]
    desk.start()
    again = desk.wait(resumed.run_id)

    assert (again.status, desk.card(again).node) == ("paused", "team/c")
    assert [book.count(step) for step in "abcd"] == [1, 1, 0, 0]
