"""Bringing a thread's checkpoint index level from the checkpoint database (law 4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from interlock.core.graphs.checkpoints import NamesChannels, RawCheckpoint
from interlock.core.graphs.due import find_due
from interlock.core.graphs.savers import Savers
from interlock.core.graphs.workshop import AnyGraph
from interlock.core.model.delivery import Head
from interlock.core.model.threads import CheckpointEntry
from interlock.core.types import CheckpointId, RunId, ThreadId

PAGE = 1000  # checkpoints read in one query
LOOP = "loop"  # LangGraph's source of a checkpoint that nodes led to
START = "__start__"  # the node that takes an input in; the functional API has none
MAX_ASKED = 1000  # checkpoints whose `next` is asked of the graph, at 2 to 20 ms each


async def read_entries(
    savers: Savers,
    graph: AnyGraph | None,
    thread_id: ThreadId,
    *,
    after: CheckpointId | None,
    head: Head | None,
    step_nodes: Mapping[int, Sequence[str]],
    known: Sequence[RawCheckpoint] | None = None,
) -> tuple[CheckpointEntry, ...]:
    """
    Read the checkpoints that the index does not hold, oldest first.

    Args:
        savers: The checkpoint database.
        graph: Asked for what was due where neither anybody saw it nor the tasks' own writes tell it;
            None leaves it empty.
        thread_id: The thread.
        after: The newest checkpoint the index holds.
        head: The thread's head, of which is known what is due.
        step_nodes: The nodes that the run which just ended ran, by step.
        known: All checkpoints of the thread after `after`, where they need not be read.
    """
    raws = known if known is not None else await read_raws(savers, thread_id, after)
    told = {raw.checkpoint_id: _tell_due(raw, graph, head, step_nodes) for raw in raws}
    unseen = [raw for raw in raws if not told[raw.checkpoint_id]]
    left = {raw.parent_id for raw in raws if raw.source == LOOP}  # all that was due there has run
    written = await find_due(savers, thread_id, [r for r in unseen if r.checkpoint_id in left])
    order = {name: place for place, name in enumerate(graph.nodes)} if graph is not None else {}
    asked = 0
    entries: list[CheckpointEntry] = []
    for raw in raws:
        due = told[raw.checkpoint_id]
        is_head = head is not None and raw.checkpoint_id == head.checkpoint_id
        if not due and raw.checkpoint_id in written:
            due = tuple(sorted(written[raw.checkpoint_id], key=lambda n: (order.get(n, 0), n)))
        elif not due and not is_head and graph is not None and asked < MAX_ASKED:
            asked += 1
            due = await _ask_next(graph, thread_id, raw.checkpoint_id)
        entries.append(make_entry(thread_id, raw, due))
    return tuple(entries)


async def has_own(
    savers: Savers,
    thread_id: ThreadId,
    run_ids: Collection[RunId],
    *,
    after: CheckpointId | None,
) -> bool:
    """Whether one of these runs stored a checkpoint of a thread after this one."""
    raws = await read_raws(savers, thread_id, after)
    return any(raw.run_id in run_ids for raw in raws)


def _tell_due(
    raw: RawCheckpoint,
    graph: AnyGraph | None,
    head: Head | None,
    step_nodes: Mapping[int, Sequence[str]],
) -> tuple[str, ...]:
    """What was due, where somebody saw it or it needs no looking up."""
    if head is not None and raw.checkpoint_id == head.checkpoint_id:
        return head.due
    if seen := tuple(step_nodes.get(raw.step + 1, ())):
        return seen
    begins = raw.source == "input" and graph is not None and START in graph.nodes
    return (START,) if begins else ()


async def find_newest(
    savers: Savers, thread_id: ThreadId, *, after: CheckpointId | None
) -> CheckpointId | None:
    """The thread's newest checkpoint, told without its graph; `after` if there is none since."""
    raws = await read_raws(savers, thread_id, after)
    return raws[-1].checkpoint_id if raws else after


async def read_raws(
    savers: Savers, thread_id: ThreadId, after: CheckpointId | None
) -> list[RawCheckpoint]:
    """All checkpoints of a thread after one, oldest first."""
    raws: list[RawCheckpoint] = []
    while page := await savers.entries(thread_id, after, PAGE):
        raws += page
        after = page[-1].checkpoint_id
        if len(page) < PAGE:
            break
    return raws


async def _ask_next(
    graph: AnyGraph, thread_id: ThreadId, checkpoint_id: CheckpointId
) -> tuple[str, ...]:
    config = {"configurable": {"thread_id": thread_id, "checkpoint_id": checkpoint_id}}
    return tuple(t.name for t in (await graph.aget_state(config)).tasks)  # type: ignore[arg-type]


def make_entry(thread_id: ThreadId, raw: RawCheckpoint, due: tuple[str, ...]) -> CheckpointEntry:
    """The entry of a checkpoint after which these nodes were due; its branch is found later."""
    return CheckpointEntry(
        thread_id=thread_id,
        checkpoint_id=raw.checkpoint_id,
        parent_id=raw.parent_id,
        step=raw.step,
        source=raw.source,
        next=due,
        run_id=raw.run_id,
        created_at=raw.created_at,
        size_bytes=raw.size_bytes,
        branch=0,
    )


def list_own(graph: AnyGraph, thread_id: ThreadId) -> list[RawCheckpoint] | None:
    """The thread's checkpoints, if this run's saver stored all of them and noted all about them."""
    saver: Any = graph.checkpointer
    return saver.puts.list_all(thread_id) if isinstance(saver, NamesChannels) else None
