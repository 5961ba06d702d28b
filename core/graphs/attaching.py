"""
Questions to the checkpoint database of another application: which threads there are, what they ask.

One question a page of threads tells their heads with what was written beside them, without a state;
where that leaves no doubt what a thread stands before, its graph is not needed either.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import ormsgpack
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.types import Interrupt

from interlock.core.graphs import projection
from interlock.core.graphs.checkpoints import (
    CONTROL_CHANNELS,
    ERROR,
    HEADS_PER_PAGE,
    INTERRUPT,
    Question,
    RawCheckpoint,
    Savers,
    make_raw,
    read_metadata,
)
from interlock.core.graphs.due import PULL
from interlock.core.graphs.heads import (
    MAX_MEDIA_BYTES,
    MAX_PAYLOAD_BYTES,
    nth_interrupt_id,
)
from interlock.core.graphs.places import AnyGraph
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.types import CheckpointId, Json, ThreadId

MAX_CHECKPOINT_BYTES = (
    1_000_000  # of one in SQLite, where it holds the state; beyond, ask the graph
)
NOT_READ = "Its newest checkpoint cannot be read ({})."
RESUME = "__resume__"
SENDS = "__pregel_tasks"  # the channel of what was sent

_READ = "('__interrupt__', '__resume__', '__error__')"
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
SELECT p.thread_id, p.head, w.task_id, w.task_path, w.channel,
       CASE WHEN w.channel IN {read} THEN w.type END AS kind,
       CASE WHEN w.channel IN {read} THEN w.{value} END AS stored
FROM page p LEFT JOIN {writes} w
  ON w.thread_id = p.thread_id AND w.checkpoint_ns = '' AND w.checkpoint_id = p.head
ORDER BY p.thread_id, w.task_id, w.idx
"""
_SQLITE_SCAN = _SCAN.format(mark="?", read=_READ, value="value", writes="writes")
_HEADS = Question(
    sqlite=_SQLITE_SCAN,
    postgres=_SCAN.format(mark="%s", read=_READ, value="blob", writes="checkpoint_writes"),
)
_DETAILS = Question(
    sqlite="""
SELECT c.thread_id, c.checkpoint_id, c.parent_checkpoint_id, c.metadata,
       coalesce(length(c.checkpoint), 0) + coalesce(length(c.metadata), 0),
       c.type, CASE WHEN length(c.checkpoint) <= 1000000 THEN c.checkpoint END, NULL
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
    """A thread of the database, its newest root checkpoint, and what is written beside that."""

    thread_id: ThreadId
    checkpoint_id: CheckpointId
    writes: tuple[Write, ...] = ()

    @property
    def print(self) -> bytes:
        """What is different as soon as the thread has come on, within the same checkpoint too."""
        digest = hashlib.blake2b(self.checkpoint_id.encode(), digest_size=16)
        for write in self.writes:
            digest.update(f"{write.task_id}{write.channel}".encode())
            digest.update(write.value or b"")
        return digest.digest()


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


@dataclass(frozen=True)
class GraphFacts:
    """What has to be known of a graph to tell whether anything is due at a head."""

    channels: frozenset[str]
    triggers: Mapping[str, frozenset[str]] = field(default_factory=dict)  # of each node

    @classmethod
    def of(cls, graph: AnyGraph) -> GraphFacts:
        """Read them off a graph."""
        nodes = {name: frozenset(node.triggers) for name, node in graph.nodes.items()}
        return cls(frozenset(graph.channels), nodes)

    def find_due(self, updated: frozenset[str]) -> frozenset[str]:
        """The nodes that a step has triggered which updated these channels."""
        return frozenset(name for name, own in self.triggers.items() if own & updated)


def config_of(thread_id: ThreadId) -> RunnableConfig:
    """Where a thread's head is read."""
    return {"configurable": {"thread_id": thread_id}}


async def scan(savers: Savers) -> AsyncIterator[list[FoundHead]]:
    """Every thread with its newest root checkpoint, by thread id, page by page."""
    last = ""
    while True:
        rows = await savers.ask(_HEADS, (last, HEADS_PER_PAGE))
        page = [_read_head(ThreadId(key), list(own)) for key, own in groupby(rows, lambda r: r[0])]
        yield [head for head in page if head is not None]
        if len(page) < HEADS_PER_PAGE:
            return
        last = rows[-1][0]


def _read_head(thread_id: ThreadId, rows: list[tuple[Any, ...]]) -> FoundHead | None:
    if rows[0][1] is None:
        return None  # nothing but checkpoints of subgraphs
    writes = [
        Write(row[2], row[3] or "", row[4], row[5], None if row[6] is None else bytes(row[6]))
        for row in rows
        if row[2] is not None
    ]
    return FoundHead(thread_id, CheckpointId(rows[0][1]), tuple(writes))


async def read_details(savers: Savers, heads: Sequence[FoundHead]) -> dict[ThreadId, Detail]:
    """The rows of these heads, all with one question."""
    if not heads:
        return {}
    places = json.dumps([[head.thread_id, head.checkpoint_id] for head in heads])
    return {row[0]: _read_row(row) for row in await savers.ask(_DETAILS, (places,))}


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


def read_plain(
    found: FoundHead, detail: Detail, facts: GraphFacts | None, serde: SerializerProtocol
) -> Head | None:
    """
    The head of a thread where what is stored leaves no doubt; None where its graph must be asked.

    Args:
        found: The head with its writes.
        detail: Its row.
        facts: Of its graph; None if that is unknown, then what is stored has to do.
        serde: Restores what a task asks.
    """
    tasks = _group(found.writes)
    if facts is None:
        return _read_without_graph(detail.raw, tasks, serde)
    if detail.updated is None or SENDS in detail.updated:
        return None
    due = facts.find_due(detail.updated)
    if not tasks:
        return None if due else _make_head(detail.raw, (), ())
    asked = [_read_first(task_id, writes, due, serde) for task_id, writes in tasks.items()]
    first = [each for each in asked if each is not None]
    if len(first) != len(asked) or {each.node for each in first} != due:
        return None
    return _make_head(detail.raw, tuple(first), tuple(each.node for each in first))


def find_asked(found: FoundHead, serde: SerializerProtocol) -> frozenset[str]:
    """The ids of what the tasks of a head ask, nested ones included; nothing if one was answered."""
    tasks = _group(found.writes).values()
    if any(write.channel == RESUME for write in found.writes):
        return frozenset()
    return frozenset(e.id for own in tasks if _is_asking(own) for e in _read_asked(own, serde))


def _read_without_graph(
    raw: RawCheckpoint, tasks: Mapping[str, list[Write]], serde: SerializerProtocol
) -> Head:
    """What is asked as far as it is stored; what else is due there only the graph could tell."""
    asking = {task_id: writes for task_id, writes in tasks.items() if _is_asking(writes)}
    asked = tuple(
        _make_interrupt(each, _name(writes), f"{_name(writes)}:{task_id}")
        for task_id, writes in asking.items()
        for each in _read_asked(writes, serde)
    )
    names = tuple(_name(writes) for writes in asking.values())
    has_failed = any(_has_failed(writes) for writes in tasks.values())
    return _make_head(raw, asked, names, has_failed=has_failed)


def _read_first(
    task_id: str, writes: Sequence[Write], due: frozenset[str], serde: SerializerProtocol
) -> LiveInterrupt | None:
    """The question of a task that asks its first one itself and left nothing else; None for others."""
    if len(writes) != 1 or writes[0].channel != INTERRUPT:
        return None
    asked = _read_asked(writes, serde)
    if len(asked) != 1:
        return None
    for node in due:
        namespace = f"{node}:{task_id}"
        if nth_interrupt_id(namespace, 0) == asked[0].id:
            return _make_interrupt(asked[0], node, namespace)
    return None  # a subgraph of it asks


def _group(writes: Sequence[Write]) -> dict[str, list[Write]]:
    tasks: defaultdict[str, list[Write]] = defaultdict(list)
    for write in writes:
        tasks[write.task_id].append(write)
    return tasks


def _is_asking(writes: Sequence[Write]) -> bool:
    channels = {write.channel for write in writes}
    return INTERRUPT in channels and channels <= CONTROL_CHANNELS and ERROR not in channels


def _has_failed(writes: Sequence[Write]) -> bool:
    channels = {write.channel for write in writes}
    return ERROR in channels and channels <= CONTROL_CHANNELS


def _name(writes: Sequence[Write]) -> str:
    return writes[0].path.removeprefix(PULL) if writes[0].path.startswith(PULL) else ""


def _read_asked(writes: Sequence[Write], serde: SerializerProtocol) -> list[Interrupt]:
    write = next(write for write in writes if write.channel == INTERRUPT)
    try:
        value = serde.loads_typed((write.kind or "", write.value or b""))
    except Exception:  # bytes of another's, of whatever version
        logger.warning("question_not_read", exc_info=True)
        return []
    many = value if isinstance(value, list | tuple) else [value]
    return [each for each in many if isinstance(each, Interrupt)]


def _make_interrupt(asked: Interrupt, node: str, namespace: str) -> LiveInterrupt:
    return LiveInterrupt(
        interrupt_id=asked.id,
        value=projection.to_json(
            asked.value, max_bytes=MAX_PAYLOAD_BYTES, max_media_bytes=MAX_MEDIA_BYTES
        ),
        schema=getattr(asked, "response_schema", None),
        node=node,
        namespace=namespace,
        is_answered=False,
    )


def _make_head(
    raw: RawCheckpoint,
    interrupts: tuple[LiveInterrupt, ...],
    due: tuple[str, ...],
    *,
    has_failed: bool = False,
) -> Head:
    return Head(
        checkpoint_id=raw.checkpoint_id,
        run_id=raw.run_id,
        due=due,
        next=due,
        interrupts=interrupts,
        has_failed=has_failed,
        is_copy=raw.source == "fork",
    )
