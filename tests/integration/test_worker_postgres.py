"""The same worker on Postgres: ask, answer, die and go on, be cancelled."""

from __future__ import annotations

import pytest

from interlock.core.model.approvals import Verb
from interlock.core.services import observing, running


@pytest.fixture
def desk(postgres_url, make_desk):
    """A desk on a Postgres database of its own."""
    return make_desk(postgres_url)


def test_a_run_asks_is_answered_by_many_and_finishes(desk, by_question):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("fan", book, input={"items": ["a", "b"]})
    worker.stop()
    for card in desk.cards(held):
        decided = desk.decide(card, 1)
    desk.start()

    ended = desk.wait(decided.run_id)

    assert ended.status == "done"
    assert [book.count(f"asking {item}") for item in "ab"] == [2, 2]
    index = [e.checkpoint_id for e in observing.history(desk.app, held.thread_id)]
    assert index == [t.checkpoint_id for t in desk.read_truth(held)][::-1]


def test_a_worker_that_dies_leaves_its_run_and_its_answer_to_the_next(desk):
    book = desk.open_book()
    book.kill("answered")
    worker = desk.start()
    held = desk.finish("one", book)
    worker.stop()
    decided = desk.decide(desk.card(held), "yes")

    dead = desk.spawn()
    assert dead.wait() < 0
    desk.start()

    assert desk.values(desk.wait(decided.run_id))["answers"] == ["before", "yes", "after"]
    assert [c.version for c in desk.cards(held, "pending", "decided")] == [1]
    assert [book.count(n) for n in ("before", "answered")] == [1, 2]


def test_a_failed_node_and_a_cancelled_one_are_retried(desk):
    books = [desk.open_book(), desk.open_book()]
    books[0].fail("answered")
    books[1].close("slow")
    desk.start()
    held = desk.finish("one", books[0])
    failed = desk.wait(desk.decide(desk.card(held), "yes").run_id)
    slow = desk.launch("working", books[1])
    books[1].wait_for("at slow")
    running.cancel(desk.app, slow.run_id, actor="cid")
    cancelled = desk.wait(slow)
    books[1].open("slow")

    ended = [desk.wait(running.retry(desk.app, r.run_id, actor="cid")) for r in (failed, cancelled)]

    assert [r.status for r in (failed, cancelled, *ended)] == [
        "failed",
        "cancelled",
        "done",
        "done",
    ]


def test_a_failed_node_is_edited_twice_and_another_left_out(desk):
    book = desk.open_book()
    book.fail("deep")
    desk.start()
    asks = desk.finish("picky", book, input={"amount": 1}, asks_on_failure=True)
    inside = desk.finish("deep", book, asks_on_failure=True)

    for amount in (2, 7):
        card = desk.card(asks)
        edited = desk.wait(desk.decide(card, {"amount": amount}, verb=Verb.EDIT).run_id)
    skipped = desk.wait(desk.decide(desk.card(inside), verb=Verb.SKIP).run_id)

    assert (edited.status, skipped.status) == ("done", "done")
    assert desk.values(edited)["amount"] == 7
    assert sorted(desk.values(edited)["seen"]) == ["beside", "last", "picky"]
    assert desk.values(skipped)["seen"] == ["before", "behind", "last"]
    index = [e.checkpoint_id for e in observing.history(desk.app, asks.thread_id)]
    assert index == [t.checkpoint_id for t in desk.read_truth(asks)][::-1]
