from __future__ import annotations

from datetime import UTC, datetime, timedelta

from interlock.core.queue.played import PlayedQueue
from interlock.core.queue.port import JobKind, NewJob
from interlock.core.types import JobId, WorkerId

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
WORKER = WorkerId("w")


def put(queue, name, at):
    queue.enqueue(None, NewJob(job_id=JobId(name), kind=JobKind.RUN), now=at)


def test_jobs_are_claimed_once_in_order_and_not_before_their_time():
    queue = PlayedQueue()
    put(queue, "a", NOW)
    put(queue, "b", LATER)
    put(queue, "c", NOW)
    assert [j.job_id for j in queue.claim(None, worker_id=WORKER, limit=1, now=NOW)] == ["a"]
    assert [j.job_id for j in queue.claim(None, worker_id=WORKER, limit=9, now=NOW)] == ["c"]
    assert queue.is_any_due(None, now=NOW)
    assert [j.job_id for j in queue.claim(None, worker_id=WORKER, limit=9, now=LATER)] == ["b"]
    assert queue.count_due(None, now=LATER) == 0


def test_a_job_that_nobody_claimed_can_be_dropped():
    queue = PlayedQueue()
    put(queue, "a", NOW)
    assert queue.drop(None, JobId("a"))
    assert not queue.drop(None, JobId("a"))
    assert not queue.claim(None, worker_id=WORKER, limit=9, now=NOW, only_errands=True)
