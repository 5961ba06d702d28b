"""
What the rows of another application's threads say: where each stands, and what it asks.

Where what is written leaves no doubt what a thread stands before, its graph is not needed.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.types import Interrupt

from interlock.core.graphs import projection
from interlock.core.graphs.attached_rows import Detail, FoundHead, Write
from interlock.core.graphs.checkpoints import CONTROL_CHANNELS, ERROR, INTERRUPT, RawCheckpoint
from interlock.core.graphs.due import PULL
from interlock.core.graphs.heads import (
    MAX_MEDIA_BYTES,
    MAX_PAYLOAD_BYTES,
    nth_interrupt_id,
)
from interlock.core.graphs.places import AnyGraph
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.types import ThreadId

RESUME = "__resume__"
SENDS = "__pregel_tasks"  # the channel of what was sent

logger = logging.getLogger(__name__)


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
