"""What a thread's checkpoints tell of the nodes that ran: for records that were lost with a worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from langgraph.types import PregelTask, StateSnapshot

from interlock.core.graphs import failing
from interlock.core.graphs.handlers import find_handled
from interlock.core.graphs.places import AnyGraph
from interlock.core.graphs.snapshots import parse_time
from interlock.core.graphs.tasks import has_failed, is_finished
from interlock.core.model.nodes import NodeStatus
from interlock.core.types import CheckpointId, ThreadId


@dataclass(frozen=True, kw_only=True)
class Trace:
    """How a task of a checkpoint ended. `at` is when it was due; how long it took is not kept."""

    task_id: str
    node: str
    step: int
    status: NodeStatus
    at: datetime
    error: str | None = None


async def read_traces(
    graph: AnyGraph, thread_id: ThreadId, checkpoint_id: CheckpointId
) -> list[Trace]:
    """Read the traces that the tasks of a checkpoint left; of those that left none, none."""
    config: Any = {"configurable": {"thread_id": thread_id, "checkpoint_id": checkpoint_id}}
    return traces_of(await graph.aget_state(config))


def traces_of(state: StateSnapshot) -> list[Trace]:
    """The same, of a state that was read."""
    step = int((state.metadata or {}).get("step", -1)) + 1
    found: list[Trace] = []
    for task in state.tasks:
        status = _status_of(task, state)
        if status is not None:
            found.append(
                Trace(
                    task_id=task.id,
                    node=task.name,
                    step=step,
                    status=status,
                    at=parse_time(state.created_at),
                    error=_error_of(task) if status is NodeStatus.ERROR else None,
                )
            )
    return found


def _error_of(task: PregelTask) -> str:
    return failing.clean(find_handled(task) or str(task.error))


def _status_of(task: PregelTask, state: StateSnapshot) -> NodeStatus | None:
    if find_handled(task) is not None:
        return NodeStatus.ERROR
    if is_finished(task, state):
        return NodeStatus.OK
    if has_failed(task):
        return NodeStatus.ERROR
    return NodeStatus.INTERRUPTED if task.interrupts else None
