"""
What a Postgres saver writes at once, sent as one statement.

LangGraph sends a row at a time, in psycopg's pipeline mode; a quarter of a run's processor time went
into that (measured). What is written, and when, stays LangGraph's: only its statements are gathered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

Row = Sequence[Any]
Statement = tuple[str, Row]

_BLOBS = AsyncPostgresSaver.UPSERT_CHECKPOINT_BLOBS_SQL
_CHECKPOINT = AsyncPostgresSaver.UPSERT_CHECKPOINTS_SQL
_WRITES = {
    AsyncPostgresSaver.UPSERT_CHECKPOINT_WRITES_SQL,
    AsyncPostgresSaver.INSERT_CHECKPOINT_WRITES_SQL,
}
_CONFLICT = "ON CONFLICT"

_BLOBS_AND_CHECKPOINT = f"""
WITH blobs AS (
    INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
    SELECT %s::text, %s::text, channel, version, type, blob
    FROM unnest(%s::text[], %s::text[], %s::text[], %b::bytea[]) AS b (channel, version, type, blob)
    {_BLOBS[_BLOBS.index(_CONFLICT) :]}
)
{_CHECKPOINT}
"""
_ALL_WRITES = {
    query: f"""
INSERT INTO checkpoint_writes
    (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob)
SELECT %s::text, %s::text, %s::text, %s::text, %s::text, idx, channel, type, blob
FROM unnest(%s::int[], %s::text[], %s::text[], %b::bytea[]) AS w (idx, channel, type, blob)
{query[query.index(_CONFLICT) :]}
"""
    for query in _WRITES
}


class Gathered:
    """Takes statements as a cursor would, and hands them out as one where it knows how."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[Row]]] = []

    async def execute(self, query: str, row: Row) -> None:
        """Take one statement."""
        self.sent.append((query, [row]))

    async def executemany(self, query: str, rows: Sequence[Row]) -> None:
        """Take one statement for each row."""
        if rows:
            self.sent.append((query, list(rows)))

    def merge(self) -> Statement | None:
        """The one statement that does it all; None if there is none."""
        queries = [query for query, _ in self.sent]
        if len(self.sent) == 1 and len(self.sent[0][1]) == 1:
            query, (row,) = self.sent[0]
            return query, row
        if queries == [_BLOBS, _CHECKPOINT]:
            return _merge_checkpoint(self.sent[0][1], self.sent[1][1][0])
        if len(queries) == 1 and queries[0] in _WRITES:
            return _merge_writes(queries[0], self.sent[0][1])
        return None


def _merge_checkpoint(blobs: Sequence[Row], checkpoint: Row) -> Statement:
    place = blobs[0][:2]
    columns = ([row[n] for row in blobs] for n in range(2, 6))
    return _BLOBS_AND_CHECKPOINT, (*place, *columns, *checkpoint)


def _merge_writes(query: str, rows: Sequence[Row]) -> Statement | None:
    place = rows[0][:5]
    numbers = [row[5] for row in rows]
    if len(set(numbers)) < len(numbers):
        return None  # one statement cannot write a row twice
    columns = ([row[n] for row in rows] for n in range(6, 9))
    return _ALL_WRITES[query], (*place, numbers, *columns)
