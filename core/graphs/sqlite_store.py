"""LangGraph's SQLite store, made to stand kills, a neighbour in its file, and any Python."""

from __future__ import annotations

import math
import sqlite3
from array import array
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from operator import mul
from pathlib import Path

import aiosqlite
from langgraph.store.sqlite.aio import AsyncSqliteStore

from interlock.core.graphs.sqlite_file import CheckpointFile, enter_wal, make_private
from interlock.core.graphs.sqlite_savers import BUSY_TIMEOUT_S


class SqliteStore(AsyncSqliteStore):
    """
    The store beside a saver that writes the same file.

    Its transactions begin as writing ones: one that begins reading cannot become a writing one
    once the saver has committed in between, and fails at once whatever the busy timeout. Its tables
    are made in one transaction: LangGraph's own setup, killed halfway, fails ever after.
    """

    file: CheckpointFile | None = None  # looked at before each use

    async def setup(self) -> None:
        """Make or upgrade the tables, and the functions that searches by meaning use."""
        if self.is_setup:
            return
        await _migrate(self.conn, "store_migrations", self.MIGRATIONS)
        index = self.index_config
        if index:
            await _migrate(self.conn, "vector_migrations", self.VECTOR_MIGRATIONS)
            if not hasattr(sqlite3.Connection, "enable_load_extension"):
                # This Python cannot load sqlite-vec; three functions are all of it that is used.
                await _add_distances(self.conn)
                self.index_config = None
        try:
            await super().setup()
        finally:
            self.index_config = index

    @asynccontextmanager
    async def _cursor(self, *, transaction: bool = True) -> AsyncIterator[aiosqlite.Cursor]:
        if self.file is not None:
            self.file.check()
        await self.setup()
        async with self.lock:
            if not transaction:
                async with self.conn.cursor() as cursor:
                    yield cursor
                return
            async with _writing(self.conn), self.conn.cursor() as cursor:
                yield cursor


@asynccontextmanager
async def connect(path: Path) -> AsyncIterator[aiosqlite.Connection]:
    """A connection for the store, whose transactions are begun and ended by hand."""
    make_private(path)
    async with aiosqlite.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S) as conn:
        await enter_wal(conn)
        await conn.execute("PRAGMA synchronous = NORMAL")
        yield conn


@asynccontextmanager
async def _writing(conn: aiosqlite.Connection) -> AsyncIterator[None]:
    await conn.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        await conn.execute("ROLLBACK")
        raise
    await conn.execute("COMMIT")


async def _migrate(conn: aiosqlite.Connection, table: str, scripts: Iterable[str]) -> None:
    async with _writing(conn):
        await conn.execute(f"CREATE TABLE IF NOT EXISTS {table} (v INTEGER PRIMARY KEY)")
        async with conn.execute(f"SELECT coalesce(max(v), -1) FROM {table}") as cursor:
            row = await cursor.fetchone()
        newest = row[0] if row else -1
        for version, script in enumerate(scripts):
            if version <= newest:
                continue
            for statement in _split(script):
                await conn.execute(statement)
            await conn.execute(f"INSERT INTO {table} (v) VALUES (?)", (version,))


def _split(script: str) -> Iterator[str]:
    # executescript would commit first, so a script goes in by its statements.
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


async def _add_distances(conn: aiosqlite.Connection) -> None:
    for name, measure in _DISTANCES.items():
        await conn.create_function(name, 2, _on_vectors(measure), deterministic=True)


def _on_vectors(
    measure: Callable[[array[float], array[float]], float],
) -> Callable[[bytes | None, bytes | None], float | None]:
    def call(one: bytes | None, other: bytes | None) -> float | None:
        return None if one is None or other is None else measure(array("f", one), array("f", other))

    return call


def _cosine(one: array[float], other: array[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return 1.0 - sum(map(mul, one, other)) / lengths if lengths else 1.0


def _manhattan(one: array[float], other: array[float]) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


_DISTANCES = {
    "vec_distance_cosine": _cosine,
    "vec_distance_L2": math.dist,
    "vec_distance_L1": _manhattan,
}
