"""Files of inputs that were launched, and what became of their rows, read from the runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    select,
    type_coerce,
)

from interlock.core.model.launch_batches import BatchRun, LaunchBatch
from interlock.core.model.runs import FailureLine, RunStatus
from interlock.core.store import dialect
from interlock.core.store.columns import JsonHead
from interlock.core.store.schema import launch_batches, runs, threads
from interlock.core.types import RunId

_INSERT = dialect.insert_new(launch_batches)
_FETCH = select(launch_batches).where(launch_batches.c.batch_id == bindparam("batch_id"))
_LOCK = _FETCH.with_for_update()
_FETCH_MANY = (
    select(launch_batches)
    .order_by(launch_batches.c.created_at.desc(), launch_batches.c.batch_id.desc())
    .limit(bindparam("limit"))
)

# A row's run is the one that nothing went before; where its thread stands now, its newest run says.
_started = runs.alias("started")
_newest = runs.alias("newest")
_IS_ROW = (_started.c.batch_id == bindparam("batch_id"), _started.c.previous_run_id.is_(None))
_JOINED = _started.join(threads, threads.c.thread_id == _started.c.thread_id).join(
    _newest, _newest.c.run_id == func.coalesce(threads.c.last_run_id, _started.c.run_id)
)
_COUNT = select(func.count()).select_from(_started).where(*_IS_ROW)
_COUNT_BY_STATUS = (
    select(_newest.c.status, func.count())
    .select_from(_JOINED)
    .where(*_IS_ROW)
    .group_by(_newest.c.status)
)
_ERROR_LINE = type_coerce(
    case(
        (
            _newest.c.error_type.is_not(None),
            dialect.text_before(cast(_newest.c.error, Text), ',"stack":'),
        )
    ),
    JsonHead("stack"),
)
_RUNS = (
    select(
        _started.c.run_id.label("started_run_id"),
        _started.c.thread_id,
        _started.c.variant,
        _started.c.input,
        _newest.c.run_id,
        _newest.c.status,
        _ERROR_LINE.label("error_line"),
    )
    .select_from(_JOINED)
    .where(*_IS_ROW)
    .order_by(_started.c.created_at, _started.c.run_id)
    .limit(bindparam("limit"))
)
_RUNS_OF_STATUS = _RUNS.where(_newest.c.status == bindparam("status"))


def insert(conn: Connection, batch: LaunchBatch) -> bool:
    """Add a batch; False, and nothing changes, if there is one of this id."""
    counted = {"preserve_rowcount": True}  # not kept for an INSERT otherwise
    result = conn.execute(_INSERT.on(conn), vars(batch), execution_options=counted)
    return result.rowcount == 1


def fetch(conn: Connection, batch_id: str) -> LaunchBatch | None:
    """The batch of this id."""
    return _one(conn, _FETCH, batch_id)


def lock(conn: Connection, batch_id: str) -> LaunchBatch | None:
    """The batch of this id, kept from others who launch it until the transaction ends."""
    return _one(conn, _LOCK, batch_id)


def fetch_many(conn: Connection, *, limit: int) -> list[LaunchBatch]:
    """Batches, newest first."""
    return [_from_row(row) for row in conn.execute(_FETCH_MANY, {"limit": limit})]


def count_launched(conn: Connection, batch_id: str) -> int:
    """How many of its rows have become runs."""
    count: int = conn.execute(_COUNT, {"batch_id": batch_id}).scalar_one()
    return count


def count_by_status(conn: Connection, batch_id: str) -> dict[RunStatus, int]:
    """Where the threads of its rows stand, each status with how many."""
    rows = conn.execute(_COUNT_BY_STATUS, {"batch_id": batch_id})
    return {RunStatus(status): count for status, count in rows}


def fetch_runs(
    conn: Connection, batch_id: str, *, status: RunStatus | None = None, limit: int
) -> list[BatchRun]:
    """What became of its rows, in the order of the file; `status` None means any."""
    given = {"batch_id": batch_id, "limit": limit}
    if status is None:
        return _read_runs(conn.execute(_RUNS, given))
    return _read_runs(conn.execute(_RUNS_OF_STATUS, {**given, "status": status.value}))


def _one(conn: Connection, statement: Select[Any], batch_id: str) -> LaunchBatch | None:
    row = conn.execute(statement, {"batch_id": batch_id}).one_or_none()
    return None if row is None else _from_row(row)


def _from_row(row: Row[Any]) -> LaunchBatch:
    return LaunchBatch(
        batch_id=row.batch_id,
        workflow=row.workflow,
        source=row.source,
        row_count=row.row_count,
        created_at=row.created_at,
        created_by=row.created_by,
        digest=row.digest,
    )


def _read_runs(rows: Iterable[Any]) -> list[BatchRun]:
    return [
        BatchRun(
            run_id=RunId(row.run_id),
            started_run_id=RunId(row.started_run_id),
            thread_id=row.thread_id,
            status=RunStatus(row.status),
            variant=row.variant,
            input=row.input,
            error=None if row.error_line is None else FailureLine(**row.error_line),
        )
        for row in rows
    ]
