"""
A Postgres saver that sends what it writes at once as one statement.

LangGraph's sends a row at a time in psycopg's pipeline mode, and serialises in another thread however
small the state is; together a third of a run's processor time (measured). What a task wrote goes with
the checkpoint that follows it, if that follows at once: a transaction less for each step, and nothing
of a step is stored without the rest of it. What is written stays LangGraph's, to the letter of its
conformance suite; whatever is unusual is left to it whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from langgraph.checkpoint.base import WRITES_IDX_MAP, get_serializable_checkpoint_metadata
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from psycopg.types.json import Jsonb

HEAVY_BYTES = 100_000  # a state with a value beyond this is serialised beside the event loop
PLAIN = (str, int, float, bool, type(None))  # kept in the checkpoint's own row
# Of the event loop, until what a task wrote goes alone. The checkpoint of a step is handed over within
# the same turn as what its last task wrote, in nine steps of ten (measured).
TURNS = 6

Row = Sequence[Any]

_CONFLICT = "ON CONFLICT"
_CHECKPOINT = AsyncPostgresSaver.UPSERT_CHECKPOINTS_SQL


@dataclass(frozen=True)
class _Rows:
    """
    Rows of one table that begin alike, as one statement: a few as they are, which psycopg and the
    server read fastest, more as arrays, so that the number of different statements stays small.
    """

    into: str
    alike: int  # columns, all text
    types: tuple[str, ...]  # of the others
    on_conflict: str
    most: int = 4

    def write(self, count: int) -> str:
        """The statement for so many rows."""
        alike = ", ".join(["%s::text"] * self.alike)
        if count > self.most:
            given = ", ".join(f"{_mark(t)}::{t}[]" for t in self.types)
            rows = f"unnest({given}) AS r"
        else:
            row = ", ".join(f"{_mark(t)}::{t}" for t in self.types)
            rows = f"(VALUES {', '.join([f'({row})'] * count)}) AS r"
        return f"INSERT INTO {self.into} SELECT {alike}, r.* FROM {rows} {self.on_conflict}"

    def values(self, alike: Row, rows: Sequence[Row]) -> list[Any]:
        """The values of that statement."""
        if len(rows) > self.most:
            return [*alike, *(list(column) for column in zip(*rows, strict=True))]
        return [*alike, *(value for row in rows for value in row)]


def _mark(kind: str) -> str:
    return "%b" if kind == "bytea" else "%s"


def _end_of(query: str) -> str:
    return query[query.index(_CONFLICT) :]


_BLOBS = _Rows(
    "checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)",
    2,
    ("text", "text", "text", "bytea"),
    _end_of(AsyncPostgresSaver.UPSERT_CHECKPOINT_BLOBS_SQL),
)
_WRITES, _CONTROL_WRITES = (
    _Rows(
        "checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id,"
        " task_id, task_path, idx, channel, type, blob)",
        3,
        ("text", "text", "int", "text", "text", "bytea"),
        _end_of(query),
    )
    for query in (
        AsyncPostgresSaver.INSERT_CHECKPOINT_WRITES_SQL,
        AsyncPostgresSaver.UPSERT_CHECKPOINT_WRITES_SQL,
    )
)


@cache
def _write_rows(table: _Rows, count: int) -> bytes:
    return table.write(count).encode()


@cache
def _write_step(writes_count: int, blobs_count: int) -> bytes:
    """A checkpoint with its blobs, and with what the tasks before it wrote."""
    parts = [
        f"{name} AS ({table.write(count)})"
        for name, table, count in (
            ("writes", _WRITES, writes_count),
            ("blobs", _BLOBS, blobs_count),
        )
        if count
    ]
    return f"{'WITH ' if parts else ''}{', '.join(parts)} {_CHECKPOINT}".encode()


class _Late:
    """What a task wrote, as it waits for the checkpoint that follows."""

    def __init__(self, place: Row, rows: Sequence[Row]) -> None:
        self.place = place  # thread, namespace, checkpoint
        self.rows = rows
        self.is_stored: asyncio.Future[bool] | None = None  # once a checkpoint takes it along


class _Boxed:
    """A plain value that is to be stored apart from its checkpoint's row."""

    def __init__(self, value: Any) -> None:
        self.value = value


class GatheringSaver(AsyncPostgresSaver):
    """
    LangGraph's saver for one run; `blobs` are the newest it stored of each root channel.

    LangGraph keeps texts, numbers and the like in the checkpoint's own row, which its serializer never
    sees. Where it encrypts (`seals`), they are stored apart as all other values are; whoever reads
    finds them by their version, as LangGraph looks for values in both places.
    """

    seals = False

    joins = True  # what a task wrote waits a moment for the checkpoint that follows

    def __init__(self, conn: Any, serde: Any) -> None:
        super().__init__(conn, serde=serde)
        self.blobs: dict[str, tuple[str, bytes | None]] = {}  # type and content
        self._is_heavy = False
        self._boxed: set[tuple[str, str, str]] = set()  # stored apart: namespace, channel, version
        self._late: list[_Late] = []

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        """Store a checkpoint with the values that are new in it."""
        if not self.seals:
            return await self._put(config, checkpoint, metadata, new_versions)
        boxed, new, keys = self._box_plain(config, checkpoint, new_versions)
        stored = await self._put(config, boxed, metadata, new)
        self._boxed |= keys
        return stored

    async def _put(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        place, values = config["configurable"], checkpoint["channel_values"]
        if self._is_heavy or any(isinstance(value, _DeltaSnapshot) for value in values.values()):
            return await super().aput(config, checkpoint, metadata, new_versions)
        thread_id, namespace = place["thread_id"], place.get("checkpoint_ns", "")
        apart = {name: value for name, value in values.items() if not isinstance(value, PLAIN)}
        new = {name: version for name, version in new_versions.items() if name in apart}
        blobs = self._dump_blobs(thread_id, namespace, apart, new)
        kept = {name: value for name, value in values.items() if name not in apart}
        row = (
            *(thread_id, namespace, checkpoint["id"], place.get("checkpoint_id")),
            Jsonb({**checkpoint, "channel_values": kept}),
            Jsonb(get_serializable_checkpoint_metadata(config, metadata)),
        )
        await self._send_step((thread_id, namespace), [blob[2:] for blob in blobs], row)
        stored = {"thread_id": thread_id, "checkpoint_ns": namespace}
        return {"configurable": {**stored, "checkpoint_id": checkpoint["id"]}}

    async def aput_writes(
        self, config: Any, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store what a task wrote; a write of LangGraph's own replaces the one before."""
        control_count = sum(channel in WRITES_IDX_MAP for channel, _ in writes)
        is_control = control_count == len(writes)
        numbers = [WRITES_IDX_MAP.get(channel, n) for n, (channel, _) in enumerate(writes)]
        # One statement cannot write a row twice.
        if self._is_heavy or not writes or (is_control and len(set(numbers)) < len(numbers)):
            await super().aput_writes(config, writes, task_id, task_path)
            return
        at = config["configurable"]
        place = (at["thread_id"], at["checkpoint_ns"], at["checkpoint_id"])
        dumped = self._dump_writes(*place, task_id, task_path, writes)
        self._is_heavy |= sum(len(row[8] or b"") for row in dumped) > HEAVY_BYTES
        rows = [row[3:] for row in dumped]
        # A question or an error ends the step: no checkpoint follows.
        if self.joins and not control_count and await self._go_along(_Late(place, rows)):
            return
        table = _CONTROL_WRITES if is_control else _WRITES
        await self._send(
            _write_rows(table, min(len(rows), table.most + 1)), table.values(place, rows)
        )

    async def _go_along(self, late: _Late) -> bool:
        """Wait whether a checkpoint takes this along; whether it is stored by that."""
        self._late.append(late)
        try:
            for _ in range(TURNS):
                await asyncio.sleep(0)
                if late.is_stored is not None:
                    return await late.is_stored
        finally:
            if late in self._late:
                self._late.remove(late)
        return False

    async def _send_step(self, place: Row, blobs: Sequence[Row], checkpoint: Row) -> None:
        """Send a checkpoint, its blobs and what waits to go along."""
        late = [each for each in self._late if each.place[:2] == place]
        late = [each for each in late if each.place == late[0].place]
        rows = [row for each in late for row in each.rows]
        for each in late:
            self._late.remove(each)
            each.is_stored = asyncio.get_running_loop().create_future()
        values = _WRITES.values(late[0].place, rows) if late else []
        values += _BLOBS.values(place, blobs) if blobs else []
        counts = min(len(rows), _WRITES.most + 1), min(len(blobs), _BLOBS.most + 1)
        is_stored = False
        try:
            await self._send(_write_step(*counts), [*values, *checkpoint])
            is_stored = True
        finally:
            for each in late:  # if not, each goes alone, and so does this, if it is tried again
                if each.is_stored is not None and not each.is_stored.done():
                    each.is_stored.set_result(is_stored)

    def _box_plain(
        self, config: Any, checkpoint: Any, new_versions: Any
    ) -> tuple[Any, Any, set[tuple[str, str, str]]]:
        """
        The checkpoint with its plain values in boxes, with their versions among the new ones, and which.

        Also of a value that is not new: it may have been stored in its row before there were keys. One
        that is there already is left as it is.
        """
        namespace = config["configurable"].get("checkpoint_ns", "")
        versions, new, values = checkpoint["channel_versions"], dict(new_versions), {}
        keys: set[tuple[str, str, str]] = set()
        for name, value in checkpoint["channel_values"].items():
            is_plain = isinstance(value, PLAIN) and name in versions
            values[name] = _Boxed(value) if is_plain else value
            key = (namespace, name, str(versions.get(name)))
            if is_plain and key not in self._boxed:
                keys.add(key)
                new[name] = versions[name]
        return {**checkpoint, "channel_values": values}, new, keys

    def _dump_blobs(
        self, thread_id: str, checkpoint_ns: str, values: dict[str, Any], versions: Any
    ) -> list[tuple[str, str, str, str, str, bytes | None]]:
        if self.seals:
            values = {k: v.value if isinstance(v, _Boxed) else v for k, v in values.items()}
        rows = super()._dump_blobs(thread_id, checkpoint_ns, values, versions)
        sizes = {row[2]: len(row[5] or b"") for row in rows}
        self._is_heavy |= max(sizes.values(), default=0) > HEAVY_BYTES
        if not checkpoint_ns:
            self.blobs |= {row[2]: (row[4], row[5]) for row in rows}
        return rows

    def weigh(self, values: Mapping[str, Any]) -> int | None:
        """The bytes of a state; None if an earlier run stored some of it."""
        total = 0
        for channel, value in values.items():
            if isinstance(value, PLAIN):
                total += len(value) if isinstance(value, str) else len(channel)
            elif channel in self.blobs:
                total += len(self.blobs[channel][1] or b"")
            else:
                return None
        return total

    def restore(self, values: Any) -> Any:
        """
        A state as it is stored, where the graph's own may have been changed in place; None if an
        earlier run stored some of it.
        """
        if not isinstance(values, dict):
            return None
        found = {}
        for channel, value in values.items():
            if isinstance(value, PLAIN):
                found[channel] = value
            elif channel in self.blobs:
                found[channel] = self.serde.loads_typed(self.blobs[channel])  # type: ignore[arg-type]
            else:
                return None
        return found

    async def _send(self, query: bytes, values: Row) -> None:
        async with self._cursor() as cursor:
            await cursor.execute(query, values)
