"""Reading a thread's newest checkpoint: what it asks, what is due, and how far it came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import xxhash
from langchain_core.runnables import RunnableConfig
from langgraph.pregel import Pregel
from langgraph.types import Interrupt, StateSnapshot

from interlock.core.graphs import projection
from interlock.core.graphs.tracking import path_of
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.model.runs import RunOptions
from interlock.core.types import CheckpointId, RunId, ThreadId

EVERY_NODE = "*"
MAX_PAYLOAD_BYTES = 500_000  # JSON of one interrupt's value

CountAnswers = Callable[[ThreadId, CheckpointId], Awaitable[Mapping[str, int]]]


@dataclass(frozen=True)
class Reading:
    """A head, the state it was read from, and the tasks of it that are finished."""

    head: Head
    state: StateSnapshot
    finished_task_ids: frozenset[str]


async def read_head(
    graph: Pregel[Any, Any, Any, Any],
    config: RunnableConfig,
    options: RunOptions,
    count_answers: CountAnswers,
) -> Reading | None:
    """
    Read the head of a thread; None if it has no checkpoint yet.

    Args:
        graph: The prepared graph.
        config: The thread.
        options: The breakpoints of the run.
        count_answers: How many answers each task of a checkpoint has stored.
    """
    state = await graph.aget_state(config)
    checkpoint_id = state.config["configurable"].get("checkpoint_id")
    if checkpoint_id is None:
        return None
    if any(t.interrupts and t.state for t in state.tasks):
        state = await graph.aget_state(config, subgraphs=True)
    interrupts: list[LiveInterrupt] = []
    if any(t.interrupts for t in state.tasks):
        thread_id = ThreadId(config["configurable"]["thread_id"])
        answers = await count_answers(thread_id, CheckpointId(checkpoint_id))
        interrupts = _read_interrupts(state, answers)
    open_ids = {i.interrupt_id for i in interrupts if not i.is_answered}
    untouched = [t for t in state.tasks if t.result is None and not t.interrupts and not t.error]
    has_failed = any(t.error is not None and not _asks(t.interrupts, open_ids) for t in state.tasks)
    metadata = state.metadata or {}
    head = Head(
        checkpoint_id=CheckpointId(checkpoint_id),
        run_id=_run_id(metadata),
        source=str(metadata.get("source", "")),
        next=tuple(state.next),
        interrupts=tuple(interrupts),
        has_failed=has_failed,
        has_unfinished=bool(untouched) and bool(state.next),
    )
    if len(untouched) == len(state.tasks) and state.next:
        head = replace(head, is_at_breakpoint=await _is_at_breakpoint(graph, state, options))
    finished = frozenset(t.id for t in state.tasks if t.result is not None)
    return Reading(head, state, finished)


def _run_id(metadata: Any) -> RunId | None:
    value = metadata.get("run_id")
    return RunId(value) if isinstance(value, str) else None


def _asks(interrupts: Collection[Interrupt], open_ids: Collection[str]) -> bool:
    return any(i.id in open_ids for i in interrupts)


async def _is_at_breakpoint(
    graph: Pregel[Any, Any, Any, Any], state: StateSnapshot, options: RunOptions
) -> bool:
    before = {*options.break_before, *_names(graph.interrupt_before_nodes)}
    if before & {*state.next, EVERY_NODE}:
        return True
    after = {*options.break_after, *_names(graph.interrupt_after_nodes)}
    if not after or state.parent_config is None:
        return False
    parent = await graph.aget_state(state.parent_config)
    return bool(after & {*parent.next, EVERY_NODE}) and bool(parent.next)


def _names(nodes: Any) -> Collection[str]:
    return (nodes,) if isinstance(nodes, str) else tuple(nodes)


def _read_interrupts(state: StateSnapshot, answers: Mapping[str, int]) -> list[LiveInterrupt]:
    """
    List the questions of a state with the innermost task that asks each.

    LangGraph names the n-th question of a task by its namespace and n, and keeps the task's
    answers in one list; a question is open only while it is the next one to be answered.
    """
    found: dict[str, LiveInterrupt] = {}
    for namespace, interrupt in _walk(state, ""):
        count = answers.get(namespace.rpartition(":")[2], 0)
        asking = LiveInterrupt(
            interrupt_id=interrupt.id,
            value=projection.to_json(interrupt.value, max_bytes=MAX_PAYLOAD_BYTES),
            schema=getattr(interrupt, "response_schema", None),
            node=path_of(namespace),
            namespace=namespace,
            is_answered=interrupt.id in {nth_interrupt_id(namespace, n) for n in range(count)},
        )
        known = found.get(interrupt.id)
        if known is None or len(namespace) > len(known.namespace):
            found[interrupt.id] = asking
    return list(found.values())


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
