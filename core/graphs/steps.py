"""
One task as the checkpoints keep it: what it was handed, what it wrote.

Nothing of this is recorded while a run is carried out: LangGraph stores a task's writes beside the
checkpoint it started from, and from that checkpoint makes the same task again, its input included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.pregel._algo import PregelTaskWrites, apply_writes, prepare_next_tasks
from langgraph.pregel._checkpoint import achannels_from_checkpoint
from langgraph.types import Interrupt, Send

from interlock.core.graphs import failing, projection
from interlock.core.graphs.checkpoints import CONTROL_CHANNELS, ERROR, INTERRUPT, NULL_TASK_ID
from interlock.core.graphs.places import AnyGraph
from interlock.core.graphs.savers import Savers
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.steps import Handed, Step
from interlock.core.types import CheckpointId, Json, ThreadId

RETURN = "__return__"
SENDS = "__pregel_tasks"
ROOT = "__root__"
BRANCH = "branch:to:"
JOIN = "join:"  # "join:a+b:next": an edge that waits for several
INTERNAL = "__"
EDGES = (INTERNAL, BRANCH, JOIN)  # what a graph keeps beside its state

Writes = Sequence[tuple[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """
    Which task: `namespace` is its own ("team:<task>|writer:<task>"), `step` its superstep as far as it
    is known, `max_bytes` how much is read out of its input, of its output, and of all it asked and sent.
    """

    workflow: str
    thread_id: ThreadId
    task_id: str
    namespace: str
    step: int
    max_bytes: int


@dataclass(frozen=True)
class _Found:
    saved: CheckpointTuple
    handed: Handed
    input: Any
    is_edited: bool = False

    def writes_of(self, task_id: str) -> list[tuple[str, Any]]:
        return [
            (c, v) for written_by, c, v in self.saved.pending_writes or () if written_by == task_id
        ]


async def read_step(workshop: Workshop, wanted: Wanted) -> Step | None:
    """
    Read a task; None if no checkpoint tells of it.

    Raises:
        WorkflowNotLoaded: The project has no such graph, or it cannot be opened.
    """
    config: RunnableConfig = {"configurable": {"thread_id": wanted.thread_id}}
    async with workshop.open(wanted.workflow, config) as graph:
        found = await _find(workshop.savers, graph, wanted)
    return None if found is None else _describe(found, wanted)


async def _find(savers: Savers, graph: AnyGraph, wanted: Wanted) -> _Found | None:
    """
    Look at the checkpoint beside which the task wrote; else at those of its superstep.

    One that runs has written nothing yet, nor has one that was served from a cache.
    """
    written = await savers.find_task(wanted.thread_id, wanted.task_id)
    for namespace, checkpoint_id in written:
        found = await _look(graph, wanted, namespace, checkpoint_id)
        if found is not None:
            return found
    around = wanted.namespace.rpartition("|")[0]
    for namespace in dict.fromkeys((around, _without_tasks(around))):
        for checkpoint_id in await savers.find_step(wanted.thread_id, namespace, wanted.step - 1):
            found = await _look(graph, wanted, namespace, checkpoint_id)
            if found is not None and found.handed is Handed.INPUT:
                return found
    return None


async def _look(
    graph: AnyGraph, wanted: Wanted, namespace: str, checkpoint_id: CheckpointId
) -> _Found | None:
    saver: Any = graph.checkpointer
    place = {
        "thread_id": wanted.thread_id,
        "checkpoint_ns": namespace,
        "checkpoint_id": checkpoint_id,
    }
    saved = await saver.aget_tuple({"configurable": place})
    if saved is None:
        return None
    part = _part_of(graph, namespace)
    if part is None:  # a graph that a function calls is not known from outside
        return _Found(saved, Handed.STATE, _plain(saved.checkpoint["channel_values"]))
    return await _make_again(part, saver, saved, wanted.task_id)


async def _make_again(
    part: AnyGraph, saver: BaseCheckpointSaver[Any], saved: CheckpointTuple, task_id: str
) -> _Found:
    """
    Make the tasks of a checkpoint as LangGraph does before it runs them.

    Source: langgraph 1.2 `Pregel._aprepare_state_snapshot` and `PregelLoop._first`; tests hold it
    against what nodes were handed.
    """
    part._migrate_checkpoint(saved.checkpoint)  # noqa: SLF001
    channels, managed = await achannels_from_checkpoint(
        part.channels, saved.checkpoint, saver=saver, config=saved.config
    )
    edits = [w[1:] for w in saved.pending_writes or () if w[0] == NULL_TASK_ID]
    if edits:
        task = PregelTaskWrites((), "__input__", edits, [])
        apply_writes(saved.checkpoint, channels, [task], None, part.trigger_to_nodes)
    is_edited = any(channel not in CONTROL_CHANNELS for channel, _ in edits)
    step = int(saved.metadata.get("step", -1)) + 1
    tasks = prepare_next_tasks(
        saved.checkpoint,
        saved.pending_writes or [],
        part.nodes,
        channels,
        managed,
        saved.config,
        step,
        step + 2,
        for_execution=True,
        store=part.store,
        checkpointer=saver,
        manager=None,
    )
    if task_id in tasks:
        return _Found(saved, Handed.INPUT, tasks[task_id].input, is_edited)
    values = {
        name: channels[name].get()
        for name in part.stream_channels_list
        if name in channels and channels[name].is_available()
    }
    return _Found(saved, Handed.STATE if values else Handed.NOTHING, values, is_edited)


def _part_of(graph: AnyGraph, namespace: str) -> AnyGraph | None:
    """The graph whose checkpoints stand in this namespace."""
    names = _names(namespace)
    if not names:
        return graph
    inner: dict[str, Any] = dict(graph.get_subgraphs(recurse=True))
    return inner.get("|".join(names))


def _names(namespace: str) -> list[str]:
    parts = [part.rpartition(":")[0] or part for part in namespace.split("|")]
    return [part for part in parts if part and not part.isdigit()]


def _without_tasks(namespace: str) -> str:
    """As a subgraph with a memory of its own has it."""
    return "|".join(_names(namespace))


def _describe(found: _Found, wanted: Wanted) -> Step:
    writes = found.writes_of(wanted.task_id)

    def show(value: Any) -> Json:
        return projection.to_json(value, max_bytes=wanted.max_bytes)

    has_output = any(channel not in CONTROL_CHANNELS for channel, _ in writes)
    sent = [each for channel, value in writes if channel == SENDS for each in _as_sends(value)]
    asked = [i.value for i in _interrupts_of(writes)]
    both = show([*asked, *({"node": send.node, "arg": send.arg} for send in sent)])
    return Step(
        task_id=wanted.task_id,
        handed=found.handed,
        input=show(found.input) if found.handed is not Handed.NOTHING else None,
        has_output=has_output,
        output=show(_output_of(writes)),
        leads_to=tuple(
            channel.rpartition(":")[2]
            for channel, _ in writes
            if channel.startswith((BRANCH, JOIN))
        ),
        sends=tuple(both[len(asked) :]),
        questions=tuple(both[: len(asked)]),
        # The error of a try before it is left beside the result of the one that went well.
        error=None
        if has_output
        else next((failing.clean(str(v)) for channel, v in writes if channel == ERROR), None),
        is_edited=found.is_edited,
    )


def _output_of(writes: Writes) -> Any:
    """What was written, by state field; several values for one field as a list of them."""
    by_name: dict[str, list[Any]] = {}
    for channel, value in writes:
        if channel in (ROOT, RETURN):
            return value
        if channel not in CONTROL_CHANNELS and not channel.startswith(EDGES):
            by_name.setdefault(channel, []).append(value)
    return {name: vs[0] if len(vs) == 1 else vs for name, vs in by_name.items()}


def _interrupts_of(writes: Writes) -> Iterable[Interrupt]:
    for channel, value in writes:
        if channel == INTERRUPT:
            yield from value if isinstance(value, (list, tuple)) else (value,)


def _as_sends(value: Any) -> Iterable[Send]:
    return (v for v in (value if isinstance(value, list) else (value,)) if isinstance(v, Send))


def _plain(values: Any) -> dict[str, Any]:
    return {k: v for k, v in values.items() if not k.startswith(EDGES)}
