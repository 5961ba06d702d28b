"""Cancelling a run wherever it stands, and retrying it from there."""

from __future__ import annotations

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.approvals import Verb
from interlock.core.services import observing, running


def test_a_queued_run_is_cancelled_at_once_and_its_retry_starts_it(desk):
    book = desk.open_book()
    run = desk.launch("steps", book)

    cancelled = running.cancel(desk.app, run.run_id, actor="cid")
    retried = running.retry(desk.app, run.run_id, actor="cid")
    desk.start()

    assert cancelled.status == "cancelled"
    assert desk.wait(retried).status == "done"
    assert [book.count(step) for step in "abcd"] == [1, 1, 1, 1]


@pytest.mark.parametrize("workflow", ["working", "working_in_thread"])
def test_a_running_run_is_cancelled_and_its_retry_repeats_only_the_node_in_flight(
    desk, wait_until, workflow
):
    book = desk.open_book()
    book.close("slow")
    desk.start()
    run = desk.launch(workflow, book)
    book.wait_for("at slow")

    asked = running.cancel(desk.app, run.run_id, actor="cid")
    cancelled = desk.wait(run)
    retried = running.retry(desk.app, run.run_id, actor="cid")
    book.open("slow")
    done = desk.wait(retried)

    assert asked.cancel_requested_at is not None
    assert (cancelled.status, cancelled.error) == ("cancelled", None)
    assert desk.nodes(run) == [("a", "ok"), ("slow", "cancelled")]
    assert done.status == "done"
    assert [book.count(n) for n in ("a", "slow", "z")] == [1, 2, 1]
    assert desk.values(done)["log"] == ["a", "slow", "z"]


def test_a_node_in_a_thread_that_was_cancelled_never_runs_beside_its_retry(desk, wait_until):
    book = desk.open_book()
    book.close("slow")
    desk.start()
    run = desk.launch("working_in_thread", book)
    book.wait_for("at slow")
    running.cancel(desk.app, run.run_id, actor="cid")
    desk.wait(run)

    retried = running.retry(desk.app, run.run_id, actor="cid")
    other = desk.finish("steps", desk.open_book())
    begun_beside = book.count("slow")
    book.open("slow")

    assert other.status == "done"
    assert begun_beside == 1
    assert desk.run(retried).status in {"queued", "running", "done"}
    assert desk.wait(retried).status == "done"
    assert book.count("slow ended") == 2


def test_a_node_in_a_thread_whose_sibling_failed_never_runs_beside_the_retry(desk):
    book = desk.open_book()
    book.close("slow")
    book.fail("beside")
    desk.start()
    failed = desk.finish("beside", book)

    retried = running.retry(desk.app, failed.run_id, actor="cid")
    other = desk.finish("steps", desk.open_book())
    begun_beside = book.count("slow")
    book.open("slow")

    assert (failed.status, other.status, begun_beside) == ("failed", "done", 1)
    assert desk.wait(retried).status == "done"


def test_a_waiting_run_is_cancelled_with_its_cards_and_its_retry_asks_again(desk):
    book = desk.open_book()
    desk.start()
    held = desk.finish("fan", book, input={"items": ["a", "b"]})
    cards = desk.cards(held)

    cancelled = running.cancel(desk.app, held.run_id, actor="cid", reason="wrong customer")
    withdrawn = desk.cards(held, "withdrawn")
    with pytest.raises(Conflict, match="withdrawn"):
        desk.decide(cards[0], 1)
    retried = desk.wait(running.retry(desk.app, held.run_id, actor="cid"))
    again = desk.cards(held)

    assert cancelled.status == "cancelled"
    assert {c.approval_id for c in withdrawn} == {c.approval_id for c in cards}
    assert retried.status == "waiting"
    assert {(c.approval_id, c.version, c.run_id) for c in again} == {
        (c.approval_id, 2, retried.run_id) for c in cards
    }
    assert [book.count(f"asking {item}") for item in "ab"] == [1, 1]
    for card in again:
        decided = desk.decide(card, 1)
    assert desk.wait(decided.run_id).status in {"done", "continued", "waiting"}


def test_the_run_that_the_inbox_shows_can_be_cancelled(desk, by_question):
    book = desk.open_book()
    desk.start()
    held = desk.finish("fan", book, input={"items": ["a", "b"]})
    desk.wait(desk.decide(by_question(desk.cards(held))["Release a?"], 1).run_id)

    cancelled = running.cancel(desk.app, desk.card(held).run_id, actor="cid")

    assert cancelled.status == "cancelled"
    assert desk.cards(held) == []


def test_a_paused_run_is_cancelled_and_its_retry_pauses_again(desk):
    book = desk.open_book()
    desk.start()
    paused = desk.finish("held", book)
    card = desk.card(paused)

    cancelled = running.cancel(desk.app, paused.run_id, actor="cid")
    retried = desk.wait(running.retry(desk.app, paused.run_id, actor="cid"))

    assert (paused.status, cancelled.status, retried.status) == ("paused", "cancelled", "paused")
    assert (desk.card(paused).approval_id, desk.card(paused).version) == (card.approval_id, 2)
    assert [book.count(step) for step in "ab"] == [1, 0]
    assert desk.wait(desk.decide(desk.card(paused), verb=Verb.APPROVE).run_id).status == "paused"
    assert book.count("b") == 1


def test_a_queued_resume_that_is_cancelled_keeps_its_answer_for_the_retry(desk):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("one", book)
    worker.stop()
    decided = desk.decide(desk.card(held), "yes")

    cancelled = running.cancel(desk.app, decided.run_id, actor="cid")
    retried = running.retry(desk.app, decided.run_id, actor="cid")
    desk.start()

    assert cancelled.status == "cancelled"
    assert desk.values(desk.wait(retried))["answers"] == ["before", "yes", "after"]
    assert [c.version for c in desk.cards(held, "pending", "decided")] == [1]


def test_a_resume_that_is_cancelled_in_the_answered_node_keeps_its_answer_for_the_retry(desk):
    book = desk.open_book()
    book.close("answered")
    desk.start()
    held = desk.finish("one", book)
    decided = desk.decide(desk.card(held), "yes")
    book.wait_for("at answered")

    running.cancel(desk.app, decided.run_id, actor="cid")
    cancelled = desk.wait(decided.run_id)
    book.open("answered")
    done = desk.wait(running.retry(desk.app, decided.run_id, actor="cid"))

    assert cancelled.status == "cancelled"
    assert desk.values(done)["answers"] == ["before", "yes", "after"]
    assert [c.version for c in desk.cards(held, "pending", "decided")] == [1]
    assert book.count("answered") == 2


def test_a_run_that_was_cancelled_while_its_worker_was_dead_is_closed_whole(desk, by_question):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("fan", book, input={"items": ["a", "b"]})
    worker.stop()
    decided = desk.decide(by_question(desk.cards(held))["Release a?"], 1)
    desk.carry_unrecorded(die_at=0)

    asked = running.cancel(desk.app, decided.run_id, actor="cid")
    before = book.count("released a")
    desk.start()
    cancelled = desk.wait(decided.run_id)

    assert asked.status == "running"
    assert cancelled.status == "cancelled"
    assert desk.cards(held) == []
    assert "running" not in [status for _, status in desk.nodes(cancelled)]
    assert book.count("released a") == before
    last = observing.list_events(desk.app, decided.run_id)[-1]
    assert (last.kind, last.data["status"]) == ("status", "cancelled")


def test_an_ended_run_cannot_be_cancelled_and_a_finished_one_not_retried(desk):
    desk.start()
    done = desk.finish("steps", desk.open_book())

    with pytest.raises(Conflict, match="ended already"):
        running.cancel(desk.app, done.run_id, actor="cid")
    with pytest.raises(Conflict, match="only failed or cancelled"):
        running.retry(desk.app, done.run_id, actor="cid")


def test_a_job_of_a_run_that_has_ended_is_closed_without_running_it(desk, wait_until):
    book = desk.open_book()
    run = desk.launch("steps", book)
    with desk.app.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE runs SET status = 'cancelled'")

    desk.start()

    def job_is_done():
        with desk.app.engine.connect() as conn:
            return desk.app.queue.fetch_result(conn, run.run_id)[0] == "done"

    wait_until(job_is_done)
    assert book.count("a") == 0
