"""The index of the threads' checkpoints: enough to draw a history without loading a state (law 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from interlock.core.model.threads import CheckpointEntry
from interlock.core.store import bulk
from interlock.core.store.schema import checkpoints_index as table
from interlock.core.types import CheckpointId, ThreadId

_OF_THREAD = table.c.thread_id == bindparam("of_thread")
_OF_ID = table.c.checkpoint_id == bindparam("of_id")

_INSERT = bulk.insert_new(table)
_FETCH = select(table).where(_OF_THREAD, _OF_ID)
_NEWEST_FIRST = (
    select(table).where(_OF_THREAD).order_by(table.c.checkpoint_id.desc()).limit(bindparam("limit"))
)
_BEFORE = _NEWEST_FIRST.where(table.c.checkpoint_id < bindparam("before"))
_NEWEST_ID = select(func.max(table.c.checkpoint_id)).where(_OF_THREAD)
_FIRST_AFTER = select(func.min(table.c.checkpoint_id)).where(
    _OF_THREAD, table.c.checkpoint_id > bindparam("of_id")
)
_LAST_BRANCH = select(func.max(table.c.branch)).where(_OF_THREAD)
_CHILD = select(table.c.checkpoint_id).where(
    _OF_THREAD, table.c.checkpoint_id > bindparam("of_id"), table.c.parent_id == bindparam("of_id")
)
_SET_NEXT = update(table).where(_OF_THREAD, _OF_ID).values(next=bindparam("new_next"))


def insert_many(conn: Connection, entries: Sequence[CheckpointEntry]) -> None:
    """Add checkpoints; those known already stay as they are."""
    _INSERT.run(conn, [vars(entry) | {"next": list(entry.next)} for entry in entries])


def fetch(
    conn: Connection, thread_id: ThreadId, checkpoint_id: CheckpointId
) -> CheckpointEntry | None:
    """One checkpoint of a thread."""
    row = conn.execute(_FETCH, {"of_thread": thread_id, "of_id": checkpoint_id}).one_or_none()
    return None if row is None else _from_row(row)


def fetch_for_thread(
    conn: Connection, thread_id: ThreadId, *, limit: int, before: CheckpointId | None = None
) -> list[CheckpointEntry]:
    """The checkpoints of a thread, newest first (their ids rise with time); `before` pages on."""
    parameters = {"of_thread": thread_id, "limit": limit}
    if before is None:
        rows = conn.execute(_NEWEST_FIRST, parameters)
    else:
        rows = conn.execute(_BEFORE, parameters | {"before": before})
    return [_from_row(row) for row in rows]


def newest_id(conn: Connection, thread_id: ThreadId) -> CheckpointId | None:
    """The id of the newest indexed checkpoint of a thread."""
    newest: CheckpointId | None = conn.execute(_NEWEST_ID, {"of_thread": thread_id}).scalar_one()
    return newest


def first_after(
    conn: Connection, thread_id: ThreadId, checkpoint_id: CheckpointId
) -> CheckpointId | None:
    """The oldest indexed checkpoint of a thread that is newer than another."""
    parameters = {"of_thread": thread_id, "of_id": checkpoint_id}
    first: CheckpointId | None = conn.execute(_FIRST_AFTER, parameters).scalar_one()
    return first


def next_branch(conn: Connection, thread_id: ThreadId) -> int:
    """The number for a new branch of a thread; 0 for its first."""
    last = conn.execute(_LAST_BRANCH, {"of_thread": thread_id}).scalar_one()
    return 0 if last is None else last + 1


def has_child(conn: Connection, thread_id: ThreadId, checkpoint_id: CheckpointId) -> bool:
    """Whether an indexed checkpoint goes on from this one."""
    parameters = {"of_thread": thread_id, "of_id": checkpoint_id}
    return conn.execute(_CHILD.limit(1), parameters).first() is not None


def set_next(
    conn: Connection, thread_id: ThreadId, checkpoint_id: CheckpointId, next_nodes: Sequence[str]
) -> None:
    """Note which nodes are due after a checkpoint, once that is known."""
    conn.execute(
        _SET_NEXT,
        {"of_thread": thread_id, "of_id": checkpoint_id, "new_next": list(next_nodes)},
    )


def _from_row(row: Row[Any]) -> CheckpointEntry:
    return CheckpointEntry(
        thread_id=row.thread_id,
        checkpoint_id=row.checkpoint_id,
        parent_id=row.parent_id,
        step=row.step,
        source=row.source,
        next=tuple(row.next),
        run_id=row.run_id,
        created_at=row.created_at,
        size_bytes=row.size_bytes,
        branch=row.branch,
    )
