"""Checkpoints in a SQLite file: one connection writes for all runs, one answers questions."""

from __future__ import annotations

import copy
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from interlock.core.ciphers import Cipher
from interlock.core.graphs import copying, pruning
from interlock.core.graphs.checkpoints import (
    HEADS_PER_PAGE,
    MAX_PLACES,
    NamesChannels,
    Puts,
    Question,
    RawCheckpoint,
    count_resumes,
    make_raw,
    read_metadata,
    read_time,
    read_timestamp,
)
from interlock.core.graphs.keeping import Keeping
from interlock.core.graphs.serde import sealed
from interlock.core.graphs.sqlite_file import CheckpointFile, enter_wal, make_private
from interlock.core.graphs.transferring import INSERTS, SQLITE, StoredRow
from interlock.core.types import CheckpointId, ThreadId

BUSY_TIMEOUT_S = 30.0  # another process (a backup, an inspection) may hold the file

_TASK_PATH = re.compile(r"\b(\w\.)?task_path\b")

_ENTRIES = """
SELECT checkpoint_id, parent_checkpoint_id, metadata,
       coalesce(length(checkpoint), 0) + coalesce(length(metadata), 0)
FROM checkpoints
WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id > ?
ORDER BY checkpoint_id LIMIT ?
"""
_HEADS = """
WITH RECURSIVE found(thread_id) AS (
    SELECT (SELECT min(thread_id) FROM checkpoints WHERE thread_id > ?)
    UNION ALL
    SELECT (SELECT min(c.thread_id) FROM checkpoints c WHERE c.thread_id > found.thread_id)
    FROM found WHERE found.thread_id IS NOT NULL
)
SELECT thread_id, (SELECT max(c.checkpoint_id) FROM checkpoints c
                   WHERE c.thread_id = found.thread_id AND c.checkpoint_ns = '')
FROM found WHERE thread_id IS NOT NULL LIMIT ?
"""
_RESUMES = """
SELECT w.task_id, w.type, w.value FROM writes w
WHERE w.thread_id = :thread AND w.channel = '__resume__'
  AND ((w.checkpoint_ns = '' AND w.checkpoint_id = :checkpoint)
       OR (w.checkpoint_ns <> '' AND EXISTS (
           SELECT 1 FROM checkpoints c
           WHERE c.thread_id = w.thread_id AND c.checkpoint_ns = w.checkpoint_ns
             AND c.checkpoint_id = w.checkpoint_id
             AND json_extract(CAST(c.metadata AS TEXT), '$.parents.""') = :checkpoint)))
"""
_TASK = """
SELECT DISTINCT checkpoint_ns, checkpoint_id FROM writes
WHERE thread_id = ? AND task_id = ? ORDER BY checkpoint_id DESC LIMIT ?
"""
_STEP = """
SELECT checkpoint_id FROM checkpoints
WHERE thread_id = ? AND checkpoint_ns = ?
  AND json_extract(CAST(metadata AS TEXT), '$.step') BETWEEN ? AND ?
ORDER BY checkpoint_id DESC LIMIT ?
"""


class FileSaver(NamesChannels, AsyncSqliteSaver):
    """LangGraph's saver; clones share its connection, its lock and the watch over its file."""

    def __init__(self, conn: aiosqlite.Connection, file: CheckpointFile) -> None:
        super().__init__(conn)
        self.file = file
        self.puts = Puts()
        self.waiting = {}

    @property
    def has_task_path(self) -> bool:
        """Whether the file's table of writes has that column; LangGraph 1.0 made it without."""
        return self._has_task_path

    @has_task_path.setter
    def has_task_path(self, value: bool) -> None:
        self._has_task_path = value

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        """Store a checkpoint, if the file is still there."""
        self.file.check()
        return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: Any, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store what a task wrote, if the file is still there."""
        self.file.check()
        await super().aput_writes(config, writes, task_id, task_path)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Read a checkpoint, if the file is still there."""
        self.file.check()
        found: CheckpointTuple | None = await super().aget_tuple(config)
        return found


class SqliteSavers:
    """The checkpoint database in one file; opened by `open_sqlite_savers`."""

    def __init__(
        self, saver: FileSaver, reader: aiosqlite.Connection, cipher: Cipher | None = None
    ) -> None:
        """`cipher`: what the values are encrypted with."""
        self._saver = saver
        self._cipher = cipher
        self._connection = reader

    @property
    def _reader(self) -> aiosqlite.Connection:
        self._saver.file.check()
        return self._connection

    async def setup(self) -> None:
        """Make or upgrade the tables."""
        await self._saver.setup()

    def for_run(
        self,
        serde: SerializerProtocol,
        keeping: Keeping | None = None,  # noqa: ARG002  a file is never away
    ) -> BaseCheckpointSaver[Any]:
        """A saver of this serializer on the shared connection."""
        clone = copy.copy(self._saver)
        clone.serde = sealed(serde, self._cipher)
        clone.puts = Puts()
        clone.waiting = {}
        return clone

    async def entries(
        self, thread_id: ThreadId, after: CheckpointId | None, limit: int
    ) -> list[RawCheckpoint]:
        """Root checkpoints of a thread after `after`, oldest first."""
        async with self._reader.execute(_ENTRIES, (thread_id, after or "", limit)) as cursor:
            rows = list(await cursor.fetchall())
        return [
            make_raw(
                checkpoint_id=checkpoint_id,
                parent_id=parent_id,
                metadata=read_metadata(metadata),
                timestamp=await self._read_timestamp(thread_id, checkpoint_id),
                size_bytes=size_bytes,
            )
            for checkpoint_id, parent_id, metadata, size_bytes in rows
        ]

    async def _read_timestamp(self, thread_id: str, checkpoint_id: str) -> str | None:
        if read_time(checkpoint_id) is not None:
            return None
        query = (
            "SELECT type, checkpoint FROM checkpoints"
            " WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?"
        )
        async with self._reader.execute(query, (thread_id, checkpoint_id)) as cursor:
            row = await cursor.fetchone()
        return read_timestamp(row[0], row[1], self._cipher) if row else None

    async def heads(self) -> AsyncIterator[tuple[ThreadId, CheckpointId]]:
        """Every thread with its newest root checkpoint."""
        last = ""
        while True:
            async with self._reader.execute(_HEADS, (last, HEADS_PER_PAGE)) as cursor:
                rows = list(await cursor.fetchall())
            for thread_id, checkpoint_id in rows:
                if checkpoint_id is not None:
                    yield ThreadId(thread_id), CheckpointId(checkpoint_id)
            if len(rows) < HEADS_PER_PAGE:
                return
            last = rows[-1][0]

    async def pending_resumes(
        self, thread_id: ThreadId, checkpoint_id: CheckpointId
    ) -> dict[str, int]:
        """How many answers each task of this checkpoint has taken in."""
        values = {"thread": thread_id, "checkpoint": checkpoint_id}
        async with self._reader.execute(_RESUMES, values) as cursor:
            rows = await cursor.fetchall()
        return {row[0]: count_resumes(row[1], row[2], self._cipher) for row in rows}

    async def copy_thread(
        self, source: ThreadId, copy_id: ThreadId, checkpoint_id: CheckpointId
    ) -> None:
        """Copy a checkpoint of a thread with all that led to it into another; twice is once."""
        self._saver.file.check()
        given = copying.values(source, copy_id, checkpoint_id)
        async with self._saver.lock, self._saver.conn.cursor() as cursor:
            columns = []
            for table in ("checkpoints", "writes"):
                await cursor.execute(f"PRAGMA table_info({table})")
                columns.append([row[1] for row in await cursor.fetchall()])
            for statement in copying.for_sqlite(*columns):
                await cursor.execute(statement, given)
            find, forget = copying.beside_in_sqlite()
            await cursor.execute(find, given)
            beside = await cursor.fetchall()
            await cursor.executemany(forget, copying.forget_answers(beside, copy_id))
            await self._saver.conn.commit()

    async def delete_thread(self, thread_id: ThreadId) -> None:
        """Delete all checkpoints of a thread, in all namespaces, and what was written beside them."""
        self._saver.file.check()
        await self._saver.adelete_thread(thread_id)

    async def delete_points(self, thread_id: ThreadId, kept: Sequence[CheckpointId]) -> None:
        """Delete all checkpoints of a thread but these, and what belongs to no other."""
        self._saver.file.check()
        async with self._saver.lock, self._saver.conn.cursor() as cursor:
            for statement in pruning.for_sqlite():
                await cursor.execute(statement, pruning.values(thread_id, kept))
            await self._saver.conn.commit()

    async def put_rows(self, rows: Sequence[StoredRow]) -> None:
        """Write rows that were made for this database; those that are there stay as they are."""
        self._saver.file.check()
        async with self._saver.lock, self._saver.conn.cursor() as cursor:
            for row in rows:
                await cursor.execute(INSERTS[SQLITE][row.table], row.sealed(self._cipher))
            await self._saver.conn.commit()

    async def find_task(self, thread_id: ThreadId, task_id: str) -> list[tuple[str, CheckpointId]]:
        """Beside which checkpoints a task wrote something: namespace and id, newest first."""
        async with self._reader.execute(_TASK, (thread_id, task_id, MAX_PLACES)) as cursor:
            return [(row[0], CheckpointId(row[1])) for row in await cursor.fetchall()]

    async def find_step(self, thread_id: ThreadId, namespace: str, step: int) -> list[CheckpointId]:
        """Checkpoints of a namespace whose superstep is this one or next to it, newest first."""
        values = (thread_id, namespace, step - 1, step + 1, MAX_PLACES)
        async with self._reader.execute(_STEP, values) as cursor:
            return [CheckpointId(row[0]) for row in await cursor.fetchall()]

    async def ask(self, question: Question, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows that answer a question; a column that an older file has not reads as empty."""
        query = question.sqlite
        if not self._saver.has_task_path:
            query = _TASK_PATH.sub("'' AS task_path", query)
        async with self._reader.execute(query, values) as cursor:
            return [tuple(row) for row in await cursor.fetchall()]


@asynccontextmanager
async def open_sqlite_savers(
    path: Path, *, cipher: Cipher | None = None
) -> AsyncIterator[SqliteSavers]:
    """
    Open the file, made if it is not there, with its tables; with `cipher`, values are encrypted.

    Raises:
        StoreUnavailable: It cannot be made.
    """
    make_private(path)
    async with _connect(path) as writer:
        saver = FileSaver(writer, CheckpointFile(path))
        await saver.setup()
        async with _connect(path) as reader:
            await reader.execute("PRAGMA query_only = 1")
            yield SqliteSavers(saver, reader, cipher)


@asynccontextmanager
async def _connect(path: Path) -> AsyncIterator[aiosqlite.Connection]:
    async with aiosqlite.connect(path, timeout=BUSY_TIMEOUT_S) as conn:
        await enter_wal(conn)
        # A commit survives the death of any process; only a power cut may take the last ones.
        await conn.execute("PRAGMA synchronous = NORMAL")
        yield conn
