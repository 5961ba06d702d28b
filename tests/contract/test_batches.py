"""Moves of many runs in one statement do to each what a single move would."""

from __future__ import annotations

from dataclasses import replace

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.queue.port import JobKind, NewJob
from interlock.core.store import approvals, batches, checkpoints, runs, threads
from interlock.core.store.batches import End
from interlock.core.store.engine import write


def _end(run, status, **changes) -> End:
    given = {"failure": None, "head": "c9"} | changes
    return End(run_id=run.run_id, thread_id=run.thread_id, status=status, **given)


def test_runs_start_together_unless_they_have_ended(engine, make):
    with write(engine) as conn:
        one = make.put_run(conn, "r1", thread_id="t1", status=RunStatus.QUEUED)
        two = make.put_run(conn, "r2", thread_id="t2", status=RunStatus.CANCELLED)
        started = [replace(r, started_at=make.at(5), deliveries=2) for r in (one, two)]
        batches.start_runs(conn, started)

        found = runs.fetch_by_ids(conn, ["r1", "r2", "nobody"])
    assert found.keys() == {"r1", "r2"}
    assert (found["r1"].status, found["r1"].started_at) == (RunStatus.RUNNING, make.at(5))
    assert (found["r1"].deliveries, found["r2"].status) == (2, RunStatus.CANCELLED)


def test_runs_end_together_each_in_its_own_way_and_their_threads_move(engine, make):
    failure = Failure(type="ValueError", message="no")
    with write(engine) as conn:
        one = make.put_run(conn, "r1", thread_id="t1", status=RunStatus.RUNNING)
        two = make.put_run(conn, "r2", thread_id="t2", status=RunStatus.WAITING)
        late = make.put_run(conn, "r3", thread_id="t3", status=RunStatus.CANCELLED)
        ends = [
            _end(one, RunStatus.DONE),
            _end(two, RunStatus.FAILED, failure=failure, head=None),
            _end(late, RunStatus.DONE),
        ]
        batches.end_runs(conn, ends, at=make.at(7))

        found = runs.fetch_by_ids(conn, ["r1", "r2", "r3"])
        moved = threads.fetch(conn, "t1")
    assert [found[r].status for r in ("r1", "r2", "r3")] == ["done", "failed", "cancelled"]
    assert (found["r1"].ended_at, found["r1"].end_checkpoint_id) == (make.at(7), "c9")
    assert (found["r2"].error, found["r2"].end_checkpoint_id) == (failure, None)
    assert found["r3"].ended_at is None
    assert moved is not None
    assert (moved.head_checkpoint_id, moved.updated_at) == ("c9", make.at(7))


def test_what_is_live_and_what_is_newest_is_told_by_thread(engine, make):
    with write(engine) as conn:
        make.put_run(conn, "r1", thread_id="t1", status=RunStatus.WAITING)
        make.put_run(conn, "r2", thread_id="t1", status=RunStatus.QUEUED)
        make.put_run(conn, "r3", thread_id="t2", status=RunStatus.DONE)
        checkpoints.insert_many(
            conn, [make.checkpoint("c1"), make.checkpoint("c2"), make.checkpoint("c0")]
        )
        batches.lock_threads(conn, ["t2", "t1"])

        assert batches.find_live(conn, ["t1", "t2"]) == {"t1": ("r1", "r2")}
        assert batches.find_live(conn, []) == {}
        assert batches.newest_checkpoints(conn, ["t1", "t2"]) == {"t1": "c2"}
        assert batches.newest_checkpoints(conn, []) == {}


def test_pending_cards_of_many_threads_close_and_decided_ones_stay(engine, make):
    with write(engine) as conn:
        for number in (1, 2, 3):
            make.put_run(conn, f"r{number}", thread_id=f"t{number}")
            make.put_approval(conn, f"a{number}", thread_id=f"t{number}")
        approvals.close(conn, "a2", version=1, status=ApprovalStatus.DECIDED, now=make.at(1))
        batches.close_cards(conn, ["t1", "t2"], status=ApprovalStatus.SUPERSEDED, at=make.at(2))
        batches.close_cards(conn, [], status=ApprovalStatus.SUPERSEDED, at=make.at(2))

        found = {n: approvals.fetch(conn, f"a{n}") for n in (1, 2, 3)}
    assert [str(found[n].status) for n in (1, 2, 3)] == ["superseded", "decided", "pending"]
    assert found[1].closed_at == make.at(2)


def test_jobs_finish_together_and_something_is_due_only_while_something_waits(engine, make):
    queue = LocalQueue()
    with write(engine) as conn:
        for job_id in ("j1", "j2"):
            job = NewJob(job_id=job_id, kind=JobKind.RUN, lock=job_id, payload={}, priority=0)
            queue.enqueue(conn, job, now=make.at(0))
        assert queue.is_any_due(conn, now=make.at(1))
        queue.claim(conn, worker_id="w", limit=5, now=make.at(1))
        assert not queue.is_any_due(conn, now=make.at(1))
        queue.finish_many(conn, [("j1", False), ("j2", True)])
        queue.finish_many(conn, [])

        results = [queue.fetch_result(conn, job_id) for job_id in ("j1", "j2")]
    assert [status for status, _ in results] == ["done", "failed"]
