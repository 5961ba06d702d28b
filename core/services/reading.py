"""
The state of a thread at a checkpoint: as it was kept, or as a worker reads it for whoever asks.

Only a worker has the project's classes; the one side of the errand asks here, the other answers.
"""

from __future__ import annotations

import time

from interlock.core.errors import NotFound, NoWorker, StoreUnavailable
from interlock.core.model.threads import Snapshot
from interlock.core.queue.port import Job, JobKind, NewJob
from interlock.core.services import observing
from interlock.core.services.context import App
from interlock.core.store import checkpoints, engine, snapshots, threads
from interlock.core.types import CheckpointId, JobId, ThreadId, new_id


def state(
    app: App, thread_id: str, checkpoint_id: str | None = None, *, wait_s: float = 10.0
) -> Snapshot:
    """
    The state of a thread at a checkpoint, its newest by default.

    A state that no run ended with is read by a worker, which has the user's classes.

    Raises:
        NotFound: No such thread, or no such checkpoint of it.
        NoWorker: The state has to be read by a worker, and none is alive or it took too long.
    """
    thread = ThreadId(thread_id)
    with engine.read(app.engine) as conn:
        known = threads.fetch(conn, thread)
        if known is None:
            raise NotFound("thread", thread_id)
        wanted = CheckpointId(checkpoint_id) if checkpoint_id else known.head_checkpoint_id
        stored = snapshots.fetch(conn, thread, wanted) if wanted else None
        is_known = wanted is not None and checkpoints.fetch(conn, thread, wanted) is not None
    if stored is not None:
        return stored
    if wanted is None or not is_known:
        raise NotFound("checkpoint", checkpoint_id or f"of thread {thread_id}")
    return _read_by_worker(app, thread, wanted, wait_s)


def _read_by_worker(
    app: App, thread_id: ThreadId, checkpoint_id: CheckpointId, wait_s: float
) -> Snapshot:
    if not observing.list_workers(app):
        raise NoWorker(
            "A worker is needed to read this state, and none is alive.",
            hint="Start `interlock up`.",
        )
    job = NewJob(
        job_id=JobId(new_id()),
        kind=JobKind.SNAPSHOT,
        payload={"thread_id": thread_id, "checkpoint_id": checkpoint_id},
        priority=100,
    )
    with engine.write(app.engine) as conn:
        app.queue.enqueue(conn, job, now=app.clock.now())
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        with engine.read(app.engine) as conn:
            found = snapshots.fetch(conn, thread_id, checkpoint_id)
            ended = app.queue.fetch_result(conn, job.job_id)
        if found is not None:
            return found
        if ended is not None and ended[0] == "failed":
            raise StoreUnavailable(f"The state could not be read: {ended[1]}")
        time.sleep(observing.POLL_S)
    raise NoWorker(f"No worker read the state within {wait_s:g} s.")


def workflow_of(app: App, thread_id: ThreadId) -> str:
    """
    The workflow of a thread.

    Raises:
        NotFound: No such thread.
    """
    with engine.read(app.engine) as conn:
        thread = threads.fetch(conn, thread_id)
    if thread is None:
        raise NotFound("thread", thread_id)
    return thread.workflow


def store_snapshot(app: App, job: Job, snapshot: Snapshot) -> None:
    """Keep the state and close the job together."""
    with engine.write(app.engine) as conn:
        snapshots.put(conn, snapshot)
        app.queue.finish(conn, job.job_id)


def fail_snapshot(app: App, job: Job, reason: str) -> None:
    """Close the job with the reason why the state could not be read."""
    with engine.write(app.engine) as conn:
        app.queue.finish(conn, job.job_id, failed=True, result=reason)
