"""Which of a thread's points stay where only its newest are kept, and taking the others out of the index."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, select, text

from interlock.core.errors import StoreUnavailable
from interlock.core.store.checkpoint_reads import BUSY_S
from interlock.core.store.schema import checkpoints_index, snapshots
from interlock.core.types import CheckpointId, ThreadId

# A channel that keeps what changed needs what was written beside all points before.
_MARK = "counters_since_delta_snapshot"
_ON_POSTGRES = text(
    "SELECT 1 FROM checkpoints WHERE thread_id = :thread"
    f" AND strpos(CAST(metadata AS TEXT), '{_MARK}') > 0 LIMIT 1"
)
_ON_SQLITE = (
    "SELECT 1 FROM checkpoints WHERE thread_id = ?"
    f" AND instr(CAST(metadata AS TEXT), '{_MARK}') > 0 LIMIT 1"
)


@dataclass(frozen=True)
class Thinning:
    """The points that stay, newest first, and what goes with the others."""

    kept: tuple[CheckpointId, ...]
    gone_count: int
    gone_bytes: int


def weigh(conn: Connection, thread_id: ThreadId, most: int) -> Thinning:
    """What becomes of a thread of which only the newest points on the way to its head are kept."""
    table = checkpoints_index
    query = select(table.c.checkpoint_id, table.c.parent_id, table.c.size_bytes)
    rows = conn.execute(query.where(table.c.thread_id == thread_id)).all()
    parents = {row.checkpoint_id: row.parent_id for row in rows}
    kept: list[CheckpointId] = []
    at = max(parents, default=None)
    while at is not None and at in parents and len(kept) < most:
        kept.append(at)
        at = parents[at]
    sizes = [row.size_bytes for row in rows if row.checkpoint_id not in set(kept)]
    return Thinning(tuple(kept), len(sizes), sum(sizes))


def has_deltas_in_file(path: Path, thread_id: ThreadId) -> bool:
    """
    Whether a thread of the embedded file has a channel that keeps what changed.

    Raises:
        StoreUnavailable: The file cannot be read.
    """
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as file:
            return file.execute(_ON_SQLITE, (thread_id,)).fetchone() is not None
    except sqlite3.Error as exc:
        raise StoreUnavailable(f"The checkpoints cannot be read: {exc}.") from exc


def has_deltas(conn: Connection, thread_id: ThreadId) -> bool:
    """The same on Postgres."""
    return conn.execute(_ON_POSTGRES, {"thread": thread_id}).first() is not None


def delete_points(conn: Connection, thread_id: ThreadId, kept: Collection[CheckpointId]) -> None:
    """Take all points but these out of the index, and what was kept of their states."""
    for table in (checkpoints_index, snapshots):
        found = conn.execute(
            select(table.c.checkpoint_id).where(table.c.thread_id == thread_id)
        ).scalars()
        gone = [each for each in found if each not in set(kept)]
        for first in range(0, len(gone), 500):
            some = gone[first : first + 500]
            conn.execute(
                delete(table).where(table.c.thread_id == thread_id, table.c.checkpoint_id.in_(some))
            )
