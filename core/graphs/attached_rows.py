"""
Questions to the checkpoint database of another application: which threads there are, what is written there.

The first tells the place of each head and no value, not even of what was asked; the values are read
of those threads alone that have come on since.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import ormsgpack

from interlock.core.graphs.checkpoints import (
    HEADS_PER_PAGE,
    Question,
    RawCheckpoint,
    Savers,
    make_raw,
    read_metadata,
)
from interlock.core.types import CheckpointId, Json, ThreadId

MAX_CHECKPOINT_BYTES = 1_000_000  # of one in a file, with its state; beyond, ask the graph
NOT_READ = "Its newest checkpoint cannot be read ({})."

# Unless it changed, nothing was committed: not by anybody else in a file, not in a server at all.
_MARK = Question(
    sqlite="PRAGMA data_version",
    # On a standby the list of what is under way is empty, so that there it says nothing.
    postgres="SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_snapshot()::text END AS mark",
)
# A task's row is added, or replaced by a newer one: either way the sum grows.
_SCAN = """
WITH RECURSIVE found(thread_id) AS (
    SELECT (SELECT min(thread_id) FROM checkpoints WHERE thread_id > {mark})
    UNION ALL
    SELECT (SELECT min(c.thread_id) FROM checkpoints c WHERE c.thread_id > found.thread_id)
    FROM found WHERE found.thread_id IS NOT NULL
), page AS (
    SELECT thread_id, (SELECT max(c.checkpoint_id) FROM checkpoints c
                       WHERE c.thread_id = found.thread_id AND c.checkpoint_ns = '') AS head
    FROM found WHERE thread_id IS NOT NULL LIMIT {mark}
)
SELECT thread_id, head, (
    SELECT count(*) || ':' || coalesce(sum({age}), 0) FROM {writes} w
    WHERE w.thread_id = page.thread_id AND w.checkpoint_ns = '' AND w.checkpoint_id = page.head
) AS print
FROM page ORDER BY thread_id
"""
_HEADS = Question(
    sqlite=_SCAN.format(mark="?", age="w.rowid", writes="writes"),
    postgres=_SCAN.format(mark="%s", age="w.xmin::text::bigint", writes="checkpoint_writes"),
)
_READ = "('__interrupt__', '__resume__', '__error__')"
_VALUES = """
SELECT w.thread_id, w.task_id, w.task_path, w.channel,
       CASE WHEN w.channel IN {read} THEN w.type END AS kind,
       CASE WHEN w.channel IN {read} THEN w.{value} END AS stored
FROM {places} {writes} w
  ON w.thread_id = {thread} AND w.checkpoint_ns = '' AND w.checkpoint_id = {checkpoint}
ORDER BY w.thread_id, w.task_id, w.idx
"""
_WRITES = Question(
    sqlite=_VALUES.format(
        read=_READ,
        value="value",
        places="json_each(?) j CROSS JOIN",
        writes="writes",
        thread="json_extract(j.value, '$[0]')",
        checkpoint="json_extract(j.value, '$[1]')",
    ),
    postgres=_VALUES.format(
        read=_READ,
        value="blob",
        places="jsonb_array_elements(%s::jsonb) j JOIN",
        writes="checkpoint_writes",
        thread="j ->> 0",
        checkpoint="j ->> 1",
    ),
)
_DETAILS = Question(
    sqlite=f"""
SELECT c.thread_id, c.checkpoint_id, c.parent_checkpoint_id, c.metadata,
       coalesce(length(c.checkpoint), 0) + coalesce(length(c.metadata), 0),
       c.type, CASE WHEN length(c.checkpoint) <= {MAX_CHECKPOINT_BYTES} THEN c.checkpoint END, NULL
FROM json_each(?) j CROSS JOIN checkpoints c
  ON c.thread_id = json_extract(j.value, '$[0]') AND c.checkpoint_ns = ''
 AND c.checkpoint_id = json_extract(j.value, '$[1]')
""",
    postgres="""
SELECT c.thread_id, c.checkpoint_id, c.parent_checkpoint_id, c.metadata,
       pg_column_size(c.checkpoint) + pg_column_size(c.metadata) AS size_bytes,
       'json' AS kind, jsonb_build_object(
           'updated_channels', c.checkpoint -> 'updated_channels',
           'channel_versions', c.checkpoint -> 'channel_versions') AS told,
       c.checkpoint ->> 'ts' AS ts
FROM jsonb_array_elements(%s::jsonb) j JOIN checkpoints c
  ON c.thread_id = j ->> 0 AND c.checkpoint_ns = '' AND c.checkpoint_id = j ->> 1
""",
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Write:
    """What a task wrote to one channel; the value only of what it asks, was answered, or failed with."""

    task_id: str
    path: str
    channel: str
    kind: str | None
    value: bytes | None


@dataclass(frozen=True)
class FoundHead:
    """
    A thread of the database, its newest root checkpoint, and what is written beside that, if read.

    `print` differs as soon as anything more is written there.
    """

    thread_id: ThreadId
    checkpoint_id: CheckpointId
    print: str = ""
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True)
class Detail:
    """
    What the row of a head says: its place, its metadata, its channels, and those last updated.

    `trouble`: why it cannot be read, where it cannot.
    """

    raw: RawCheckpoint
    metadata: Mapping[str, Json]
    channels: frozenset[str]
    updated: frozenset[str] | None  # None: it does not say
    trouble: str | None = None


async def read_mark(savers: Savers) -> str | None:
    """What is the same for as long as nothing was stored; None where the database has no such word."""
    ((mark,),) = await savers.ask(_MARK, ())
    return None if mark is None else str(mark)


async def scan(savers: Savers) -> AsyncIterator[list[FoundHead]]:
    """Every thread with its newest root checkpoint, by thread id, page by page; no value is read."""
    last = ""
    while True:
        rows = await savers.ask(_HEADS, (last, HEADS_PER_PAGE))
        # Without a head there is nothing but checkpoints of subgraphs.
        yield [FoundHead(ThreadId(row[0]), CheckpointId(row[1]), row[2]) for row in rows if row[1]]
        if len(rows) < HEADS_PER_PAGE:
            return
        last = rows[-1][0]


async def read_writes(savers: Savers, heads: Sequence[FoundHead]) -> list[FoundHead]:
    """These heads with what is written beside them, all with one question."""
    if not heads:
        return []
    rows = await savers.ask(_WRITES, (_places_of(heads),))
    found = {
        key: tuple(
            Write(r[1], r[2] or "", r[3], r[4], None if r[5] is None else bytes(r[5])) for r in own
        )
        for key, own in groupby(rows, lambda row: row[0])
    }
    return [replace(head, writes=found.get(head.thread_id, ())) for head in heads]


async def read_details(savers: Savers, heads: Sequence[FoundHead]) -> dict[ThreadId, Detail]:
    """The rows of these heads, all with one question."""
    if not heads:
        return {}
    rows = await savers.ask(_DETAILS, (_places_of(heads),))
    return {row[0]: _read_row(row) for row in rows}


def _places_of(heads: Sequence[FoundHead]) -> str:
    return json.dumps([[head.thread_id, head.checkpoint_id] for head in heads])


def _read_row(row: tuple[Any, ...]) -> Detail:
    """One row; whoever stored it, it keeps no other from being read."""
    try:
        return _read_detail(row)
    except Exception as exc:  # noqa: BLE001  bytes of another's, of whatever version
        thread_id, checkpoint_id, parent_id, _, size_bytes, *_ = row
        logger.warning("head_not_read", extra={"thread_id": thread_id, "reason": str(exc)[:500]})
        raw = make_raw(
            checkpoint_id=checkpoint_id,
            parent_id=parent_id,
            metadata={},
            timestamp=None,
            size_bytes=size_bytes,
        )
        return Detail(raw, {}, frozenset(), None, trouble=NOT_READ.format(type(exc).__name__))


def _read_detail(row: tuple[Any, ...]) -> Detail:
    _, checkpoint_id, parent_id, metadata, size_bytes, kind, stored, timestamp = row
    checkpoint = _read_checkpoint(kind, stored)
    told = read_metadata(metadata)
    updated = checkpoint.get("updated_channels")
    return Detail(
        raw=make_raw(
            checkpoint_id=checkpoint_id,
            parent_id=parent_id,
            metadata=told,
            timestamp=timestamp or checkpoint.get("ts"),
            size_bytes=size_bytes,
        ),
        metadata=told,
        channels=frozenset(map(str, checkpoint.get("channel_versions") or ())),
        updated=None if updated is None else frozenset(map(str, updated)),
    )


def _read_checkpoint(kind: str, stored: Any) -> Mapping[str, Any]:
    """A checkpoint without its values, as far as it can be told without restoring them."""
    if isinstance(stored, Mapping):
        return stored
    if stored is None or kind != "msgpack":
        return {}
    found = ormsgpack.unpackb(
        stored, ext_hook=lambda _code, _data: None, option=ormsgpack.OPT_NON_STR_KEYS
    )
    return found if isinstance(found, Mapping) else {}
