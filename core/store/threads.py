"""Threads: which workflow they belong to, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from interlock.core.model.threads import Origin, Thread
from interlock.core.store import dialect
from interlock.core.store.schema import threads
from interlock.core.types import CheckpointId, RunId, ThreadId

NO_WORKFLOW = ""  # of a thread that was made before anybody said what shall run on it

_INSERT = dialect.insert_new(threads)
_FETCH = select(threads).where(threads.c.thread_id == bindparam("thread_id"))
_LOCK = _FETCH.with_for_update()
_FETCH_MANY = (
    select(threads)
    .order_by(threads.c.updated_at.desc(), threads.c.thread_id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_TOUCH = (
    update(threads)
    .where(threads.c.thread_id == bindparam("id"))
    .values(
        head_checkpoint_id=func.coalesce(bindparam("head"), threads.c.head_checkpoint_id),
        last_run_id=func.coalesce(bindparam("run"), threads.c.last_run_id),
        updated_at=bindparam("now"),
    )
)
_ADOPT = (
    update(threads)
    .where(threads.c.thread_id == bindparam("id"), threads.c.workflow == NO_WORKFLOW)
    .values(workflow=bindparam("of_workflow"))
)
_SET_LAST_RUN = (
    update(threads)
    .where(threads.c.thread_id == bindparam("id"))
    .values(last_run_id=bindparam("run"))
)


def insert(conn: Connection, thread: Thread) -> bool:
    """Add a thread; False, and nothing changes, if there is one of this id."""
    counted = {"preserve_rowcount": True}  # not kept for an INSERT otherwise
    result = conn.execute(_INSERT.on(conn), vars(thread), execution_options=counted)
    return result.rowcount == 1


def insert_many(conn: Connection, rows: Sequence[Thread]) -> None:
    """Add threads; those that are there already stay as they are."""
    if rows:
        conn.execute(_INSERT.on(conn), [vars(thread) for thread in rows])


def set_last_runs(conn: Connection, run_ids: Mapping[ThreadId, RunId]) -> None:
    """Note which run moved each of these threads last."""
    if run_ids:
        conn.execute(_SET_LAST_RUN, [{"id": key, "run": run} for key, run in run_ids.items()])


def fetch(conn: Connection, thread_id: ThreadId) -> Thread | None:
    """The thread of this id."""
    return _one(conn.execute(_FETCH, {"thread_id": thread_id}).one_or_none())


def lock(conn: Connection, thread_id: ThreadId) -> Thread | None:
    """The thread of this id, kept from other writers until the transaction ends."""
    return _one(conn.execute(_LOCK, {"thread_id": thread_id}).one_or_none())


def touch(
    conn: Connection,
    thread_id: ThreadId,
    *,
    head_checkpoint_id: CheckpointId | None = None,
    last_run_id: RunId | None = None,
    now: datetime,
) -> None:
    """Move a thread on; what is None stays as it is."""
    conn.execute(
        _TOUCH, {"id": thread_id, "head": head_checkpoint_id, "run": last_run_id, "now": now}
    )


def adopt(conn: Connection, thread_id: ThreadId, workflow: str) -> None:
    """Give a thread that belongs to no workflow yet to one."""
    conn.execute(_ADOPT, {"id": thread_id, "of_workflow": workflow})


def fetch_many(conn: Connection, *, limit: int, offset: int = 0) -> list[Thread]:
    """Threads, the one that moved last first."""
    rows = conn.execute(_FETCH_MANY, {"limit": limit, "offset": offset})
    return [from_row(row) for row in rows]


def _one(row: Row[Any] | None) -> Thread | None:
    return None if row is None else from_row(row)


def from_row(row: Row[Any]) -> Thread:
    """Read a row that has all columns of `threads`."""
    return Thread(
        thread_id=row.thread_id,
        workflow=row.workflow,
        head_checkpoint_id=row.head_checkpoint_id,
        last_run_id=row.last_run_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        origin=Origin(row.origin),
        from_thread_id=row.from_thread_id,
        from_checkpoint_id=row.from_checkpoint_id,
        trouble=row.trouble,
    )
