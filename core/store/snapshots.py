"""States as JSON, as a worker projected them for the screens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select

from interlock.core.model.threads import Snapshot
from interlock.core.store import bulk
from interlock.core.store.schema import snapshots
from interlock.core.types import CheckpointId, ThreadId

_UPSERT = bulk.upsert(snapshots)
_FETCH = select(snapshots).where(
    snapshots.c.thread_id == bindparam("of_thread"), snapshots.c.checkpoint_id == bindparam("of_id")
)


def put(conn: Connection, snapshot: Snapshot) -> None:
    """Keep a snapshot; it replaces the one of the same checkpoint."""
    put_many(conn, [snapshot])


def put_many(conn: Connection, snapshots: Sequence[Snapshot]) -> None:
    """Keep snapshots of different checkpoints."""
    _UPSERT.run(conn, [_as_row(snapshot) for snapshot in snapshots])


def fetch(conn: Connection, thread_id: ThreadId, checkpoint_id: CheckpointId) -> Snapshot | None:
    """The snapshot of a checkpoint, if one was kept."""
    found = conn.execute(_FETCH, {"of_thread": thread_id, "of_id": checkpoint_id})
    row = found.mappings().one_or_none()  # not by attribute: `values` is a method of a row
    return None if row is None else from_mapping(row)


def from_mapping(row: RowMapping) -> Snapshot:
    """Read a row that has all columns of `snapshots`."""
    return Snapshot(
        thread_id=row["thread_id"],
        checkpoint_id=row["checkpoint_id"],
        values=row["values"],
        next=tuple(row["next"]),
        interrupts=tuple(row["interrupts"]),
        metadata=row["metadata"],
        created_at=row["created_at"],
    )


def _as_row(snapshot: Snapshot) -> dict[str, Any]:
    return vars(snapshot) | {
        "next": list(snapshot.next),
        "interrupts": [dict(interrupt) for interrupt in snapshot.interrupts],
        "metadata": dict(snapshot.metadata),
    }
