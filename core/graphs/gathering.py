"""
A Postgres saver that sends what it writes at once as one statement.

LangGraph's sends a row at a time in psycopg's pipeline mode, and serialises in another thread however
small the state is; together a third of a run's processor time (measured). What is written stays
LangGraph's, to the letter of its conformance suite; whatever is unusual is left to it whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.checkpoint.base import WRITES_IDX_MAP, get_serializable_checkpoint_metadata
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from psycopg.types.json import Jsonb

HEAVY_BYTES = 100_000  # a state with a value beyond this is serialised beside the event loop
PLAIN = (str, int, float, bool, type(None))  # kept in the checkpoint's own row

Row = Sequence[Any]

_CONFLICT = "ON CONFLICT"
_BLOBS = AsyncPostgresSaver.UPSERT_CHECKPOINT_BLOBS_SQL
_CHECKPOINT = AsyncPostgresSaver.UPSERT_CHECKPOINTS_SQL
_BLOBS_AND_CHECKPOINT = f"""
WITH blobs AS (
    INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
    SELECT %s::text, %s::text, channel, version, type, blob
    FROM unnest(%s::text[], %s::text[], %s::text[], %b::bytea[]) AS b (channel, version, type, blob)
    {_BLOBS[_BLOBS.index(_CONFLICT) :]}
)
{_CHECKPOINT}
"""


def _for_all_writes(query: str) -> str:
    return f"""
INSERT INTO checkpoint_writes
    (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob)
SELECT %s::text, %s::text, %s::text, %s::text, %s::text, idx, channel, type, blob
FROM unnest(%s::int[], %s::text[], %s::text[], %b::bytea[]) AS w (idx, channel, type, blob)
{query[query.index(_CONFLICT) :]}
"""


_CONTROL_WRITES = _for_all_writes(AsyncPostgresSaver.UPSERT_CHECKPOINT_WRITES_SQL)
_WRITES = _for_all_writes(AsyncPostgresSaver.INSERT_CHECKPOINT_WRITES_SQL)


class GatheringSaver(AsyncPostgresSaver):
    """LangGraph's saver for one run; `blobs` are the newest it stored of each root channel."""

    def __init__(self, conn: Any, serde: Any) -> None:
        super().__init__(conn, serde=serde)
        self.blobs: dict[str, tuple[str, bytes | None]] = {}  # type and content
        self._is_heavy = False

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        """Store a checkpoint with the values that are new in it."""
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
        if blobs:
            columns = ([blob[n] for blob in blobs] for n in range(2, 6))
            await self._send(_BLOBS_AND_CHECKPOINT, (thread_id, namespace, *columns, *row))
        else:
            await self._send(_CHECKPOINT, row)
        stored = {"thread_id": thread_id, "checkpoint_ns": namespace}
        return {"configurable": {**stored, "checkpoint_id": checkpoint["id"]}}

    async def aput_writes(
        self, config: Any, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store what a task wrote; a write of LangGraph's own replaces the one before."""
        is_control = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        numbers = [WRITES_IDX_MAP.get(channel, n) for n, (channel, _) in enumerate(writes)]
        # One statement cannot write a row twice.
        if self._is_heavy or not writes or (is_control and len(set(numbers)) < len(numbers)):
            await super().aput_writes(config, writes, task_id, task_path)
            return
        at = config["configurable"]
        place = (at["thread_id"], at["checkpoint_ns"], at["checkpoint_id"], task_id, task_path)
        rows = self._dump_writes(*place, writes)
        self._is_heavy |= sum(len(row[8] or b"") for row in rows) > HEAVY_BYTES
        columns = ([row[n] for row in rows] for n in range(5, 9))
        await self._send(_CONTROL_WRITES if is_control else _WRITES, (*place, *columns))

    def _dump_blobs(
        self, thread_id: str, checkpoint_ns: str, values: dict[str, Any], versions: Any
    ) -> list[tuple[str, str, str, str, str, bytes | None]]:
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

    async def _send(self, query: str, values: Row) -> None:
        async with self._cursor() as cursor:
            await cursor.execute(query.encode(), values)
