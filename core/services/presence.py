"""A worker's signs of life, what it publishes, and what it takes over from a dead one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from interlock.core.model.workers import Worker
from interlock.core.model.workflows import Workflow
from interlock.core.services import limiting
from interlock.core.services.context import App
from interlock.core.store import engine, topics, workers, workflows
from interlock.core.types import WorkerId

KEEP_JOBS = timedelta(hours=1)  # finished jobs, for whoever waits for their result


def beat(app: App, worker: Worker) -> None:
    """Write a sign of life."""
    with engine.write(app.engine) as conn:
        workers.beat(conn, worker)


def publish(app: App, cards: Sequence[Workflow]) -> None:
    """Replace the list of workflows by what this worker has loaded."""
    with engine.write(app.engine) as conn:
        workflows.replace_all(conn, cards)
        topics.bump(conn, "workflows")


def take_over(app: App, worker_id: WorkerId) -> int:
    """
    Put back the jobs of all other workers; only for a worker that knows to be the only one.

    Returns:
        How many jobs were put back.
    """
    with engine.write(app.engine) as conn:
        count = 0
        for other in workers.fetch_all(conn):
            if other.worker_id != worker_id:
                count += len(app.queue.put_back(conn, worker_id=other.worker_id))
                workers.remove(conn, other.worker_id)
        return count


def leave(app: App, worker_id: WorkerId) -> None:
    """Hand back what is still claimed and sign off."""
    with engine.write(app.engine) as conn:
        app.queue.put_back(conn, worker_id=worker_id)
        workers.remove(conn, worker_id)
        topics.bump(conn, "runs")


def clear_finished_jobs(app: App) -> int:
    """Delete jobs that nobody waits for any more, and what counts towards no limit any more."""
    limiting.clear(app)
    with engine.write(app.engine) as conn:
        return app.queue.clear_finished(conn, before=app.clock.now() - KEEP_JOBS)
