"""Several workers on one Postgres: who dies is taken over from, and who was away writes nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from interlock.core.services import observing, reading
from interlock.core.store import engine
from interlock.core.worker.holding import EXIT_LOST

TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "node_runs", "run_events")


@pytest.fixture
def desk(postgres_url, make_desk):
    """A desk on a Postgres database of its own."""
    return make_desk(postgres_url)


@pytest.fixture
def pair(desk, wait_until):
    """Two workers, each with room for one run."""
    workers = [desk.spawn(concurrency=1) for _ in range(2)]
    wait_until(lambda: len(ready(desk)) == 2, "both are ready")
    return workers


def test_who_is_paused_is_taken_over_from_and_ends_when_it_goes_on(desk, pair, wait_until):
    book = desk.open_book()
    book.close("slow")
    run = desk.launch("working", book)
    book.wait_for("at slow")
    away = carrier_of(desk, run, pair)
    (other,) = (worker for worker in pair if worker is not away)

    away.pause()
    book.wait_for("at slow", times=2)
    assert ready(desk) == {other.pid}
    book.open("slow")
    ended = desk.wait(run)
    left = count_rows(desk)
    away.go_on()

    assert away.wait() == EXIT_LOST
    assert ended.status == "done"
    assert count_rows(desk) == left
    assert desk.run(run) == ended
    assert [book.count(n) for n in ("a", "z")] == [1, 1]
    assert other.exit_code is None


def test_who_is_paused_just_before_a_node_does_not_begin_it_when_it_goes_on(desk, pair):
    book = desk.open_book()
    book.stop("reading")  # the state, which is the last before the node's own task
    run = desk.launch("fragile", book)
    book.wait_for("looked")
    assert desk.wait(run).status == "done"
    (other,) = (worker for worker in pair if worker.pid == book.pids("looked")[0])
    (away,) = (worker for worker in pair if worker is not other)
    away.go_on()

    assert away.wait() == EXIT_LOST
    assert book.pids("looked") == [other.pid]


def test_two_share_what_is_due_and_a_stopping_one_hands_over(desk, pair, wait_until):
    book = desk.open_book()
    book.close("slow")
    runs = [desk.launch("working", book) for _ in range(2)]
    book.wait_for("at slow", times=2)  # one each, as neither has room for two
    leaving = carrier_of(desk, runs[0], pair)
    (other,) = (worker for worker in pair if worker is not leaving)

    leaving.terminate()
    wait_until(lambda: ready(desk) == {other.pid}, "it takes no more")
    book.open("slow")

    assert leaving.wait() == 0
    assert [desk.wait(run).status for run in runs] == ["done", "done"]
    assert [book.count(n) for n in ("a", "slow", "z")] == [2, 2, 2]


def test_workers_serve_parts_and_what_nobody_serves_is_said(desk, wait_until):
    workers = {
        name: desk.spawn(worker_workflows=(name,), worker_dead_after_s=3, heartbeat_s=1)
        for name in ("steps", "one")
    }
    wait_until(lambda: len(ready(desk)) == 2, "both are ready")
    names = {workflow.name for workflow in observing.list_workflows(desk.app)}
    runs = {name: desk.finish(name, desk.open_book()) for name in workers}

    assert {name: str(run.status) for name, run in runs.items()} == {
        "steps": "done",
        "one": "waiting",
    }
    assert reading.state(desk.app, runs["steps"].thread_id).values["log"]
    assert names > set(workers)  # the cards of the rest of the project stay: they may come back
    unserved = observing.overview(desk.app).unserved
    assert "working" in unserved
    assert not {*unserved} & {*workers}

    workers["steps"].kill()
    late = desk.launch("steps", desk.open_book())
    wait_until(lambda: "steps" in observing.overview(desk.app).unserved, "it is told")
    assert desk.run(late).status == "queued"
    desk.spawn()
    assert desk.wait(late).status == "done"
    assert observing.overview(desk.app).unserved == ()


def ready(desk) -> set[int]:
    """The processes that take runs."""
    return {worker.pid for worker in observing.list_workers(desk.app) if worker.status == "ready"}


def carrier_of(desk, run, workers):
    """Which of the workers carries a run."""
    question = text(
        "SELECT w.pid FROM jobs j JOIN workers w ON w.worker_id = j.claimed_by"
        " WHERE j.lock = :thread AND j.status = 'doing'"
    )
    with engine.read(desk.app.engine) as conn:
        pid = conn.execute(question, {"thread": run.thread_id}).scalar_one()
    (found,) = (worker for worker in workers if worker.pid == pid)
    return found


def count_rows(desk) -> list[int]:
    """How much is written."""
    with engine.read(desk.app.engine) as conn:
        return [conn.execute(text(f"SELECT count(*) FROM {t}")).scalar_one() for t in TABLES]
