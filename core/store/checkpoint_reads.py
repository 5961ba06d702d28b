"""Reading one stored checkpoint back, to see that it can be read; its contents are not looked at."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, select, text

from interlock.core.errors import StoreUnavailable
from interlock.core.store.schema import threads
from interlock.core.types import CheckpointId, ThreadId

BUSY_S = 2.0  # a reader waits for nobody; this is for the moment in which the file is made
Place = tuple[ThreadId, CheckpointId]

_NEWEST = (
    select(threads.c.thread_id, threads.c.head_checkpoint_id)
    .where(threads.c.head_checkpoint_id.is_not(None))
    .order_by(threads.c.updated_at.desc(), threads.c.thread_id.desc())
    .limit(1)
)
# LangGraph's own table: the same primary key on both databases.
_OF_PLACE = (
    "SELECT octet_length(CAST(checkpoint AS TEXT)) FROM checkpoints"
    " WHERE thread_id = :thread_id AND checkpoint_ns = '' AND checkpoint_id = :checkpoint_id"
)
_ON_POSTGRES = text(_OF_PLACE)
_ON_SQLITE = _OF_PLACE.replace("octet_length(CAST(checkpoint AS TEXT))", "length(checkpoint)")


def find_newest(conn: Connection) -> Place | None:
    """Where the thread that moved last stands; None before the first checkpoint."""
    row = conn.execute(_NEWEST).one_or_none()
    return None if row is None else (row.thread_id, row.head_checkpoint_id)


def read_from_database(conn: Connection, place: Place) -> int | None:
    """Read a checkpoint on Postgres; its characters, None if it is not there."""
    given = {"thread_id": place[0], "checkpoint_id": place[1]}
    size: int | None = conn.execute(_ON_POSTGRES, given).scalar()
    return size


def read_from_file(path: Path, place: Place) -> int | None:
    """
    Read a checkpoint of the embedded file; its bytes, None if it is not there.

    Raises:
        StoreUnavailable: The file cannot be read.
    """
    given = {"thread_id": place[0], "checkpoint_id": place[1]}
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as file:
            row = file.execute(_ON_SQLITE, given).fetchone()
    except sqlite3.Error as exc:
        raise StoreUnavailable(f"The checkpoints cannot be read: {exc}.") from exc
    return None if row is None else int(row[0])
