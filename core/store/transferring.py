"""
All rows of one thread as a file has them, and its records back into the tables.

Checkpoints are read straight from LangGraph's tables; nothing of them is restored, bytes stay bytes.
"""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    String,
    Table,
    delete,
    select,
    text,
    update,
)
from sqlalchemy import insert as insert_into

from interlock.core.errors import StoreUnavailable
from interlock.core.model.threads import Thread
from interlock.core.store import searching
from interlock.core.store.checkpoint_reads import BUSY_S
from interlock.core.store.columns import UtcDateTime, Words, is_json
from interlock.core.store.schema import (
    approvals,
    checkpoints_index,
    decisions,
    forks,
    runs,
    threads,
)
from interlock.core.store.searching import About
from interlock.core.types import Json, ThreadId

Rows = Iterator[tuple[str, dict[str, Json]]]

MAX_NAME = 300  # characters of what is an id, a name or a word of ours
RECORDS: Mapping[str, Table] = {t.name: t for t in (runs, approvals, decisions, forks)}

# Blobs come first: whoever puts a checkpoint together needs them.
_ON_SQLITE: Mapping[str, str] = {
    "checkpoints": (
        "SELECT checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint,"
        " CAST(metadata AS TEXT) AS metadata FROM checkpoints WHERE thread_id = ?"
        " ORDER BY checkpoint_ns, checkpoint_id"
    ),
    "writes": (
        "SELECT checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type,"
        " value AS blob FROM writes WHERE thread_id = ?"
        " ORDER BY checkpoint_ns, checkpoint_id, task_id, idx"
    ),
}
_ON_POSTGRES: Mapping[str, str] = {
    "blobs": (
        "SELECT checkpoint_ns, channel, version, type, blob FROM checkpoint_blobs"
        " WHERE thread_id = :thread ORDER BY checkpoint_ns, channel, version"
    ),
    "checkpoints": (
        "SELECT checkpoint_ns, checkpoint_id, parent_checkpoint_id, type,"
        " CAST(checkpoint AS TEXT) AS checkpoint, CAST(metadata AS TEXT) AS metadata"
        " FROM checkpoints WHERE thread_id = :thread ORDER BY checkpoint_ns, checkpoint_id"
    ),
    "writes": (
        "SELECT checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob"
        " FROM checkpoint_writes WHERE thread_id = :thread"
        " ORDER BY checkpoint_ns, checkpoint_id, task_id, idx"
    ),
}


def read_from_file(path: Path, thread_id: ThreadId) -> Rows:
    """
    Rows of a thread in the embedded file, each with its table's name, as of one moment.

    Raises:
        StoreUnavailable: The file cannot be read.
    """
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as file:
            file.row_factory = sqlite3.Row
            file.execute("BEGIN")
            for table, query in _ON_SQLITE.items():
                for row in file.execute(query, (thread_id,)):
                    yield table, {name: _as_json(row[name]) for name in row.keys()}  # noqa: SIM118
    except sqlite3.Error as exc:
        raise StoreUnavailable(f"The checkpoints cannot be read: {exc}.") from exc


def read_from_database(conn: Connection, thread_id: ThreadId) -> Rows:
    """Rows of a thread on Postgres, each with its table's name."""
    for table, query in _ON_POSTGRES.items():
        rows = conn.execution_options(yield_per=100).execute(text(query), {"thread": thread_id})
        for row in rows.mappings():
            yield table, {name: _as_json(value) for name, value in row.items()}


def read_records(conn: Connection, thread_id: ThreadId) -> Rows:
    """The runs, cards, decisions and forks of a thread, oldest first."""
    of_cards = select(approvals.c.approval_id).where(approvals.c.thread_id == thread_id)
    queries = {
        runs: runs.c.thread_id == thread_id,
        approvals: approvals.c.thread_id == thread_id,
        decisions: decisions.c.approval_id.in_(of_cards),
        forks: forks.c.thread_id == thread_id,
    }
    order = {
        runs: runs.c.created_at,
        approvals: approvals.c.asked_at,
        decisions: decisions.c.decided_at,
        forks: forks.c.created_at,
    }
    for table, condition in queries.items():
        key = next(iter(table.primary_key))
        query = select(table).where(condition).order_by(order[table], key)
        for row in conn.execute(query).mappings():
            yield table.name, {name: _as_json(value) for name, value in row.items()}


def is_any_known(conn: Connection, table: Table, ids: list[str]) -> bool:
    """Whether a record of one of these ids is there."""
    key = next(iter(table.primary_key))
    return bool(ids) and conn.execute(select(key).where(key.in_(ids)).limit(1)).first() is not None


def find_misfit(name: str, row: Mapping[str, Json]) -> str:
    """
    What is wrong with a record of a file, whose values are JSON; empty if its table takes it.

    A column may be missing that an older version did not have; one that is not known may not be there.
    """
    columns = RECORDS[name].columns
    missing = {column.name for column in columns if not _may_lack(column)} - set(row)
    if missing or not set(row) <= set(columns.keys()):
        return f"it must have the columns of {name}"
    for column in (columns[each] for each in row):
        value = row[column.name]
        if is_json(column.type):
            continue
        if value is None:
            if not column.nullable:
                return f"{column.name} must have a value"
        elif isinstance(column.type, UtcDateTime):
            if read_time(value) is None:
                return f"{column.name} must be a moment with its time zone"
        elif not next(fits for kind, fits in _FITS.items() if isinstance(column.type, kind))(value):
            return f"{column.name} has a value of the wrong type"
    return ""


def _may_lack(column: Column[Any]) -> bool:
    return bool(column.nullable) or column.default is not None or column.server_default is not None


def read_time(value: Json) -> datetime | None:
    """A moment as a file has it; None if it is none, or has no time zone."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return None if at.tzinfo is None else at


_FITS: Mapping[Any, Callable[[Json], bool]] = {
    Words: lambda value: isinstance(value, str),
    Boolean: lambda value: isinstance(value, bool),
    String: lambda value: isinstance(value, str) and len(value) <= MAX_NAME,
    Integer: lambda value: type(value) is int and abs(value) < 2**63,
    Float: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


def insert(conn: Connection, name: str, row: Mapping[str, Json]) -> None:
    """
    Put a record of a file into its table.

    Raises:
        Conflict: One of its id is there.
        InvalidInput: A value does not fit its column.
    """
    table = RECORDS[name]
    values = {
        c.name: datetime.fromisoformat(row[c.name])
        if isinstance(c.type, UtcDateTime) and row[c.name] is not None
        else row[c.name]
        for c in table.columns
        if c.name in row
    }
    conn.execute(insert_into(table), values)
    if name == runs.name:
        ids = searching.ids_of(row["run_id"], row["thread_id"])
        given = row["input"] if searching.is_by_content(conn) else None
        words = searching.texts_of(row["workflow"], row["created_by"], given)
        searching.put(conn, About.RUN, [(row["run_id"], f"{ids} {words}")])


def settle_thread(conn: Connection, thread: Thread) -> None:
    """Let the row of a thread that was being taken in say what the thread is."""
    row = update(threads).where(threads.c.thread_id == thread.thread_id)
    conn.execute(row.values(**vars(thread)))


def drop_thread(conn: Connection, thread_id: ThreadId) -> None:
    """Delete the row of a thread of which nothing came."""
    conn.execute(delete(checkpoints_index).where(checkpoints_index.c.thread_id == thread_id))
    conn.execute(delete(threads).where(threads.c.thread_id == thread_id))


def _as_json(value: Any) -> Json:
    if isinstance(value, bytes | memoryview):
        return b64encode(bytes(value)).decode()
    return value.isoformat() if isinstance(value, datetime) else value
