"""A worker's signs of life, what it publishes, and what it takes over from a dead one."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from interlock.core.errors import StoreUnavailable
from interlock.core.model.workers import Worker
from interlock.core.model.workflows import Workflow
from interlock.core.services import limiting
from interlock.core.services.context import App, fetch_now
from interlock.core.store import dialect, engine, fencing, topics, workers, workflows
from interlock.core.types import WorkerId

logger = logging.getLogger(__name__)

KEEP_JOBS = timedelta(hours=1)  # finished jobs, for whoever waits for their result
LOCK_S = 2.0  # as often as workers are looked for
NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Rescued:
    """A worker that was found dead, and how many jobs of it were put back."""

    worker_id: WorkerId
    count: int


def session_name(worker_id: WorkerId) -> str:
    """How all sessions of a worker are called towards the server; a takeover ends them by it."""
    return fencing.session_name(worker_id)


def beat(app: App, worker: Worker) -> None:
    """Enter a worker, with its first sign of life."""
    with engine.write(app.engine) as conn:
        workers.beat(conn, replace(worker, heartbeat_at=fetch_now(app, conn)))


def beat_on(app: App, worker_id: WorkerId) -> bool:
    """Write a further sign of life; False if others have found the worker dead meanwhile."""
    with engine.statements(app.engine) as conn:
        return workers.beat_on(conn, worker_id)


def change(app: App, worker: Worker) -> bool:
    """Write what a worker does with new jobs; False if others have found it dead meanwhile."""
    with engine.write(app.engine) as conn:
        return workers.change(conn, worker)


def tell_time(app: App) -> datetime:
    """What time it is for the workers of a database."""
    with engine.statements(app.engine) as conn:
        return fetch_now(app, conn)


def is_alive(app: App, worker_id: WorkerId) -> bool:
    """Whether nobody has found the worker dead."""
    with engine.read(app.engine) as conn:
        return workers.is_alive(conn, worker_id)


def publish(app: App, cards: Sequence[Workflow]) -> None:
    """Make these the workflows there are, whoever serves them; workers use `publishing`."""
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


def rescue(
    app: App, worker_id: WorkerId, *, watched_since: datetime | None = None
) -> Sequence[Rescued]:
    """
    Take over from workers of the same Postgres that are dead: law 3.

    Who was silent for too long is marked, which no session of it survives and no new one passes, so
    that it writes nothing more, should it only have been stopped; then its jobs are put back. Each
    step may be done twice, or be begun by one worker and ended by another.

    Args:
        app: The parts.
        worker_id: Who looks.
        watched_since: Since when it has had the database before its eyes: silence before that, as in
            an outage of the server, is nobody's.

    Returns:
        Whose jobs were put back.
    """
    with engine.statements(app.engine) as conn:
        now = fetch_now(app, conn)
        since = now - timedelta(seconds=app.settings.dead_after_s)
        lost = workers.find_lost(conn, since=since, but=worker_id)
        if not lost:
            return ()
        if max(fencing.fetch_up_since(conn), watched_since or since) > since:
            since = NEVER  # nobody is silent; but who was found dead before is seen to
        marked = workers.mark_dead(conn, lost, since=since)
        silent = lost if since is not NEVER else marked
        gone = set(fencing.end_sessions(conn, silent))
    if app.settings.attached_url is not None and silent:
        gone &= _end_elsewhere(app.settings.attached_url, silent)
    found = [_put_back(app, dead) for dead in marked if dead in gone]
    return [each for each in found if each is not None]


def _end_elsewhere(url: str, worker_ids: Collection[WorkerId]) -> set[WorkerId]:
    """On the server of another application, whose checkpoints a worker writes, too."""
    elsewhere = engine.open_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
    try:
        with engine.statements(elsewhere) as conn:
            return set(fencing.end_sessions(conn, worker_ids))
    finally:
        elsewhere.dispose()


def _put_back(app: App, dead: WorkerId) -> Rescued | None:
    """None where another worker holds what it takes, which may have been stopped, too: at the next look."""
    try:
        return _put_back_now(app, dead)
    except StoreUnavailable as exc:
        logger.warning("jobs_not_put_back", extra={"worker_id": dead, "reason": str(exc)})
        return None


def _put_back_now(app: App, dead: WorkerId) -> Rescued:
    with engine.write(app.engine) as conn:
        dialect.wait_at_most(conn, LOCK_S)
        jobs = app.queue.put_back(conn, worker_id=dead)
        workers.remove(conn, dead)
        topics.bump(conn, "runs")
    return Rescued(dead, len(jobs))


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
