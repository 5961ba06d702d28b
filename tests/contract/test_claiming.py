"""What a worker is handed of the queue: runs again and again, an errand once (law 4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.ciphers import Cipher, make_key
from interlock.core.model.runs import RunKind
from interlock.core.queue.choosing import queue_for
from interlock.core.queue.local import LocalQueue
from interlock.core.queue.port import ERRAND_PRIORITY, JobKind, NewJob
from interlock.core.services import claiming, launching, observing
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import approvals, columns, decisions, nodes
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


def claim_one(app, worker_id):
    (claimed,) = claiming.claim_jobs(app, worker_id, limit=5).runs
    lose(app, worker_id)
    return claimed.delivery


def test_a_run_knows_where_it_begins_on_a_thread_that_another_moves_too(app, make):
    app = replace(app, settings=app.settings.model_copy(update={"attach": "theirs.db"}))
    with engines.write(app.engine) as conn:
        make.put_run(conn, "r2", kind=RunKind.RESUME, deliveries=0)
        approvals.insert(conn, make.approval("a1", checkpoint_id="c7"), "its key")
        decisions.insert(conn, make.decision("a1"))
    put(app, "r2", JobKind.RUN, lock="t1", payload={"run_id": "r2"})
    # handed back before anything of it ran, its answer is as new as it was
    for worker_id in ("w1", "w2"):
        found = claim_one(app, worker_id)
        assert (found.is_shared, found.is_first, found.places) == (True, True, {"c7"})
    with engines.write(app.engine) as conn:
        nodes.upsert_many(conn, [make.node_run(run_id="r2")])
    assert not claim_one(app, "w3").is_first


def test_a_retry_begins_where_the_run_ended_that_it_retries(app, make):
    attached = replace(app, settings=app.settings.model_copy(update={"attach": "theirs.db"}))
    with engines.write(app.engine) as conn:
        make.put_run(conn, "r1", kind=RunKind.ATTACHED, status="failed", end_checkpoint_id="c8")
        make.put_run(conn, "r2", kind=RunKind.RETRY, previous_run_id="r1")
    put(app, "r2", JobKind.RUN, lock="t1", payload={"run_id": "r2"})
    assert claim_one(attached, "w1").places == {"c8"}
    assert claim_one(app, "w2").places == frozenset()


def test_what_cannot_be_decrypted_here_fails_alone(app, engine, make):
    app = replace(app, queue=queue_for(engine))

    def put_run(conn, name, **changes):
        run = make.put_run(
            conn, name, thread_id=f"t {name}", status="queued", deliveries=0, **changes
        )
        app.queue.enqueue(conn, launching.job_for(run), now=make.at(0))

    with engines.write(engine) as conn:
        put_run(conn, "whole")
        put_run(conn, "answered", kind=RunKind.RESUME)
    columns.use_cipher(engine, Cipher([make_key()]))
    with engines.write(engine) as conn:
        put_run(conn, "sealed")
        approvals.insert(conn, make.approval("a1", thread_id="t answered"), "its key")
        decisions.insert(conn, make.decision("a1", run_id="answered"))
    put(app, "e1", JobKind.STEP, payload={"task": "a"})
    columns.use_cipher(engine, None)

    claim = claiming.claim_jobs(app, "w1", limit=9)
    assert [claimed.run.run_id for claimed in claim.runs] == ["whole"]
    assert claim.errands == ()
    status, reason = result(app, "e1")
    assert (status, "the key" in reason) == ("failed", True)
    for name in ("sealed", "answered"):
        (failed,) = observing.list_runs(app, thread_id=f"t {name}")
        assert (failed.status, failed.error.type) == ("failed", "KeyMissing")
        assert result(app, name)[0] == "failed"
    assert claiming.claim_jobs(app, "w1", limit=9).runs == ()
