"""
LangGraph's error handlers: nodes that take over from one that failed, within its superstep.

LangGraph leaves their tasks out of a thread's state, so they are put in here from what is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xxhash
from langgraph.pregel import Pregel
from langgraph.types import PregelTask, StateSnapshot

from interlock.core.graphs.checkpoints import CONTROL_CHANNELS, ERROR, ERROR_SOURCE, INTERRUPT
from interlock.core.model.nodes import DEFAULT_ERROR_HANDLER, ERROR_HANDLER

HANDLED = "handled_error"

Writes = Sequence[tuple[str, str, Any]]


def is_handler(node: str) -> bool:
    """Whether LangGraph gave this name to an error handler."""
    return node.startswith(ERROR_HANDLER) or node == DEFAULT_ERROR_HANDLER


def routes_errors(graph: Pregel[Any, Any, Any, Any]) -> bool:
    """Whether a node of this graph has an error handler."""
    return bool(graph.node_error_handler_map)


def put_handlers(
    graph: Pregel[Any, Any, Any, Any], state: StateSnapshot, writes: Writes
) -> StateSnapshot:
    """
    Put the tasks of handlers that were called into the tasks that failed, as a subgraph's would be.

    Args:
        graph: The graph.
        state: Its newest state.
        writes: What is stored with that state's checkpoint.

    Returns:
        The same object if no handler was called.
    """
    routed = {task_id for task_id, channel, _ in writes if channel == ERROR_SOURCE}
    if not routed:
        return state
    names = graph.node_error_handler_map
    tasks = tuple(
        _hand_over(task, _make_task(names[task.name], task, state, writes), state)
        if task.id in routed and task.name in names
        else task
        for task in state.tasks
    )
    return state._replace(tasks=tasks, interrupts=tuple(i for t in tasks for i in t.interrupts))


def find_handled(task: PregelTask) -> str | None:
    """The error of a task whose handler was called; None if none was."""
    metadata: Any = task.state.metadata if isinstance(task.state, StateSnapshot) else None
    return (metadata or {}).get(HANDLED)


def _hand_over(failed: PregelTask, handler: PregelTask, state: StateSnapshot) -> PregelTask:
    """From here on the failed task stands where its handler does."""
    told: Any = {HANDLED: str(failed.error)}
    inner = state._replace(
        values={},
        next=(handler.name,),
        metadata=told,
        tasks=(handler,),
        interrupts=handler.interrupts,
    )
    return failed._replace(
        error=handler.error, interrupts=handler.interrupts, result=handler.result, state=inner
    )


def _make_task(name: str, failed: PregelTask, state: StateSnapshot, writes: Writes) -> PregelTask:
    task_id = _task_id(name, failed, state)
    own = [(channel, value) for written_by, channel, value in writes if written_by == task_id]
    is_finished = any(channel not in CONTROL_CHANNELS for channel, _ in own)
    return PregelTask(
        id=task_id,
        name=name,
        path=failed.path,
        error=next((value for channel, value in own if channel == ERROR), None),
        interrupts=tuple(i for channel, value in own if channel == INTERRUPT for i in value),
        result={} if is_finished else None,
    )


def _task_id(name: str, failed: PregelTask, state: StateSnapshot) -> str:
    """
    The id LangGraph gives to the task of a handler at the root of a graph.

    Source: langgraph 1.2 `prepare_node_error_handler_task`; a test holds it against the library.
    """
    checkpoint_id = bytes.fromhex(state.config["configurable"]["checkpoint_id"].replace("-", ""))
    metadata: Any = state.metadata or {}
    step = str(int(metadata.get("step", -1)) + 1)
    namespace = f"{failed.name}:{failed.id}|{name}"
    parts = (namespace, step, name, "__pregel_push", "node_error_handler", failed.id)
    digest = xxhash.xxh3_128_hexdigest(checkpoint_id + "".join(parts).encode())
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
