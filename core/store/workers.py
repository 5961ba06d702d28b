"""The workers' signs of life."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select

from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.store import dialect
from interlock.core.store.schema import workers
from interlock.core.types import WorkerId

_UPSERT = dialect.upsert(workers)
_ALL = (
    select(workers)
    .order_by(workers.c.heartbeat_at.desc(), workers.c.worker_id)
    .limit(bindparam("limit"))
)
_ALIVE = _ALL.where(workers.c.heartbeat_at >= bindparam("since"))
_REMOVE = delete(workers).where(workers.c.worker_id == bindparam("of_id"))


def beat(conn: Connection, worker: Worker) -> None:
    """Record a sign of life, and what the worker says about itself."""
    conn.execute(_UPSERT.on(conn), vars(worker))


def fetch_alive(conn: Connection, *, since: datetime, limit: int = 1000) -> list[Worker]:
    """Workers that gave a sign of life at or after a moment, the latest first."""
    return [_from_row(row) for row in conn.execute(_ALIVE, {"since": since, "limit": limit})]


def fetch_all(conn: Connection, *, limit: int = 1000) -> list[Worker]:
    """All workers on record, dead ones too, the latest sign of life first."""
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
