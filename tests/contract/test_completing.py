"""The points before the head of another application's thread: read once, and said where they are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.model.delivery import Head
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.services import (
    attaching,
    claiming,
    completing,
    history,
    presence,
    reading,
    rewinding,
)
from interlock.core.services.rewinding import ForkRequest
from interlock.core.store import checkpoints, engine, threads

NOT_READ = "Its older points are not read yet."


@pytest.fixture
def there(app, make):
    """Attached to a database with a thread of which the head alone is known."""
    there = replace(app, settings=app.settings.model_copy(update={"attach": "theirs.db"}))
    finding = attaching.Finding(
        thread_id="t1",
        workflow="refunds",
        trouble=None,
        at=app.clock.now(),
        head=Head(checkpoint_id="c3", run_id=None, due=(), next=()),
        status="done",
        entries=(make.checkpoint("c3", parent_id="c2"),),
    )
    attaching.store(there, [finding])
    return there


@pytest.fixture
def alive(app):
    """A worker that never comes to it by itself."""
    now = app.clock.now()
    worker = Worker(
        worker_id="w",
        host="here",
        pid=1,
        status=WorkerStatus.READY,
        concurrency=1,
        project="",
        started_at=now,
        heartbeat_at=now,
    )
    presence.beat(app, worker)


def claim(app):
    return claiming.claim_jobs(app, "w", limit=9).errands


@pytest.mark.usefixtures("alive")
def test_a_thread_whose_beginning_was_pruned_there_is_read_once(there, make, monkeypatch):
    asked = []

    def read(_app, job_id, **_given):
        asked.append(job_id)
        rest = [make.checkpoint("c2", parent_id="c1"), make.checkpoint("c3", parent_id="c2")]
        attaching.store_index(there, "t1", rest)

    monkeypatch.setattr(completing.reading, "wait_for", read)
    assert history.list_points(there, "t1", limit=1)[1] == "c3"  # the newest needs no worker
    assert asked == []
    assert completing.complete(there, "t1") == completing.complete(there, "t1") == ""
    assert len(asked) == 1
    with engine.read(there.engine) as conn:
        points = checkpoints.fetch_for_thread(conn, "t1", limit=10)
    assert [(p.checkpoint_id, p.parent_id) for p in points] == [("c3", "c2"), ("c2", None)]


@pytest.mark.usefixtures("alive")
def test_a_beginning_that_cannot_be_read_is_asked_for_once_at_each_head(there):
    """However often its page is drawn, and by however many processes; the page says why."""
    said = completing.complete(there, "t1", wait_s=0.0)
    assert said == f"{NOT_READ} No worker read the history within 0 s."
    assert history.open_history(there, "t1").missing == f"{NOT_READ} {completing.BEING_READ}"
    (job,) = claim(there)
    assert history.open_history(there, "t1").missing == f"{NOT_READ} {completing.BEING_READ}"

    reading.fail_job(there, job, "it is locked.")
    for _ in range(3):
        assert "it is locked. It is tried again when" in history.open_history(there, "t1").missing
    assert "it is locked" in completing.complete(there, "t1")
    assert claim(there) == ()

    with engine.write(there.engine) as conn:
        threads.touch(conn, "t1", head_checkpoint_id="c4", now=there.clock.now())
    completing.complete(there, "t1", wait_s=0.0)
    assert len(claim(there)) == 1


def test_a_beginning_that_nobody_can_read_is_said_to_be_missing(there):
    said = history.open_history(there, "t1").missing
    assert said == f"{NOT_READ} A worker is needed to read this history, and none is alive."
    request = ForkRequest(verb=RewindVerb.RERUN, checkpoint_id="c3")
    assert rewinding.preview(there, "t1", request).warnings[0] == said


def test_a_thread_of_our_own_is_whole(app, make):
    with engine.write(app.engine) as conn:
        make.put_run(conn, "r1")
    assert completing.complete(app, "t1") == completing.complete(app, "nobody") == ""
