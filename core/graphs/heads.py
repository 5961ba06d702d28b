"""Reading a thread's newest checkpoint: what it asks, what is due, and how far it came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import xxhash
from langchain_core.runnables import RunnableConfig
from langgraph.channels import BinaryOperatorAggregate, LastValue
from langgraph.types import Interrupt, StateSnapshot

from interlock.core.graphs import projection
from interlock.core.graphs.checkpoints import CONTROL_CHANNELS, NULL_TASK_ID, NamesChannels
from interlock.core.graphs.handlers import put_handlers, routes_errors
from interlock.core.graphs.namespaces import path_of
from interlock.core.graphs.places import (
    AnyGraph,
    Place,
    find_places,
    is_at_breakpoint,
    is_at_inner_breakpoint,
    may_be_inside,
    name_next,
    names_of,
    run_id_of,
)
from interlock.core.graphs.tasks import has_failed, is_finished, is_touched
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.model.runs import RunOptions
from interlock.core.types import CheckpointId, ThreadId

_STORED_AS_SEEN = frozenset({LastValue, BinaryOperatorAggregate})  # not untracked, not deltas
MAX_PAYLOAD_BYTES = 500_000  # JSON of one interrupt's value
MAX_MEDIA_BYTES = 7_000_000  # base64 of the 5 MB of pictures and files that a card shows

CountAnswers = Callable[[ThreadId, CheckpointId], Awaitable[Mapping[str, int]]]


@dataclass(frozen=True)
class Reading:
    """A head and the state it was read from; `places` are the subgraphs the thread stands in."""

    head: Head
    state: StateSnapshot
    places: tuple[Place, ...] = ()


async def read_head(
    graph: AnyGraph,
    config: RunnableConfig,
    options: RunOptions,
    count_answers: CountAnswers,
    *,
    askers: Collection[str] = (),
) -> Reading | None:
    """
    Read the head of a thread; None if it has no checkpoint yet.

    Args:
        graph: The prepared graph.
        config: The thread.
        options: The breakpoints of the run.
        count_answers: How many answers each task of a checkpoint has stored.
        askers: Namespaces of tasks that asked before. A task called by a function is not part of
            LangGraph's state, so only who saw it ask knows it.
    """
    state = await graph.aget_state(config)
    checkpoint_id = state.config["configurable"].get("checkpoint_id")
    if checkpoint_id is None:
        return None
    if any(t.interrupts and t.state for t in state.tasks):
        state = await graph.aget_state(config, subgraphs=True)
    failed = state
    if routes_errors(graph) and any(has_failed(t) for t in state.tasks):
        state = put_handlers(graph, state, await _read_writes(graph, state))
    interrupts: list[LiveInterrupt] = []
    if any(t.interrupts for t in state.tasks):
        thread_id = ThreadId(config["configurable"]["thread_id"])
        answers = await count_answers(thread_id, CheckpointId(checkpoint_id))
        interrupts = _read_interrupts(state, answers, askers)
    head = _read_tasks(state, tuple(interrupts))
    if state is not failed:
        head = replace(head, is_untouched=False)
    if head.interrupts or head.has_failed or not head.due:
        return Reading(head, state)
    if state is failed and may_be_inside(state):
        whole = await graph.aget_state(config, subgraphs=True)
        if places := find_places(whole):
            return await _read_inside(graph, Reading(head, whole, places))
    if head.is_untouched:
        before = {*options.break_before, *names_of(graph.interrupt_before_nodes)}
        after = {*options.break_after, *names_of(graph.interrupt_after_nodes)}
        is_held = await is_at_breakpoint(graph, state, before=before, after=after)
        head = replace(head, is_at_breakpoint=is_held, next=name_next(state, ()))
    return Reading(head, state)


def read_end(graph: AnyGraph, thread_id: ThreadId, values: Any) -> Reading | None:
    """
    The head of a thread whose graph has just run to its end, told without asking the database.

    Args:
        graph: The prepared graph; its saver knows what it stored.
        thread_id: The thread.
        values: The state at the end, as the graph gave it out.

    Returns:
        None if the saver stored nothing, or something of another thread since, or if the graph has
        channels whose value is not what is stored.
    """
    if not all(
        type(graph.channels[name]) in _STORED_AS_SEEN for name in graph.stream_channels_list
    ):
        return None
    saver: Any = graph.checkpointer
    put = saver.puts.find_newest(thread_id) if isinstance(saver, NamesChannels) else None
    stored = saver.as_stored(values) if isinstance(saver, NamesChannels) else None
    if put is None or stored is None:
        return None
    state = StateSnapshot(
        values=stored,
        next=(),
        config=put.config,
        metadata=put.metadata,
        created_at=put.timestamp,
        parent_config=put.parent_config,
        tasks=(),
        interrupts=(),
    )
    return Reading(_read_tasks(state, ()), state)


async def _read_inside(graph: AnyGraph, reading: Reading) -> Reading:
    """The head of a thread that stands inside subgraphs: what counts is how far those came."""
    places = reading.places
    head = replace(
        reading.head,
        next=name_next(reading.state, places),
        is_untouched=all(place.is_untouched for place in places),
        is_at_breakpoint=await is_at_inner_breakpoint(graph, places),
        inner_ids=frozenset(place.checkpoint_id for place in places),
        inner_run_ids=frozenset(place.run_id for place in places if place.run_id is not None),
    )
    return replace(reading, head=head)


def _read_tasks(state: StateSnapshot, interrupts: tuple[LiveInterrupt, ...]) -> Head:
    open_ids = {i.interrupt_id for i in interrupts if not i.is_answered}
    running = [t for t in state.tasks if not is_finished(t, state)]
    silent = [t for t in running if not any(i.id in open_ids for i in t.interrupts)]
    failed = [t for t in silent if has_failed(t)]
    source = (state.metadata or {}).get("source")
    return Head(
        checkpoint_id=CheckpointId(state.config["configurable"]["checkpoint_id"]),
        run_id=run_id_of(state),
        due=tuple(t.name for t in state.tasks),
        next=tuple(state.next),
        interrupts=interrupts,
        has_failed=bool(failed),
        has_unfinished=len(silent) > len(failed),
        is_untouched=not any(is_touched(t, state) for t in state.tasks),
        is_copy=source == "fork",
        is_update=source == "update",
    )


def _read_interrupts(
    state: StateSnapshot, answers: Mapping[str, int], askers: Collection[str]
) -> list[LiveInterrupt]:
    """
    List the questions of a state with the innermost task that asks each.

    LangGraph names the n-th question of a task by its namespace and n, and keeps the task's
    answers in one list; a question is open only while it is the next one to be answered.
    """
    found: dict[str, LiveInterrupt] = {}
    for walked, interrupt in _walk(state, ""):
        namespace = _find_asker(interrupt.id, walked, askers, answers)
        count = _count_answers(namespace, answers)
        asking = LiveInterrupt(
            interrupt_id=interrupt.id,
            value=projection.to_json(
                interrupt.value, max_bytes=MAX_PAYLOAD_BYTES, max_media_bytes=MAX_MEDIA_BYTES
            ),
            schema=getattr(interrupt, "response_schema", None),
            node=path_of(namespace),
            namespace=namespace,
            is_answered=_has_asked(namespace, interrupt.id, range(count)),
        )
        known = found.get(interrupt.id)
        if known is None or len(namespace) > len(known.namespace):
            found[interrupt.id] = asking
    return list(found.values())


def _find_asker(
    interrupt_id: str, walked: str, askers: Collection[str], answers: Mapping[str, int]
) -> str:
    """The namespace whose next or last question this is: where it was found, or one inside."""
    for namespace in askers:
        count = _count_answers(namespace, answers)
        if namespace.startswith(walked + "|") and _has_asked(
            namespace, interrupt_id, range(count + 1)
        ):
            return namespace
    return walked


def _count_answers(namespace: str, answers: Mapping[str, int]) -> int:
    return answers.get(namespace.rpartition(":")[2], 0)


def _has_asked(namespace: str, interrupt_id: str, numbers: range) -> bool:
    return any(nth_interrupt_id(namespace, n) == interrupt_id for n in numbers)


def _walk(state: StateSnapshot, parent: str) -> Iterator[tuple[str, Interrupt]]:
    for task in state.tasks:
        namespace = "|".join(part for part in (parent, f"{task.name}:{task.id}") if part)
        for interrupt in task.interrupts:
            yield namespace, interrupt
        if isinstance(task.state, StateSnapshot):
            yield from _walk(task.state, namespace)


def nth_interrupt_id(namespace: str, answered: int) -> str:
    """
    The id LangGraph gives to a task's question after `answered` answers.

    Source: langgraph 1.2 `types.interrupt`; a test holds it against the library.
    """
    name = f"{namespace}|{answered}" if answered else namespace
    return xxhash.xxh3_128_hexdigest(name.encode())


async def read_finished(graph: AnyGraph, reading: Reading) -> frozenset[str]:
    """
    Ids of the head's tasks whose results are stored, nested and called ones included.

    Their results are used again when the graph goes on, which looks like a cache but is none.
    """
    written = {
        task_id
        for task_id, channel, _ in await _read_writes(graph, reading.state)
        if channel not in CONTROL_CHANNELS
    }
    return frozenset(written | set(_walk_finished(reading.state)))


async def has_own_update(graph: AnyGraph, reading: Reading) -> bool:
    """Whether an update without a task, as an edit at a breakpoint writes, is stored at the head."""
    return bool(await read_own_update(graph, reading.state.config))


async def read_own_update(graph: AnyGraph, config: RunnableConfig) -> dict[str, Any]:
    """The update without a task that is stored at a checkpoint, by channel."""
    saver: Any = graph.checkpointer
    saved = await saver.aget_tuple(config)
    writes = (saved.pending_writes or ()) if saved is not None else ()
    return {channel: value for task_id, channel, value in writes if task_id == NULL_TASK_ID}


async def _read_writes(graph: AnyGraph, state: StateSnapshot) -> list[tuple[str, str, Any]]:
    saver: Any = graph.checkpointer
    saved = await saver.aget_tuple(state.config)
    return list(saved.pending_writes or ()) if saved is not None else []


def _walk_finished(state: StateSnapshot) -> Iterator[str]:
    for task in state.tasks:
        if is_finished(task, state):
            yield task.id
        if isinstance(task.state, StateSnapshot):
            yield from _walk_finished(task.state)
