"""What a thread's checkpoints tell of the nodes that ran: for records that were lost with a worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from langgraph.types import PregelTask, StateSnapshot

from interlock.core.graphs import failing
from interlock.core.graphs.checkpoints import Question, Savers, read_time
from interlock.core.graphs.due import name_due
from interlock.core.graphs.handlers import find_handled
from interlock.core.graphs.namespaces import join
from interlock.core.graphs.places import AnyGraph
from interlock.core.graphs.snapshots import parse_time
from interlock.core.graphs.tasks import has_failed, is_finished
from interlock.core.model.nodes import NodeStatus
from interlock.core.types import CheckpointId, RunId, ThreadId


@dataclass(frozen=True, kw_only=True)
class Trace:
    """
    How a task of a checkpoint ended. `at` is when it was due; how long it took is not kept.

    `within`: the namespace of the subgraph it is a task of.
    """

    task_id: str
    node: str
    step: int
    status: NodeStatus
    at: datetime
    error: str | None = None
    within: str = ""

    @property
    def namespace(self) -> str:
        """LangGraph's namespace of the task."""
        return join(self.within, f"{self.node}:{self.task_id}")


MOST_INNER = 1000  # of one run

_ENDED = "w.channel NOT IN ('__interrupt__', '__resume__', '__error__', '__error_source_node__')"
_JOINED = """
ON w.thread_id = c.thread_id AND w.checkpoint_ns = c.checkpoint_ns
AND w.checkpoint_id = c.parent_checkpoint_id
"""
# What the tasks before an inner checkpoint of a run wrote: it follows when all of them have ended.
_INNER = Question(
    sqlite=f"""
SELECT DISTINCT w.checkpoint_ns, w.checkpoint_id, w.task_id, w.task_path,
    json_extract(CAST(c.metadata AS TEXT), '$.step')
FROM checkpoints c JOIN writes w {_JOINED}
WHERE c.thread_id = ? AND c.checkpoint_ns <> ''
AND json_extract(CAST(c.metadata AS TEXT), '$.run_id') = ? AND {_ENDED}
ORDER BY w.checkpoint_id DESC, w.task_id LIMIT ?
""",
    postgres=f"""
SELECT DISTINCT w.checkpoint_ns, w.checkpoint_id, w.task_id, w.task_path,
    (c.metadata ->> 'step')::int
FROM checkpoints c JOIN checkpoint_writes w {_JOINED}
WHERE c.thread_id = %s AND c.checkpoint_ns <> ''
AND c.metadata ->> 'run_id' = %s AND {_ENDED}
ORDER BY w.checkpoint_id DESC, w.task_id LIMIT %s
""",
)


async def read_inner_traces(savers: Savers, thread_id: ThreadId, run_id: RunId) -> list[Trace]:
    """
    Read the traces of what ended within subgraphs, as far as a run's checkpoints say that it did.

    Of what was sent to (`Send`) and of functions the database does not have the name.
    """
    rows = await savers.ask(_INNER, (thread_id, run_id, MOST_INNER))
    return [
        Trace(
            task_id=task_id,
            node=node,
            step=int(step),
            status=NodeStatus.OK,
            at=at,
            within=namespace,
        )
        for namespace, checkpoint_id, task_id, path, step in rows
        for node in name_due([path])
        if (at := read_time(checkpoint_id)) is not None
    ]


async def read_head_traces(
    graph: AnyGraph, thread_id: ThreadId, state: StateSnapshot
) -> list[Trace]:
    """Read the traces at the head of a thread, given its state, and in the subgraphs it stands in."""
    if any(task.state is not None for task in state.tasks):
        config: Any = {"configurable": {"thread_id": thread_id}}
        state = await graph.aget_state(config, subgraphs=True)
    return traces_of(state)


async def read_traces(
    graph: AnyGraph, thread_id: ThreadId, checkpoint_id: CheckpointId
) -> list[Trace]:
    """Read the traces that the tasks of a checkpoint left; of those that left none, none."""
    config: Any = {"configurable": {"thread_id": thread_id, "checkpoint_id": checkpoint_id}}
    return traces_of(await graph.aget_state(config))


def traces_of(state: StateSnapshot, within: str = "") -> list[Trace]:
    """The same, of a state that was read, and of the subgraphs that were read with it."""
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
                    within=within,
                )
            )
        if isinstance(task.state, StateSnapshot):
            found += traces_of(task.state, join(within, f"{task.name}:{task.id}"))
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
