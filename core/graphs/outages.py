"""
Waiting for a Postgres that does not answer, where a run stands (MISSION R7).

What LangGraph stores and reads can be done twice without harm. So an operation that an outage cut
off is done again when the database is back: the run holds at this very place, and neither a node
that has ended nor one that still works knows of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from langgraph.store.postgres.aio import AsyncPostgresStore
from psycopg.errors import PipelineAborted
from psycopg_pool import PoolClosed

from interlock.core.graphs.gathering import GatheringSaver

FIRST_S = 0.02  # a pool may hold several sessions that the same restart has ended
LONGEST_S = 1.0  # between two tries
# Of Postgres' classes of errors: no connection, no resources, shut down, input and output.
OUTAGES = ("08", "53", "57P", "58")
READ_ONLY = "25006"  # it has become a standby; another is the primary now, or soon

logger = logging.getLogger(__name__)
T = TypeVar("T")


def is_outage(error: BaseException) -> bool:
    """Whether an error says that the database is away, and not that it refuses what was asked."""
    if isinstance(error, PoolClosed | PipelineAborted) or not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is not None:
        return error.sqlstate.startswith(OUTAGES) or error.sqlstate == READ_ONLY
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


async def outlast(operation: Callable[[], Awaitable[T]]) -> T:
    """Do something that may be done twice, however long the database does not answer."""
    wait = Wait()
    while True:
        try:
            done = await operation()
        except psycopg.Error as exc:
            if not is_outage(exc):
                raise
            await wait.pause(exc)
        else:
            wait.end()
            return done


class Wait:
    """The pauses between the tries of one operation."""

    def __init__(self) -> None:
        self._pause_s = FIRST_S
        self._began_at: float | None = None

    async def pause(self, error: Exception) -> None:
        """Wait before the next try; told once."""
        if self._began_at is None:
            self._began_at = time.monotonic()
            reason = str(error).partition("\n")[0] or type(error).__name__
            logger.warning("checkpoints_wait", extra={"reason": reason})
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_S)

    def end(self) -> None:
        """It is done."""
        if self._began_at is not None:
            waited_s = round(time.monotonic() - self._began_at, 2)
            logger.info("checkpoints_go_on", extra={"seconds": waited_s})


class PatientSaver(GatheringSaver):
    """The saver of one run, which waits for its database."""

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        """Store a checkpoint."""
        return await outlast(
            lambda: super(PatientSaver, self).aput(config, checkpoint, metadata, new_versions)
        )

    async def aput_writes(
        self, config: Any, writes: Any, task_id: str, task_path: str = ""
    ) -> None:
        """Store what a task wrote."""
        await outlast(
            lambda: super(PatientSaver, self).aput_writes(config, writes, task_id, task_path)
        )

    async def aget_tuple(self, config: Any) -> Any:
        """Read a checkpoint."""
        return await outlast(lambda: super(PatientSaver, self).aget_tuple(config))

    async def aget_delta_channel_history(self, **given: Any) -> Any:
        """Read what a channel of differences is made of."""
        return await outlast(lambda: super(PatientSaver, self).aget_delta_channel_history(**given))

    async def alist(self, config: Any, **given: Any) -> AsyncIterator[Any]:
        """Read checkpoints; once some were given out, an outage ends the list."""
        wait, has_begun = Wait(), False
        while True:
            try:
                async for found in super().alist(config, **given):
                    has_begun = True
                    yield found
            except psycopg.Error as exc:
                if has_begun or not is_outage(exc):
                    raise
                await wait.pause(exc)
            else:
                wait.end()
                return


class PatientStore(AsyncPostgresStore):
    """The long-term store, which waits for its database; a node that asks it waits with it."""

    async def abatch(self, ops: Any) -> Any:
        """Carry out operations."""
        kept = list(ops)
        return await outlast(lambda: super(PatientStore, self).abatch(kept))
