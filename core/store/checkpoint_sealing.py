"""
The values of LangGraph's checkpoints: with which keys they are encrypted, and encrypting them anew.

Bytes are decrypted and encrypted, never restored. On Postgres LangGraph keeps texts, numbers and the like
in the checkpoint's own row: those are moved to where all other values are, where its savers look as well.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import ormsgpack
from sqlalchemy import Connection, text

from interlock.core.ciphers import KIND_MARK, Cipher, open_typed, seal_typed
from interlock.core.errors import KeyMissing, SealBroken, StoreUnavailable
from interlock.core.store.sealing import PLAIN, Batch, Place

BATCH = 20  # rows in one transaction; one may hold megabytes
BUSY_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A table of LangGraph's that holds values: its primary key, and the column of the value."""

    table: str
    key: tuple[str, ...]
    value: str


_BESIDE = ("thread_id", "checkpoint_ns", "checkpoint_id", "task_id", "idx")
ON_SQLITE = (
    Kept(
        table="checkpoints", key=("thread_id", "checkpoint_ns", "checkpoint_id"), value="checkpoint"
    ),
    Kept(table="writes", key=_BESIDE, value="value"),
)
ON_POSTGRES = (
    Kept(
        table="checkpoint_blobs",
        key=("thread_id", "checkpoint_ns", "channel", "version"),
        value="blob",
    ),
    Kept(table="checkpoint_writes", key=_BESIDE, value="blob"),
)


class Tables(Protocol):
    """One of the two databases of checkpoints, within a transaction."""

    def run(self, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a query."""

    def change(self, statement: str, values: Mapping[str, Any]) -> int:
        """How many rows a statement changed."""


class ServerTables:
    """LangGraph's tables on Postgres, beside ours."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def run(self, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return [tuple(row) for row in self._conn.execute(text(query), values)]

    def change(self, statement: str, values: Mapping[str, Any]) -> int:
        """How many rows a statement changed."""
        return self._conn.execute(text(statement), values).rowcount


class FileTables:
    """LangGraph's tables in a SQLite file of ours."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    def run(self, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._file.execute(query, values).fetchall()

    def change(self, statement: str, values: Mapping[str, Any]) -> int:
        """How many rows a statement changed."""
        return self._file.execute(statement, values).rowcount


@contextmanager
def open_file(path: Path) -> Iterator[sqlite3.Connection]:
    """
    The embedded file, with transactions begun by hand; what is written over is wiped.

    Raises:
        StoreUnavailable: It cannot be opened, or is held for too long.
    """
    try:
        with closing(
            sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        ) as file:
            file.execute("PRAGMA secure_delete = ON")
            yield file
    except sqlite3.Error as exc:
        raise StoreUnavailable(f"The checkpoints cannot be read: {exc}.") from exc


@contextmanager
def turn(file: sqlite3.Connection) -> Iterator[FileTables]:
    """One transaction in the file."""
    file.execute("BEGIN IMMEDIATE")
    try:
        yield FileTables(file)
    except BaseException:
        file.execute("ROLLBACK")
        raise
    file.execute("COMMIT")


def are_there(tables: Tables, kept: Kept, *, is_file: bool) -> bool:
    """Whether LangGraph's tables have been made."""
    query = (
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name"
        if is_file
        else "SELECT 1 WHERE to_regclass(:name) IS NOT NULL"
    )
    return bool(tables.run(query, {"name": kept.table}))


def count_keys(tables: Tables, kept: Kept) -> Counter[str]:
    """How many values the table keeps, by the key they are encrypted with or `plain`."""
    query = (
        f"SELECT type, count(*) FROM {kept.table}"
        f" WHERE {kept.value} IS NOT NULL AND length({kept.value}) > 0 GROUP BY type"
    )
    found: Counter[str] = Counter()
    for kind, count in tables.run(query, {}):
        found[(kind or "").partition(KIND_MARK)[2] or PLAIN] += count
    return found


def reseal(tables: Tables, kept: Kept, cipher: Cipher, *, after: Place | None) -> Batch:
    """Encrypt the next values of a table that are not encrypted with the newest key."""
    newest = f"{KIND_MARK}{cipher.newest}"
    key = ", ".join(kept.key)
    beyond = ", ".join(f":after_{n}" for n in range(len(kept.key)))
    query = (
        f"SELECT {key}, type, {kept.value} FROM {kept.table}"
        f" WHERE type NOT LIKE :sealed AND length({kept.value}) > 0"
        f" {f'AND ({key}) > ({beyond})' if after else ''} ORDER BY {key} LIMIT :most"
    )
    given = {f"after_{n}": value for n, value in enumerate(after or ())}
    rows = tables.run(query, {**given, "sealed": f"%{newest}", "most": BATCH})
    here = " AND ".join(f"{name} = :of_{n}" for n, name in enumerate(kept.key))
    change = (
        f"UPDATE {kept.table} SET type = :new_type, {kept.value} = :new_value"
        f" WHERE {here} AND type = :old_type AND {kept.value} = :old_value"
    )
    count, unread = 0, Counter[str]()
    for *place, kind, value in rows:
        data = value if isinstance(value, str) else bytes(value)
        try:
            opened = open_typed(cipher, kind, data.encode() if isinstance(data, str) else data)
        except (KeyMissing, SealBroken):
            unread[kind.partition(KIND_MARK)[2]] += 1
            continue
        new_type, new_value = seal_typed(cipher, *opened)
        values = {f"of_{n}": each for n, each in enumerate(place)}
        values |= {"old_type": kind, "old_value": data}
        count += tables.change(change, {**values, "new_type": new_type, "new_value": new_value})
    last = tuple(rows[-1][: len(kept.key)]) if len(rows) == BATCH else None
    return Batch(count=count, unread=unread, last=last)


_INLINE = """
SELECT thread_id, checkpoint_ns, checkpoint_id, CAST(checkpoint AS TEXT) FROM checkpoints
WHERE checkpoint -> 'channel_values' <> CAST('{{}}' AS jsonb)
  AND checkpoint -> 'channel_values' IS NOT NULL {beyond}
ORDER BY thread_id, checkpoint_ns, checkpoint_id LIMIT :most
"""
_BEYOND = "AND (thread_id, checkpoint_ns, checkpoint_id) > (:after_0, :after_1, :after_2)"
_HAS_BLOB = (
    "SELECT 1 FROM checkpoint_blobs WHERE thread_id = :thread AND checkpoint_ns = :ns"
    " AND channel = :channel AND version = :version"
)
_PUT_BLOB = (
    "INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)"
    " VALUES (:thread, :ns, :channel, :version, :type, :blob) ON CONFLICT DO NOTHING"
)
_TAKE_OUT = (
    "UPDATE checkpoints SET checkpoint ="
    " jsonb_set(checkpoint, '{channel_values}', CAST(:rest AS jsonb))"
    " WHERE thread_id = :thread AND checkpoint_ns = :ns AND checkpoint_id = :checkpoint"
)


def move_inline(tables: Tables, cipher: Cipher, *, after: Place | None) -> Batch:
    """On Postgres: move the values in the rows of the next checkpoints to the encrypted ones."""
    given = {f"after_{n}": value for n, value in enumerate(after or ())}
    query = _INLINE.format(beyond=_BEYOND if after else "")
    rows = tables.run(query, {**given, "most": BATCH})
    count = 0
    for thread, namespace, checkpoint, kept in rows:
        told = json.loads(kept)
        values, versions = told["channel_values"], told.get("channel_versions") or {}
        rest = dict(values)
        for channel, value in values.items():
            if channel not in versions:
                continue
            blob = {"thread": thread, "ns": namespace, "channel": channel}
            blob |= {"version": str(versions[channel])}
            is_there = bool(tables.run(_HAS_BLOB, blob))
            if is_there and value is True:
                continue  # LangGraph's mark that a channel of differences has a blob here
            if not is_there:
                try:
                    kind, data = seal_typed(cipher, *_as_typed(value))
                except TypeError:  # a whole number beyond 64 bits, which only JSON holds
                    continue
                tables.change(_PUT_BLOB, {**blob, "type": kind, "blob": data})
            del rest[channel]
            count += 1
        if len(rest) < len(values):
            where = {"thread": thread, "ns": namespace, "checkpoint": checkpoint}
            tables.change(_TAKE_OUT, {**where, "rest": json.dumps(rest)})
    last = tuple(rows[-1][:3]) if len(rows) == BATCH else None
    return Batch(count=count, unread=Counter(), last=last)


def _as_typed(value: Any) -> tuple[str, bytes]:
    """As LangGraph's serializer writes a plain value."""
    return ("null", b"") if value is None else ("msgpack", ormsgpack.packb(value))


def count_inline(tables: Tables) -> int:
    """On Postgres: how many checkpoints have values in their own rows, which nothing encrypts."""
    query = (  # true alone is a mark of LangGraph's, and where it is not, it tells little
        "SELECT count(*) FROM checkpoints WHERE EXISTS (SELECT 1"
        " FROM jsonb_each(checkpoint -> 'channel_values') v WHERE v.value <> CAST('true' AS jsonb))"
    )
    return int(tables.run(query, {})[0][0])


def parts_of(*, is_file: bool) -> Sequence[Kept]:
    """LangGraph's tables that hold values."""
    return ON_SQLITE if is_file else ON_POSTGRES
