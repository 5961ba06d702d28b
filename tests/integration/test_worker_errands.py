"""Law 4 for what is read on behalf of a screen: it may kill one worker, and no run pays for it."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from interlock.core.errors import StoreUnavailable
from interlock.core.queue.port import JobKind
from interlock.core.services import claiming, observing, reading
from interlock.core.worker import clearing
from interlock.core.worker import errands as errands_of_worker

KILLED = -signal.SIGKILL


@pytest.fixture
def ask(desk):
    """Ask for the first step of a run in a thread; give back how to wait for what is said."""

    def ask(run):
        task = observing.run_detail(desk.app, run.run_id).nodes[0].task_id
        said = []

        def wait():
            try:
                said.append(reading.step(desk.app, run.run_id, task, wait_s=20))
            except StoreUnavailable as exc:
                said.append(str(exc))

        asker = threading.Thread(target=wait)
        asker.start()

        def hear():
            asker.join(20)
            return said[0]

        return hear

    return ask


def errands(desk):
    """Status and deliveries of all errands, oldest first."""
    with desk.app.engine.connect() as conn:
        rows = conn.exec_driver_sql(
            "SELECT status, deliveries FROM jobs WHERE kind != 'run' ORDER BY created_at"
        )
        return [tuple(row) for row in rows]


def test_a_step_that_kills_whoever_reads_it_kills_one_worker_and_no_run(desk, ask):
    book = desk.open_book()
    worker = desk.spawn()
    run = desk.finish("fragile", book)
    other = desk.launch("fragile", desk.open_book())
    assert desk.wait(other).status == "done"
    book.kill("reading", times=99)

    hear = ask(run)
    assert worker.wait() == KILLED
    innocent = desk.launch("steps", desk.open_book())
    second = desk.spawn()

    assert desk.wait(innocent).status == "done"
    told = hear()
    assert told.startswith("The step could not be read: The worker that was reading it ended")
    assert errands(desk) == [("failed", 2)]
    assert ask(other)().output == {"log": ["looked"]}
    assert second.exit_code is None


@pytest.fixture
def looks(monkeypatch):
    """One item for each time a worker of this process looked whether something is due."""
    looks, look = [], claiming.look
    monkeypatch.setattr(claiming, "look", lambda *a, **k: looks.append(1) or look(*a, **k))
    return looks


def test_nothing_is_read_beside_a_run_that_may_be_what_kills_its_workers(
    desk, ask, looks, wait_until
):
    first = desk.start()
    ended = desk.finish("steps", desk.open_book())
    first.stop()
    book = desk.open_book()
    book.close("slow")
    suspect = desk.launch("working", book)
    with desk.app.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE jobs SET progress = 'somewhere:2' WHERE status = 'todo'")
    desk.start()
    book.wait_for("at slow")

    hear = ask(ended)
    wait_until(lambda: errands(desk))
    seen = len(looks)
    wait_until(lambda: len(looks) > seen + 2, "two more looks")
    assert errands(desk) == [("todo", 0)]
    book.open("slow")

    assert hear().output == {"log": ["a"]}
    assert desk.wait(suspect).status == "done"


def test_what_may_kill_its_worker_waits_for_what_is_being_read(
    desk, ask, looks, monkeypatch, wait_until
):
    began, go_on, book = threading.Event(), threading.Event(), desk.open_book()
    answer = errands_of_worker.ERRANDS[JobKind.STEP]

    async def slowly(tools, job):
        began.set()
        await asyncio.to_thread(go_on.wait, 15)
        await answer(tools, job)

    monkeypatch.setitem(errands_of_worker.ERRANDS, JobKind.STEP, slowly)
    desk.start()
    ended = desk.finish("steps", desk.open_book())
    hear = ask(ended)
    assert began.wait(20)
    with desk.app.engine.begin() as conn:
        conn.exec_driver_sql(
            "CREATE TRIGGER suspect AFTER INSERT ON jobs BEGIN "
            "UPDATE jobs SET progress = 'somewhere:2' WHERE job_id = NEW.job_id; END"
        )
    suspect = desk.launch("steps", book)
    wait_until(lambda: desk.run(suspect).status == "running")
    seen = len(looks)
    wait_until(lambda: len(looks) > seen + 1, "two more looks")
    assert book.count("a") == 0
    go_on.set()

    assert desk.wait(suspect).status == "done"
    assert hear().output == {"log": ["a"]}


def test_what_takes_too_long_to_read_is_given_up_and_said(desk, ask, monkeypatch):
    async def never(tools, job):
        await asyncio.Event().wait()

    monkeypatch.setattr(errands_of_worker, "ERRAND_S", 0.1)
    monkeypatch.setitem(errands_of_worker.ERRANDS, JobKind.STEP, never)
    desk.start()
    run = desk.finish("steps", desk.open_book())

    assert (
        ask(run)() == "The step could not be read: It took longer than 0.1 s, so it was given up."
    )


def test_what_a_worker_sees_to_now_and_then_goes_on_after_a_failure(desk, monkeypatch, wait_until):
    seen = []

    def fail(_):
        raise ValueError("It is odd.")

    monkeypatch.setattr(clearing, "CLEAR_S", 0.01)
    monkeypatch.setattr(clearing.pruning, "retain", fail)
    monkeypatch.setattr(clearing.auditing, "note_head", seen.append)
    desk.start()
    wait_until(lambda: len(seen) > 2)
