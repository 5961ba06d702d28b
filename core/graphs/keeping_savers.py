"""
The saver of a run that goes on in memory while Postgres is away.

What LangGraph and we would send is written down as the statements it consists of, so that what is
stored late is to the letter what would have been stored at once. What is read meanwhile is a
subgraph's own state: that of one that began in memory is read from there; for anything else the
database is needed, and waited for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import psycopg
from langgraph.checkpoint.memory import InMemorySaver
from psycopg.types.json import Jsonb

from interlock.core.graphs.gathering import GatheringSaver
from interlock.core.graphs.keeping import Keeping, Told, Write
from interlock.core.graphs.outages import PatientSaver, is_outage

T = TypeVar("T")
Space = tuple[str, str]  # a thread and a namespace of it


class _CutOff(Exception):
    """Another write has found the database away meanwhile."""


class _Notebook:
    """Takes down what a cursor is told."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    async def execute(self, query: Any, values: Any = (), **_: Any) -> None:
        """One statement."""
        self._note(query, tuple(_freeze(value) for value in values), is_many=False)

    async def executemany(self, query: Any, rows: Any, **_: Any) -> None:
        """One statement for each of several rows."""
        self._note(query, [tuple(_freeze(v) for v in row) for row in rows], is_many=True)

    def _note(self, query: Any, values: Any, *, is_many: bool) -> None:
        self.told.append(Told(query, values, is_many, _weigh(values)))


_notebook: ContextVar[_Notebook | None] = ContextVar("_notebook", default=None)


class KeepingSaver(PatientSaver):
    """The saver of one run, which may keep what it cannot store."""

    joins = False  # what is kept is written down call by call

    def __init__(self, conn: Any, serde: Any, keeping: Keeping) -> None:
        super().__init__(conn, serde)
        self._keeping = keeping
        self._newest: dict[
            Space, str
        ] = {}  # what this run put last; of anything else nothing is known
        self._under_way: set[asyncio.Timeout] = set()
        self._inner = InMemorySaver(serde=serde)
        self._kept_whole: set[Space] = set()  # subgraphs of which all there is lies in `_inner`

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        """Store a checkpoint, or keep it."""
        given = (config, checkpoint, metadata, new_versions)
        space = _space_of(config)
        stored, kept_bytes = await self._write(
            lambda: GatheringSaver.aput(self, *given), is_step=True
        )
        is_new = space not in self._newest or space in self._kept_whole
        if kept_bytes and is_new and space[1]:
            self._kept_whole.add(space)
            self._keeping.keep_beside(kept_bytes)
            await self._inner.aput(*given)
        self._newest[space] = checkpoint["id"]
        return stored

    async def aput_writes(
        self, config: Any, writes: Any, task_id: str, task_path: str = ""
    ) -> None:
        """Store what a task wrote, or keep it."""
        given = (config, writes, task_id, task_path)
        _, kept_bytes = await self._write(
            lambda: GatheringSaver.aput_writes(self, *given), is_step=False
        )
        if _space_of(config) in self._kept_whole:
            self._keeping.keep_beside(kept_bytes)
            await self._inner.aput_writes(*given)

    async def aget_tuple(self, config: Any) -> Any:
        """Read a checkpoint."""
        if self._is_untouched(config):
            return None
        if self._keeping.is_on and _space_of(config) in self._kept_whole:
            return await self._inner.aget_tuple(config)
        await self._keeping.settle()
        return await super().aget_tuple(config)

    async def aget_delta_channel_history(self, **given: Any) -> Any:
        """Read what a channel of differences is made of."""
        await self._keeping.settle()
        return await super().aget_delta_channel_history(**given)

    async def alist(self, config: Any, **given: Any) -> AsyncIterator[Any]:
        """Read checkpoints."""
        await self._keeping.settle()
        async for found in super().alist(config, **given):
            yield found

    async def _write(self, write: Callable[[], Awaitable[T]], *, is_step: bool) -> tuple[T, int]:
        """Do a write; how many bytes of it were only kept."""
        self._keeping.check()
        if not self._keeping.is_on:
            self._forget()
            try:
                return await self._write_at_once(write), 0
            except psycopg.Error as exc:
                if not is_outage(exc):
                    raise
            except _CutOff:
                pass
            for other in self._under_way:  # they would wait for a connection
                other.reschedule(asyncio.get_running_loop().time())
        notebook = _Notebook()
        before = _notebook.set(notebook)
        try:
            done = await write()
        finally:
            _notebook.reset(before)
        await self._keeping.keep(tuple(notebook.told), self._send_kept, is_step=is_step)
        return done, sum(told.size_bytes for told in notebook.told)

    async def _write_at_once(self, write: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(None) as limit:
                self._under_way.add(limit)
                try:
                    return await write()
                finally:
                    self._under_way.discard(limit)
        except TimeoutError as exc:
            raise (_CutOff() if limit.expired() else exc) from exc

    def _forget(self) -> None:
        """All that was kept is stored: it is read from there."""
        if self._kept_whole:
            self._kept_whole.clear()
            self._keeping.drop_beside()
            self._inner = InMemorySaver(serde=self.serde)

    def _is_untouched(self, config: Mapping[str, Any]) -> bool:
        """
        Whether nothing can be stored where this points to: the namespace of a task of a checkpoint
        that this run has just made, into which it has put nothing.
        """
        place, space = config["configurable"], _space_of(config)
        around = _around(space[1])
        if around is None or space in self._newest or place.get("checkpoint_id"):
            return False
        parent = (place.get("checkpoint_map") or {}).get(around)
        return parent is not None and parent == self._newest.get((space[0], around))

    async def _send_kept(self, write: Write) -> None:
        """Send what was taken down; what is there already is left as it is, or written again."""
        async with super()._cursor(pipeline=len(write) > 1) as cursor:
            for told in write:
                send = cursor.executemany if told.is_many else cursor.execute
                await send(told.query, told.values)

    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncIterator[Any]:
        notebook = _notebook.get()
        if notebook is not None:
            yield notebook
            return
        async with super()._cursor(pipeline=pipeline) as cursor:
            yield cursor


def _space_of(config: Mapping[str, Any]) -> Space:
    place = config["configurable"]
    return place["thread_id"], place.get("checkpoint_ns", "")


def _around(namespace: str) -> str | None:
    """The namespace around that of a task; None for the root and for what is not a task's own."""
    parts = namespace.split("|")
    while parts and parts[-1].isdigit():  # the second, third, … subgraph that a task calls
        parts.pop()
    if not parts or ":" not in parts[-1]:
        return None
    return "|".join(parts[:-1])


def _freeze(value: Any) -> Any:
    """A value as it is now: what is sent as JSON is of the graph's own objects, which change."""
    if not isinstance(value, Jsonb):
        return value
    text = (value.dumps or json.dumps)(value.obj)
    return Jsonb(text, dumps=_as_it_is)


def _as_it_is(text: str | bytes) -> str | bytes:
    return text


def _weigh(value: Any) -> int:
    if isinstance(value, Jsonb):
        return len(value.obj)
    if isinstance(value, bytes | str):
        return len(value)
    return sum(_weigh(each) for each in value) if isinstance(value, list | tuple) else 8
