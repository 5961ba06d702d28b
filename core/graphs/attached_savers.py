"""
Opening the checkpoint database of another application: it must be there, and stays as it is.

No table is made or changed and no mode of a file entered; all that is ever added are checkpoints and
what tasks wrote beside them, as LangGraph adds them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import psycopg
from langgraph.checkpoint.base import WRITES_IDX_MAP
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from interlock.core.errors import StoreUnavailable
from interlock.core.graphs.postgres_savers import OnConnect, Pool, PostgresSavers, open_pool
from interlock.core.graphs.sqlite_file import CheckpointFile
from interlock.core.graphs.sqlite_savers import BUSY_TIMEOUT_S, FileSaver, SqliteSavers

NEEDED = {
    "checkpoints": {
        "thread_id",
        "checkpoint_ns",
        "checkpoint_id",
        "parent_checkpoint_id",
        "type",
        "checkpoint",
        "metadata",
    },
    "writes": {
        "thread_id",
        "checkpoint_ns",
        "checkpoint_id",
        "task_id",
        "idx",
        "channel",
        "type",
        "value",
    },
}
OLDEST_VERSION = 9  # of LangGraph's tables on Postgres: since then tasks' paths are stored
_OLD_WRITE = (
    "INSERT OR {} INTO writes"
    " (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, value)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class _OldWrites(AsyncSqliteSaver):
    """For a file that LangGraph 1.0 made: its table of writes has no paths of tasks."""

    async def aput_writes(
        self,
        config: Any,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",  # noqa: ARG002  there is no place for it
    ) -> None:
        """Store what a task wrote."""
        is_control = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        place = config["configurable"]
        beside = (str(place["thread_id"]), str(place["checkpoint_ns"]), str(place["checkpoint_id"]))
        rows = [
            (
                *beside,
                task_id,
                WRITES_IDX_MAP.get(channel, number),
                channel,
                *self.serde.dumps_typed(value),
            )
            for number, (channel, value) in enumerate(writes)
        ]
        async with self.lock, self.conn.cursor() as cursor:
            await cursor.executemany(_OLD_WRITE.format("REPLACE" if is_control else "IGNORE"), rows)
            await self.conn.commit()


class _OldFileSaver(FileSaver, _OldWrites):
    """The saver of a run on such a file."""


@asynccontextmanager
async def open_attached_file(path: Path) -> AsyncIterator[SqliteSavers]:
    """
    Open a SQLite file of another application.

    Raises:
        StoreUnavailable: It is not there, or holds no checkpoints of LangGraph.
    """
    file, address = _find(path)
    columns = await _read_columns(path, address)
    if any(not NEEDED[table] <= columns[table] for table in NEEDED):
        raise _no_checkpoints(str(path))
    is_old = "task_path" not in columns["writes"]
    async with _connect(address) as writer, _connect(address) as reader:
        await reader.execute("PRAGMA query_only = 1")
        saver = _OldFileSaver(writer, file) if is_old else FileSaver(writer, file)
        saver.has_task_path = not is_old
        saver.is_setup = True  # LangGraph's own would add a column to an old file
        yield SqliteSavers(saver, reader)


@asynccontextmanager
async def open_attached_server(
    url: str, *, max_size: int, application_name: str, on_connect: OnConnect | None = None
) -> AsyncIterator[PostgresSavers]:
    """
    Open a Postgres database of another application; `on_connect` is awaited with each new session.

    Raises:
        StoreUnavailable: It does not answer, or its checkpoints are none of this LangGraph's.
    """
    async with open_pool(
        url,
        max_size=max_size,
        application_name=application_name,
        option="--attach",
        on_connect=on_connect,
    ) as pool:
        await _check_version(pool)
        yield PostgresSavers(pool)


async def _check_version(pool: Pool) -> None:
    newest = len(AsyncPostgresSaver.MIGRATIONS) - 1
    try:
        async with pool.connection() as conn:
            cursor = await conn.execute("SELECT max(v) AS v FROM checkpoint_migrations")
            row = await cursor.fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    version = row["v"] if row else None
    if version is None:
        raise _no_checkpoints("the database")
    if version < OLDEST_VERSION:
        raise StoreUnavailable(
            f"The checkpoint tables there are too old: version {version}, and {OLDEST_VERSION} is needed.",
            hint="Let the application that owns them call `setup()` of a newer langgraph-checkpoint-postgres.",
        )
    if version > newest:
        raise StoreUnavailable(
            f"The checkpoint tables there are newer than this LangGraph knows: version {version},"
            f" and it knows {newest}.",
            hint="Upgrade langgraph-checkpoint-postgres here.",
        )


def _find(path: Path) -> tuple[CheckpointFile, str]:
    if not path.is_file():
        raise StoreUnavailable(
            f"There is no file {path}.", hint="Check the path given with --attach."
        )
    return CheckpointFile(path), f"{path.absolute().as_uri()}?mode=rw"


def _no_checkpoints(where: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"There are no checkpoints of LangGraph in {where}.",
        hint="--attach names the database of an application that has a LangGraph checkpointer"
        " and has called its `setup()`.",
    )


@asynccontextmanager
async def _connect(address: str) -> AsyncIterator[aiosqlite.Connection]:
    """Connect to a file that is there, in the mode that it is in."""
    async with aiosqlite.connect(address, uri=True, timeout=BUSY_TIMEOUT_S) as conn:
        yield conn


async def _read_columns(path: Path, address: str) -> dict[str, set[str]]:
    columns: dict[str, set[str]] = {}
    try:
        async with _connect(address) as conn:
            for table in NEEDED:
                asked = conn.execute("SELECT name FROM pragma_table_info(?)", (table,))
                async with asked as cursor:
                    columns[table] = {row[0] for row in await cursor.fetchall()}
    except sqlite3.DatabaseError as exc:
        raise StoreUnavailable(
            f"The checkpoint database {path} cannot be used: {exc}.",
            hint="Check the path given with --attach.",
        ) from exc
    return columns
