"""What a worker does for a screen that needs the project's classes to read a state."""

from __future__ import annotations

from interlock.core.errors import NotFound
from interlock.core.model.threads import Snapshot
from interlock.core.queue.port import Job
from interlock.core.services.context import App
from interlock.core.store import engine, snapshots, threads
from interlock.core.types import ThreadId


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
