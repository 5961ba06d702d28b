"""Law 4 with real deaths: a worker process that is killed in the middle of user code."""

from __future__ import annotations

import signal

import pytest

from interlock.core.model.approvals import Verb
from interlock.core.services import observing, running

KILLED = -signal.SIGKILL


def die_and_start_again(desk, *, times=1):
    """Let workers die, then one that lives take over."""
    for _ in range(times):
        worker = desk.spawn()
        assert worker.wait() == KILLED
    return desk.start()


@pytest.mark.parametrize("where", ["before", "asking"])
def test_a_worker_killed_in_a_start_leaves_nothing_but_the_node_in_flight_to_repeat(desk, where):
    book = desk.open_book()
    book.kill(where)
    run = desk.launch("one", book)

    die_and_start_again(desk)

    assert desk.wait(run).status == "waiting"
    assert book.count("before") == (2 if where == "before" else 1)
    assert book.count("asking") == (2 if where == "asking" else 1)
    ended = desk.wait(desk.decide(desk.card(run), "yes").run_id)
    assert desk.values(ended)["answers"] == ["before", "yes", "after"]


def test_a_worker_killed_between_two_nodes_side_by_side_runs_only_the_unfinished_one_again(
    desk, wait_until
):
    book = desk.open_book()
    book.kill("right")
    book.close("right")
    run = desk.launch("side_by_side", book)
    worker = desk.spawn()
    book.wait_for("left")
    wait_until(lambda: desk.count_writes(run, "seen") and ("right", "running") in desk.nodes(run))
    book.open("right")
    assert worker.wait() == KILLED

    desk.start()

    assert desk.wait(run).status == "done"
    assert [book.count(n) for n in ("left", "right", "last")] == [1, 2, 1]
    assert ("left", "ok") in desk.nodes(run)
    assert desk.nodes(run).count(("right", "cancelled")) == 1


@pytest.mark.parametrize("where", ["answered", "after"])
def test_a_worker_killed_in_a_resume_asks_nobody_again(desk, where):
    book = desk.open_book()
    book.kill(where)
    worker = desk.start()
    held = desk.finish("one", book)
    worker.stop()
    decided = desk.decide(desk.card(held), "yes")

    die_and_start_again(desk)
    ended = desk.wait(decided.run_id)

    assert desk.values(ended)["answers"] == ["before", "yes", "after"]
    assert [c.version for c in desk.cards(held, "pending", "decided")] == [1]
    assert book.count("answered") == (2 if where == "answered" else 1)
    assert book.count("before") == 1


def test_cards_that_wait_outlive_a_worker_that_is_killed_over_their_sibling(desk, by_question):
    book = desk.open_book()
    book.kill("released a")
    worker = desk.start()
    held = desk.finish("fan", book, input={"items": ["a", "b", "c"]})
    worker.stop()
    cards = by_question(desk.cards(held))
    decided = desk.decide(cards["Release a?"], 1)

    worker = desk.spawn()
    worker.wait()
    left = by_question(desk.cards(held))
    second = desk.decide(left["Release b?"], 2)
    desk.start()
    desk.wait(decided.run_id)
    desk.wait(second.run_id)

    assert left.keys() == {"Release b?", "Release c?"}
    assert by_question(desk.cards(held)).keys() == {"Release c?"}
    assert [book.count(f"released {item}") for item in "abc"] == [2, 1, 0]


def test_a_retry_and_a_breakpoint_survive_the_death_of_their_worker(desk):
    books = [desk.open_book(), desk.open_book()]
    books[0].fail("answered")
    worker = desk.start()
    held = desk.finish("one", books[0])
    failed = desk.wait(desk.decide(desk.card(held), "yes").run_id)
    paused = desk.finish("steps", books[1], break_before=("b", "c"))
    worker.stop()
    books[0].kill("answered")
    retried = running.retry(desk.app, failed.run_id, actor="cid")
    decided = desk.decide(desk.card(paused), verb=Verb.APPROVE)
    books[1].kill("b")

    # Either may be in flight when the other kills their worker.
    for _ in range(2):
        if not any(
            (book.folder / f).exists() for book in books for f in ("answered.kill", "b.kill")
        ):
            break
        desk.spawn().wait()
    desk.start()

    assert desk.wait(retried).status == "done"
    assert books[0].count("before") == 1
    assert [c.version for c in desk.cards(held, "pending", "decided")] == [1]
    assert desk.wait(decided.run_id).status == "paused"
    assert desk.card(paused).node == "c"
    assert [books[1].count(step) for step in "ac"] == [1, 0]
    assert books[1].count("b") in {2, 3}


def test_a_run_that_kills_its_worker_three_times_fails_and_the_others_go_on(desk):
    book = desk.open_book()
    book.kill("before", times=3)
    run = desk.launch("one", book)

    worker = die_and_start_again(desk, times=3)
    failed = desk.wait(run)
    other = desk.finish("steps", desk.open_book())

    assert (failed.status, failed.error.type) == ("failed", "KillsItsWorker")
    assert "died 3 times" in failed.error.message
    assert book.count("before") == 3
    assert other.status == "done"
    assert worker.is_alive
    retried = desk.wait(running.retry(desk.app, run.run_id, actor="cid"))
    assert retried.status == "waiting"
    assert book.count("before") == 4


def test_runs_that_die_with_a_killer_beside_them_are_not_blamed_for_it(desk):
    books = [desk.open_book() for _ in range(3)]
    for book in books:
        book.close("slow")
    killer = desk.open_book()
    killer.kill("slow", times=3)
    killer.close("slow")
    beside = [desk.launch("working", book) for book in books]
    guilty = desk.launch("working", killer)

    for times in (1, 2):  # all of them stand in their node when it is let go
        worker = desk.spawn()
        for book in (*books, killer):
            book.wait_for("at slow", times=times)
        killer.open("slow")
        assert worker.wait() == KILLED
        killer.close("slow")
    killer.open("slow")
    for book in books:
        book.open("slow")
    worker = desk.spawn()
    assert worker.wait() == KILLED
    desk.start()

    assert [desk.wait(run).status for run in beside] == ["done"] * 3
    assert desk.wait(guilty).error.type == "KillsItsWorker"
    assert killer.count("slow") == 3


def test_a_graph_that_kills_its_worker_when_it_is_opened_is_given_up_as_well(desk):
    book = desk.open_book()
    (book.folder / "opening.kill").write_text("4")
    run = desk.launch("opened", book, context={"book": str(book.folder)})

    die_and_start_again(desk, times=4)

    assert desk.wait(run).error.type == "KillsItsWorker"


def test_a_worker_told_to_stop_hands_over_at_the_end_of_the_step_and_the_next_one_finishes(
    desk, wait_until
):
    book = desk.open_book()
    book.close("slow")
    run = desk.launch("working", book)
    worker = desk.spawn()
    book.wait_for("slow")

    worker.terminate()
    wait_until(
        lambda: any(w.status == "draining" for w in observing.list_workers(desk.app)), "draining"
    )
    book.open("slow")
    assert worker.wait() == 0
    between = desk.run(run)
    desk.start()

    assert between.status == "queued"
    assert desk.wait(run).status == "done"
    assert [book.count(n) for n in ("a", "slow", "z")] == [1, 1, 1]
    assert ("slow", "ok") in desk.nodes(run)


def test_a_worker_told_to_stop_does_not_wait_for_a_node_that_takes_too_long(desk):
    book = desk.open_book()
    book.close("slow")
    run = desk.launch("working", book)
    worker = desk.spawn(drain_s=0.1)
    book.wait_for("slow")

    worker.terminate()
    assert worker.wait() == 0
    between = desk.run(run)
    book.open("slow")
    desk.start()

    assert between.status == "queued"
    assert desk.wait(run).status == "done"
    assert [book.count(n) for n in ("a", "slow", "z")] == [1, 2, 1]
    assert [s for path, s in desk.nodes(run) if path == "slow"] == ["cancelled", "ok"]


def test_a_worker_told_to_stop_ends_although_a_node_holds_a_thread(desk):
    book = desk.open_book()
    book.close("slow")
    run = desk.launch("working_in_thread", book)
    worker = desk.spawn(drain_s=0.1)
    book.wait_for("at slow")

    worker.terminate()

    assert worker.wait() == 0
    assert desk.run(run).status == "queued"
    book.open("slow")
    desk.start()
    assert desk.wait(run).status == "done"
