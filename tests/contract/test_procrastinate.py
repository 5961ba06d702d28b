"""What Procrastinate's table and our book do where they could come apart, on Postgres."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from interlock.core.errors import StoreUnavailable
from interlock.core.queue.local import LocalQueue
from interlock.core.queue.port import JobKind, NewJob
from interlock.core.queue.procrastinate import ProcrastinateQueue
from interlock.core.store import engine as engines
from interlock.core.store import migrating
from interlock.core.store.engine import read, write


@pytest.fixture
def engine(postgres_url):
    opened = engines.open_engine(postgres_url)
    yield opened
    opened.dispose()


@pytest.fixture
def queue():
    return ProcrastinateQueue()


@pytest.fixture
def put(engine, make):
    """Enqueue a job, by this program or by one that knows the book alone."""

    def enqueue(queue, job_id, *, lock=None, priority=0):
        job = NewJob(job_id=job_id, kind=JobKind.RUN, lock=lock, priority=priority, workflow="w")
        with write(engine) as conn:
            queue.enqueue(conn, job, now=make.at(0))

    return enqueue


@pytest.fixture
def claim(engine, make):
    def claim(queue, at=10.0, limit=10):
        with write(engine) as conn:
            jobs = queue.claim(conn, worker_id="w1", limit=limit, now=make.at(at))
        return [job.job_id for job in jobs]

    return claim


def dispatched(engine):
    """The jobs in Procrastinate's table, with their status."""
    with read(engine) as conn:
        rows = conn.execute(
            text("SELECT args ->> 'job_id', status FROM procrastinate_jobs ORDER BY id")
        )
        return dict(rows.all())


def test_nothing_is_left_there_of_what_ended(engine, queue, put, claim):
    for name in ("good", "bad", "dropped", "waiting"):
        put(queue, name)
    with write(engine) as conn:
        assert queue.drop(conn, "dropped")
    assert claim(queue, limit=2) == ["good", "bad"]
    with write(engine) as conn:
        queue.finish(conn, "good")
        queue.finish_many(conn, [("bad", True)])
    assert dispatched(engine) == {"waiting": "todo"}
    with read(engine) as conn:
        assert conn.execute(text("SELECT count(*) FROM procrastinate_events")).scalar_one() == 1


def test_what_was_not_committed_was_not_deferred(engine, queue, make):
    with pytest.raises(ValueError, match="no"), write(engine) as conn:
        queue.enqueue(conn, NewJob(job_id="j1", kind=JobKind.RUN), now=make.at(0))
        raise ValueError("no")
    assert dispatched(engine) == {}


def test_a_job_of_a_program_of_the_version_before_is_claimed(engine, queue, put, claim):
    put(queue, "new")
    assert claim(queue) == ["new"]
    put(LocalQueue(), "old")
    assert claim(queue, at=11) == ["old"]  # nothing else waits: it is looked for
    put(queue, "newer")
    put(LocalQueue(), "older")
    assert claim(queue, at=12) == ["newer"]
    put(queue, "newest")
    assert claim(queue, at=16, limit=2) == ["newest", "older"]  # looked for in any case
    assert dispatched(engine)["older"] == "doing"


def test_a_job_that_such_a_program_carries_keeps_its_lock(engine, queue, put, claim):
    old = LocalQueue()
    put(queue, "first", lock="t1")
    put(queue, "second", lock="t1")
    assert claim(old) == ["first"]
    assert claim(queue) == []
    with write(engine) as conn:
        old.finish(conn, "first")
        conn.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL"))  # time passes
    assert claim(queue, at=11) == ["second"]
    with write(engine) as conn:
        queue.finish(conn, "second")
    assert dispatched(engine) == {}


def test_what_such_a_program_ended_or_dropped_is_let_go(engine, queue, put, claim):
    old = LocalQueue()
    for name in ("ended", "dropped", "open"):
        put(queue, name)
    assert claim(queue, limit=1) == ["ended"]
    with write(engine) as conn:
        old.finish(conn, "ended")
        assert old.drop(conn, "dropped")
    assert claim(queue, at=20) == ["open"]
    assert dispatched(engine) == {"open": "doing"}


def test_what_such_a_program_put_back_is_claimed_anew(engine, queue, put, claim):
    put(queue, "j1", lock="t1")
    assert claim(queue) == ["j1"]
    with write(engine) as conn:
        assert LocalQueue().put_back(conn, worker_id="w1") == ["j1"]
    assert claim(queue, at=20) == ["j1"]


def test_what_such_a_program_claimed_is_put_back(engine, queue, put, claim):
    put(LocalQueue(), "j1", lock="t1")
    assert claim(LocalQueue()) == ["j1"]
    with write(engine) as conn:
        assert queue.put_back(conn, worker_id="w1") == ["j1"]
    assert claim(queue) == ["j1"]


def test_a_database_with_another_procrastinate_is_refused(empty_postgres_url):
    opened = engines.open_engine(empty_postgres_url)
    with write(opened) as conn:
        conn.execute(text("CREATE TABLE procrastinate_jobs (id bigint)"))
    with pytest.raises(StoreUnavailable, match="another program's Procrastinate"):
        migrating.upgrade(opened)
    opened.dispose()
