"""The workers' signs of life."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, or_, select, update

from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.store import dialect
from interlock.core.store.schema import workers
from interlock.core.types import WorkerId

DEAD = (
    "dead"  # found so by another worker, which has yet to put back its jobs; then it is forgotten
)

_LIVES = workers.c.status != DEAD
_UPSERT = dialect.upsert(workers, where=lambda _new: _LIVES)
_CHANGE = update(workers).where(workers.c.worker_id == bindparam("of_id"), _LIVES)
_BEAT_ON = _CHANGE.values(heartbeat_at=dialect.NOW)
_IS_ALIVE = select(exists().where(workers.c.worker_id == bindparam("of_id"), _LIVES))
_ALL = (
    select(workers)
    .where(_LIVES)
    .order_by(workers.c.heartbeat_at.desc(), workers.c.worker_id)
    .limit(bindparam("limit"))
)
_ALIVE = _ALL.where(workers.c.heartbeat_at >= bindparam("since"))
_IS_SILENT = workers.c.heartbeat_at < bindparam("since")
_FIND_LOST = (
    select(workers.c.worker_id)
    .where(workers.c.worker_id != bindparam("but"), or_(~_LIVES, _IS_SILENT))
    .order_by(workers.c.worker_id)
    .limit(1000)
)
_MARK = (
    update(workers)
    .where(
        workers.c.worker_id.in_(
            select(workers.c.worker_id)
            .where(
                workers.c.worker_id.in_(bindparam("worker_ids", expanding=True)),
                or_(~_LIVES, _IS_SILENT),
            )
            .order_by(workers.c.worker_id)
            .with_for_update(skip_locked=True)
        )
    )
    .values(status=DEAD)
    .returning(workers.c.worker_id)
)
_REMOVE = delete(workers).where(workers.c.worker_id == bindparam("of_id"))


def beat(conn: Connection, worker: Worker) -> None:
    """Record a sign of life, and what the worker says about itself; not of one found dead."""
    conn.execute(_UPSERT.on(conn), vars(worker))


def beat_on(conn: Connection, worker_id: WorkerId) -> bool:
    """Record a sign of life by the clock of the database; False if the worker was found dead."""
    return conn.execute(_BEAT_ON, {"of_id": worker_id}).rowcount == 1


def change(conn: Connection, worker: Worker) -> bool:
    """Record what the worker says about itself; False if it was found dead."""
    said = {
        "status": worker.status,
        "published_at": worker.published_at,
        "concurrency": worker.concurrency,
    }
    return conn.execute(_CHANGE.values(**said), {"of_id": worker.worker_id}).rowcount == 1


def is_alive(conn: Connection, worker_id: WorkerId) -> bool:
    """Whether nobody has found the worker dead."""
    return bool(conn.execute(_IS_ALIVE, {"of_id": worker_id}).scalar_one())


def find_lost(conn: Connection, *, since: datetime, but: WorkerId) -> list[WorkerId]:
    """Workers that were found dead, and those without a sign of life since a moment; `but` is left out."""
    return list(conn.execute(_FIND_LOST, {"since": since, "but": but}).scalars())


def mark_dead(
    conn: Connection, worker_ids: Sequence[WorkerId], *, since: datetime
) -> list[WorkerId]:
    """
    Mark those of these workers that are still silent; which are marked now, by whomever.

    A row that somebody holds is left out: a worker that was stopped in the middle of signing off
    must not stop who looks for it, too.
    """
    silent = {"worker_ids": list(worker_ids), "since": since}
    return list(conn.execute(_MARK, silent).scalars())


def fetch_alive(conn: Connection, *, since: datetime, limit: int = 1000) -> list[Worker]:
    """Workers that gave a sign of life at or after a moment, the latest first."""
    return [_from_row(row) for row in conn.execute(_ALIVE, {"since": since, "limit": limit})]


def fetch_all(conn: Connection, *, limit: int = 1000) -> list[Worker]:
    """All workers on record, silent ones too, the latest sign of life first."""
    return [_from_row(row) for row in conn.execute(_ALL, {"limit": limit})]


def remove(conn: Connection, worker_id: WorkerId) -> None:
    """Forget a worker."""
    conn.execute(_REMOVE, {"of_id": worker_id})


def _from_row(row: Row[Any]) -> Worker:
    return Worker(
        worker_id=row.worker_id,
        host=row.host,
        pid=row.pid,
        status=WorkerStatus(row.status),
        concurrency=row.concurrency,
        project=row.project,
        started_at=row.started_at,
        heartbeat_at=row.heartbeat_at,
        published_at=row.published_at,
    )
