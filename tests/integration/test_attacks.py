"""Impatience, bad luck and odd values: each ends in a stated way, and nothing is lost or sent twice."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from interlock.core.clock import FrozenClock, SystemClock
from interlock.core.errors import Conflict, InterlockError, InvalidInput
from interlock.core.model.approvals import Verb
from interlock.core.services import launching, observing, running
from interlock.core.services.launching import Launch

HALF_A_PAIR = "\ud83d"


def at_once(count, act):
    """Do something in so many threads at the same moment; what came of it, errors included."""
    line = threading.Barrier(count)
    came = []

    def go(number):
        line.wait()
        try:
            came.append(act(number))
        except InterlockError as exc:
            came.append(exc)

    threads = [threading.Thread(target=go, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


def split(came):
    """What was done, and the conflicts."""
    assert all(isinstance(c, Conflict) for c in came if isinstance(c, Exception)), came
    done = [c for c in came if not isinstance(c, Exception)]
    return done, [c for c in came if isinstance(c, Exception)]


def test_of_launches_on_one_thread_at_once_one_is_taken(desk):
    book = desk.open_book()

    done, refused = split(at_once(4, lambda _: desk.launch("one", book, thread_id="mine")))

    assert (len(done), len(refused)) == (1, 3)
    assert [r.run_id for r in observing.list_runs(desk.app)] == [done[0].run_id]


def test_of_retries_at_once_one_makes_a_run(desk):
    book = desk.open_book()
    book.fail("flaky", times=9)
    worker = desk.start()
    failed = desk.finish("retrying", book)
    worker.stop()

    done, refused = split(at_once(4, lambda _: running.retry(desk.app, failed.run_id, actor="cid")))

    assert (len(done), len(refused)) == (1, 3)
    assert len(observing.list_runs(desk.app, thread_id=failed.thread_id)) == 2


def test_of_a_cancel_and_a_decision_at_once_one_wins_and_the_card_is_closed(desk):
    desk.start()
    held = desk.finish("one", desk.open_book())
    card = desk.card(held)

    def act(number):
        if number:
            return desk.decide(card, "yes").run_id
        return running.cancel(desk.app, held.run_id, actor="cid").run_id

    split(at_once(2, act))

    assert desk.cards(held) == []
    statuses = {r.status for r in observing.list_runs(desk.app, thread_id=held.thread_id)}
    assert statuses <= {"cancelled", "continued", "queued", "running", "done"}


def test_a_breakpoints_way_on_is_retried_after_it_was_cancelled_before_it_began(desk):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("steps", book, break_before=("b",))
    worker.stop()
    going_on = desk.decide(desk.card(held), verb=Verb.APPROVE)
    running.cancel(desk.app, going_on.run_id, actor="cid")

    again = running.retry(desk.app, going_on.run_id, actor="cid")

    desk.start()
    assert desk.wait(again).status == "done"
    assert book.count("b") == 1


def test_an_answer_whose_run_is_cancelled_before_it_began_is_sent_by_the_retry(desk):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("one", book)
    worker.stop()
    decided = desk.decide(desk.card(held), "yes")
    running.cancel(desk.app, decided.run_id, actor="cid")

    again = running.retry(desk.app, decided.run_id, actor="cid")

    desk.start()
    assert desk.values(desk.wait(again))["answers"] == ["before", "yes", "after"]


def test_an_answer_given_while_no_worker_is_alive_is_carried_out_by_the_next(desk):
    worker = desk.start()
    held = desk.finish("one", desk.open_book())
    worker.stop()

    decided = desk.decide(desk.card(held), {"any": [1, None]})

    assert desk.run(decided.run_id).status == "queued"
    desk.start()
    done = desk.wait(decided.run_id)
    assert desk.values(done)["answers"] == ["before", {"any": [1, None]}, "after"]


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (2**70, ""),
        ({"n": [-(2**70)]}, "n.0"),
        (f"half {HALF_A_PAIR}", ""),
        ({"a": {HALF_A_PAIR: 1}}, "a"),
    ],
    ids=["number", "number within", "text", "key"],
)
def test_an_answer_that_no_checkpoint_can_hold_is_refused_and_the_card_stays(desk, answer, place):
    desk.start()
    held = desk.finish("one", desk.open_book())
    card = desk.card(held)

    with pytest.raises(InvalidInput) as refused:
        desk.decide(card, answer)

    assert [p.path for p in refused.value.problems] == [place]
    assert desk.card(held) == card


def test_an_input_that_no_checkpoint_can_hold_starts_nothing(desk):
    book = desk.open_book()

    for value in ([HALF_A_PAIR], ["fine", f"x{HALF_A_PAIR}"]):
        with pytest.raises(InvalidInput, match="surrogate"):
            desk.launch("fan", book, input={"items": value})

    assert observing.list_runs(desk.app) == []


def test_work_goes_on_after_the_clock_was_set_back(desk):
    clock = FrozenClock(SystemClock().now() + timedelta(hours=3))
    ahead = type(desk.app)(desk.app.settings, desk.app.engine, desk.app.queue, clock)
    book = desk.open_book()
    request = Launch(workflow="one", input={"book": str(book.folder)})

    run = launching.launch(ahead, request, actor="anna")

    desk.start()
    assert desk.wait(run).status == "waiting"
