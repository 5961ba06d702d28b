"""What a worker is handed of the queue: runs again and again, an errand once (law 4)."""

from __future__ import annotations

import pytest

from interlock.core.queue.local import LocalQueue
from interlock.core.queue.port import ERRAND_PRIORITY, JobKind, NewJob
from interlock.core.services import claiming
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import engine as engines


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    """An App on each kind of database."""
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


def put(app, job_id, kind, **given):
    priority = 0 if kind is JobKind.RUN else ERRAND_PRIORITY
    with engines.write(app.engine) as conn:
        job = NewJob(job_id=job_id, kind=kind, priority=priority, **given)
        app.queue.enqueue(conn, job, now=app.clock.now())


def lose(app, worker_id):
    """The worker dies, and another takes over."""
    with engines.write(app.engine) as conn:
        app.queue.put_back(conn, worker_id=worker_id)


def result(app, job_id):
    with engines.read(app.engine) as conn:
        return app.queue.fetch_result(conn, job_id)


@pytest.mark.parametrize("kind", [JobKind.STEP, JobKind.SNAPSHOT])
def test_an_errand_whose_worker_died_is_not_handed_out_again(app, kind):
    put(app, "e1", kind)
    first = claiming.claim_jobs(app, "w1", limit=5, only_errands=True)
    assert [job.job_id for job in first.errands] == ["e1"]
    lose(app, "w1")
    put(app, "e2", kind)
    second = claiming.claim_jobs(app, "w2", limit=5, only_errands=True)
    assert [job.job_id for job in second.errands] == ["e2"]
    status, reason = result(app, "e1")
    assert status == "failed"
    assert "ended before" in reason
    assert result(app, "e2") == ("doing", None)
    lose(app, "w2")
    assert claiming.claim_jobs(app, "w3", limit=5).errands == ()
    assert claiming.claim_jobs(app, "w3", limit=5).errands == ()


def test_a_run_whose_worker_died_is_handed_out_again_beside_it(app, make):
    with engines.write(app.engine) as conn:
        make.put_run(conn)
    put(app, "r1", JobKind.RUN, lock="t1", payload={"run_id": "r1"})
    put(app, "e1", JobKind.STEP)
    assert len(claiming.claim_jobs(app, "w1", limit=5).runs) == 1
    lose(app, "w1")
    claim = claiming.claim_jobs(app, "w2", limit=5)
    assert [claimed.job.deliveries for claimed in claim.runs] == [2]
    assert claim.errands == ()
