"""
Checkpoints on Postgres: a saver per run, all on one pool.

One saver object does one operation at a time whatever its pool, so runs must not share one
(facts langgraph 8: 64 against 332 checkpoints a second).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import psycopg
from langgraph.checkpoint.base import BaseCheckpointSaver, Checkpoint
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from interlock.core.ciphers import Cipher
from interlock.core.errors import StoreUnavailable
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
)
from interlock.core.graphs.gathering import GatheringSaver
from interlock.core.graphs.keeping import Keeping
from interlock.core.graphs.keeping_savers import KeepingSaver
from interlock.core.graphs.outages import PatientSaver, outlast
from interlock.core.graphs.serde import sealed
from interlock.core.graphs.transferring import INSERTS, POSTGRES, StoredRow
from interlock.core.keepalives import SERVER_SIDE, keepalives_for
from interlock.core.types import CheckpointId, ThreadId

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]
BeSure = Callable[[], Awaitable[None]]
OnConnect = Callable[[Any], Awaitable[None]]  # awaited with each new session before it is used

OPEN_TIMEOUT_S = 15.0
CONNECTION_TIMEOUT_S = 5.0  # who waits for one asks again; only who asks anew lets a pool grow anew
RECONNECT_S = 3.0  # psycopg doubles its pauses up to this; the next who asks begins again
SETUP_TIMEOUT_S = 120.0
SETUP_POLL_S = 0.1
SETUP_LOCK = 0x494E5452  # "INTR": one process at a time makes LangGraph's tables
CONNECTION: dict[str, Any] = {
    "autocommit": True,  # without it LangGraph's setup fails and nothing is ever committed
    "prepare_threshold": 0,
    "row_factory": dict_row,
}

_ENTRIES = """
SELECT c.checkpoint_id, c.parent_checkpoint_id, c.metadata, c.checkpoint ->> 'ts' AS ts,
       pg_column_size(c.checkpoint) + pg_column_size(c.metadata) + coalesce((
           SELECT sum(octet_length(b.blob)) FROM jsonb_each_text(c.checkpoint -> 'channel_versions') v
           JOIN checkpoint_blobs b ON b.thread_id = c.thread_id AND b.checkpoint_ns = ''
             AND b.channel = v.key AND b.version = v.value), 0) AS size_bytes
FROM checkpoints c
WHERE c.thread_id = %s AND c.checkpoint_ns = '' AND c.checkpoint_id > %s
ORDER BY c.checkpoint_id LIMIT %s
"""
_HEADS = """
WITH RECURSIVE found(thread_id) AS (
    SELECT (SELECT min(thread_id) FROM checkpoints WHERE thread_id > %s)
    UNION ALL
    SELECT (SELECT min(c.thread_id) FROM checkpoints c WHERE c.thread_id > found.thread_id)
    FROM found WHERE found.thread_id IS NOT NULL
)
SELECT thread_id, (SELECT max(c.checkpoint_id) FROM checkpoints c
                   WHERE c.thread_id = found.thread_id AND c.checkpoint_ns = '') AS head
FROM found WHERE thread_id IS NOT NULL LIMIT %s
"""
_RESUMES = """
SELECT w.task_id, w.type, w.blob FROM checkpoint_writes w
WHERE w.thread_id = %(thread)s AND w.channel = '__resume__'
  AND ((w.checkpoint_ns = '' AND w.checkpoint_id = %(checkpoint)s)
       OR (w.checkpoint_ns <> '' AND EXISTS (
           SELECT 1 FROM checkpoints c
           WHERE c.thread_id = w.thread_id AND c.checkpoint_ns = w.checkpoint_ns
             AND c.checkpoint_id = w.checkpoint_id
             AND c.metadata -> 'parents' ->> '' = %(checkpoint)s)))
"""
_TASK = """
SELECT DISTINCT checkpoint_ns, checkpoint_id FROM checkpoint_writes
WHERE thread_id = %s AND task_id = %s ORDER BY checkpoint_id DESC LIMIT %s
"""
_STEP = """
SELECT checkpoint_id FROM checkpoints
WHERE thread_id = %s AND checkpoint_ns = %s AND (metadata ->> 'step')::int BETWEEN %s AND %s
ORDER BY checkpoint_id DESC LIMIT %s
"""


class _Weighing(NamesChannels, GatheringSaver):
    """A saver that weighs what it stores, as adding up all blobs in a query takes long."""

    def _weigh(self, checkpoint: Checkpoint) -> int | None:
        return self.weigh(checkpoint["channel_values"])

    def as_stored(self, values: Any) -> Any:
        """A state that this run has stored, as the database holds it."""
        return self.restore(values)


class _Saver(_Weighing, PatientSaver):
    """
    The saver of one run, which waits for its database.

    `be_sure` is awaited between an answer of the database and what the graph begins on it: the
    answer may have lain unread while the process stood still.
    """

    be_sure: BeSure | None = None

    async def aget_tuple(self, config: Any) -> Any:
        """Read a checkpoint."""
        found = await super().aget_tuple(config)
        if self.be_sure is not None:
            await self.be_sure()
        return found

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        """Store a checkpoint."""
        stored = await super().aput(config, checkpoint, metadata, new_versions)
        if self.be_sure is not None:
            await self.be_sure()
        return stored


class _KeepingSaver(_Weighing, KeepingSaver):
    """The saver of one run, which goes on in memory."""


class PostgresSavers:
    """The checkpoint tables of one database; opened by `open_postgres_savers`."""

    def __init__(
        self, pool: Pool, cipher: Cipher | None = None, be_sure: BeSure | None = None
    ) -> None:
        """`cipher`: what the values are encrypted with. `be_sure`: awaited before runs go on."""
        self._pool = pool
        self._cipher = cipher
        self._be_sure = be_sure

    async def setup(self) -> None:
        """Make or upgrade the tables, one process at a time."""
        newest = len(AsyncPostgresSaver.MIGRATIONS) - 1
        await set_up_once(
            self._pool,
            is_current=lambda conn: has_version(conn, "checkpoint_migrations", newest),
            set_up=lambda conn: AsyncPostgresSaver(conn).setup(),
        )

    def for_run(
        self, serde: SerializerProtocol, keeping: Keeping | None = None
    ) -> BaseCheckpointSaver[Any]:
        """A saver of its own on the pool; with `keeping`, one that goes on without the database."""
        serde = sealed(serde, self._cipher)
        saver = (
            _Saver(self._pool, serde)
            if keeping is None
            else _KeepingSaver(self._pool, serde, keeping)
        )
        saver.seals = self._cipher is not None
        saver.puts = Puts()
        saver.waiting = {}
        return saver

    async def entries(
        self, thread_id: ThreadId, after: CheckpointId | None, limit: int
    ) -> list[RawCheckpoint]:
        """Root checkpoints of a thread after `after`, oldest first."""
        rows = await self._fetch(_ENTRIES, (thread_id, after or "", limit))
        return [
            make_raw(
                checkpoint_id=row["checkpoint_id"],
                parent_id=row["parent_checkpoint_id"],
                metadata=read_metadata(row["metadata"]),
                timestamp=row["ts"],
                size_bytes=int(row["size_bytes"]),
            )
            for row in rows
        ]

    async def heads(self) -> AsyncIterator[tuple[ThreadId, CheckpointId]]:
        """Every thread with its newest root checkpoint."""
        last = ""
        while True:
            rows = await self._fetch(_HEADS, (last, HEADS_PER_PAGE))
            for row in rows:
                if row["head"] is not None:
                    yield ThreadId(row["thread_id"]), CheckpointId(row["head"])
            if len(rows) < HEADS_PER_PAGE:
                return
            last = rows[-1]["thread_id"]

    async def pending_resumes(
        self, thread_id: ThreadId, checkpoint_id: CheckpointId
    ) -> dict[str, int]:
        """How many answers each task of this checkpoint has taken in."""
        values = {"thread": thread_id, "checkpoint": checkpoint_id}
        rows = await self._fetch(_RESUMES, values)
        return {
            row["task_id"]: count_resumes(row["type"], row["blob"], self._cipher) for row in rows
        }

    async def copy_thread(
        self, source: ThreadId, copy_id: ThreadId, checkpoint_id: CheckpointId
    ) -> None:
        """Copy a checkpoint of a thread with all that led to it into another; twice is once."""
        given = copying.values(source, copy_id, checkpoint_id)

        async def copy() -> None:
            async with self._pool.connection() as conn, conn.transaction():
                for statement in copying.for_postgres():
                    await conn.execute(statement.encode(), given)
                find, forget = copying.beside_in_postgres()
                async with conn.cursor(row_factory=tuple_row) as cursor:
                    await cursor.execute(find.encode(), given)
                    beside = await cursor.fetchall()
                    await cursor.executemany(
                        forget.encode(), copying.forget_answers(beside, copy_id)
                    )

        await outlast(copy)

    async def delete_thread(self, thread_id: ThreadId) -> None:
        """Delete all checkpoints of a thread, in all namespaces, and what was written beside them."""
        await outlast(lambda: AsyncPostgresSaver(self._pool).adelete_thread(thread_id))

    async def delete_points(self, thread_id: ThreadId, kept: Sequence[CheckpointId]) -> None:
        """Delete all checkpoints of a thread but these, and what belongs to no other."""

        async def thin() -> None:
            async with self._pool.connection() as conn, conn.transaction():
                for statement in pruning.for_postgres():
                    await conn.execute(statement.encode(), pruning.values(thread_id, kept))

        await outlast(thin)

    async def put_rows(self, rows: Sequence[StoredRow]) -> None:
        """Write rows that were made for this database; those that are there stay as they are."""

        async def put() -> None:
            async with self._pool.connection() as conn, conn.transaction():
                for row in rows:
                    await conn.execute(
                        INSERTS[POSTGRES][row.table].encode(), row.sealed(self._cipher)
                    )

        await outlast(put)

    async def find_task(self, thread_id: ThreadId, task_id: str) -> list[tuple[str, CheckpointId]]:
        """Beside which checkpoints a task wrote something: namespace and id, newest first."""
        rows = await self._fetch(_TASK, (thread_id, task_id, MAX_PLACES))
        return [(row["checkpoint_ns"], CheckpointId(row["checkpoint_id"])) for row in rows]

    async def find_step(self, thread_id: ThreadId, namespace: str, step: int) -> list[CheckpointId]:
        """Checkpoints of a namespace whose superstep is this one or next to it, newest first."""
        values = (thread_id, namespace, step - 1, step + 1, MAX_PLACES)
        rows = await self._fetch(_STEP, values)
        return [CheckpointId(row["checkpoint_id"]) for row in rows]

    async def ask(self, question: Question, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows that answer a question."""
        return [tuple(row.values()) for row in await self._fetch(question.postgres, values)]

    async def _fetch(self, query: str, values: Any) -> list[DictRow]:
        return await outlast(lambda: self._fetch_now(query, values))

    async def _fetch_now(self, query: str, values: Any) -> list[DictRow]:
        async with self._pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query.encode(), values)
            return await cursor.fetchall()


@asynccontextmanager
async def open_postgres_savers(
    url: str,
    *,
    max_size: int,
    application_name: str,
    cipher: Cipher | None = None,
    on_connect: OnConnect | None = None,
    be_sure: BeSure | None = None,
) -> AsyncIterator[PostgresSavers]:
    """
    Open a pool and make LangGraph's tables where they are missing; with `cipher`, values are encrypted.

    `be_sure` is awaited before a run goes on after an answer of the database.

    Raises:
        StoreUnavailable: The database does not answer.
    """
    async with open_pool(
        url, max_size=max_size, application_name=application_name, on_connect=on_connect
    ) as pool:
        savers = PostgresSavers(pool, cipher, be_sure)
        await savers.setup()
        yield savers


@asynccontextmanager
async def open_pool(
    url: str,
    *,
    max_size: int,
    application_name: str,
    option: str = "--database",
    on_connect: OnConnect | None = None,
) -> AsyncIterator[Pool]:
    """
    A pool whose sessions carry `application_name`, by which a takeover ends them.

    Raises:
        StoreUnavailable: The database does not answer; `option` is what named it.
    """

    async def prepare(conn: Any) -> None:
        await conn.execute(SERVER_SIDE, prepare=False)  # several, which none prepared can be
        if on_connect is not None:
            await on_connect(conn)

    pool = cast(
        "Pool",
        AsyncConnectionPool(
            url,
            min_size=1,
            max_size=max_size,
            open=False,
            timeout=CONNECTION_TIMEOUT_S,
            reconnect_timeout=RECONNECT_S,
            configure=prepare,
            kwargs={
                **CONNECTION,
                **keepalives_for(url),
                "application_name": application_name,
            },
        ),
    )
    try:
        await pool.open(wait=True, timeout=OPEN_TIMEOUT_S)
    except (PoolTimeout, psycopg.Error) as exc:
        await pool.close()
        raise StoreUnavailable(
            f"The checkpoint database does not answer: {exc}.",
            hint=f"Check the URL given with {option} and that Postgres is running.",
        ) from exc
    try:
        yield pool
    finally:
        await pool.close()


async def set_up_once(
    pool: Pool,
    *,
    is_current: Callable[[AsyncConnection[DictRow]], Awaitable[bool]],
    set_up: Callable[[AsyncConnection[DictRow]], Awaitable[None]],
) -> None:
    """
    Run a setup unless it is current, while no other process runs one.

    The lock is polled: a process that waits inside Postgres for it would hold a snapshot, for
    which CREATE INDEX CONCURRENTLY of the process inside would wait in turn, for ever.

    Raises:
        StoreUnavailable: Another process has held the lock for too long.
    """
    deadline = time.monotonic() + SETUP_TIMEOUT_S
    async with pool.connection() as conn:
        while not await is_current(conn):
            if await _try_lock(conn):
                try:
                    if not await is_current(conn):
                        await set_up(conn)
                except psycopg.errors.InsufficientPrivilege as exc:
                    raise StoreUnavailable(
                        f"LangGraph's tables are not those of this version, and this role may not make them: {exc}",
                        hint="Run `interlock db upgrade` as the role that owns the tables.",
                    ) from exc
                finally:
                    await conn.execute("SELECT pg_advisory_unlock(%s)", (SETUP_LOCK,))
                return
            if time.monotonic() > deadline:
                raise StoreUnavailable("Another process is still making the checkpoint tables.")
            await asyncio.sleep(SETUP_POLL_S)


async def _try_lock(conn: AsyncConnection[DictRow]) -> bool:
    cursor = await conn.execute("SELECT pg_try_advisory_lock(%s) AS locked", (SETUP_LOCK,))
    row = await cursor.fetchone()
    return bool(row and row["locked"])


async def has_version(conn: AsyncConnection[DictRow], table: str, newest: int) -> bool:
    """Whether LangGraph's table of migrations says that the newest one has run."""
    cursor = await conn.execute("SELECT to_regclass(%s) IS NOT NULL AS there", (table,))
    row = await cursor.fetchone()
    if not row or not row["there"]:
        return False
    cursor = await conn.execute(f"SELECT max(v) AS v FROM {table}".encode())
    row = await cursor.fetchone()
    return bool(row and row["v"] is not None and row["v"] >= newest)
