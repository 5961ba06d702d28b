"""
Leaving out the tasks of a node that failed, and only those.

`update_state` would do it with a checkpoint of its own, which drops what finished beside them, the
answers that were given and the questions that wait. So a task that is left out is stored as one that
ended with nothing: the graph goes on from there as after any other failure.
"""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableSequence
from langgraph.pregel._algo import task_path_str
from langgraph.types import PregelTask, StateSnapshot

from interlock.core.graphs.places import AnyGraph
from interlock.core.graphs.tasks import has_failed, is_finished

NO_WRITES = "__no_writes__"  # LangGraph's; a test holds them against the library
SEND = "__pregel_send"  # keys of a config's `configurable`
READ = "__pregel_read"


async def skip_failed(graph: AnyGraph, config: RunnableConfig, path: str) -> None:
    """
    Store the failed tasks of one node as ended; done twice, it does nothing more.

    Args:
        graph: The graph.
        config: The thread.
        path: The node, "team/writer" inside a subgraph.
    """
    state = await graph.aget_state(config, subgraphs=True)
    await _skip(graph, state, path, ())


async def _skip(graph: AnyGraph, state: StateSnapshot, path: str, within: tuple[str, ...]) -> None:
    for task in _failed_of(state, path, within):
        writes = await _end_with_nothing(_find_part(graph, within), state, task)
        saver: Any = graph.checkpointer
        await saver.aput_writes(state.config, writes, task.id, task_path_str(task.path))
    for task in state.tasks:
        name = "/".join((*within, task.name))
        inner = task.state
        if path.startswith(f"{name}/") and isinstance(inner, StateSnapshot):
            await _skip(graph, inner, path, (*within, task.name))


def find_failed_ids(state: StateSnapshot, path: str, within: tuple[str, ...] = ()) -> set[str]:
    """Ids of the failed tasks of one node, in a state that was read with its subgraphs."""
    found = {task.id for task in _failed_of(state, path, within)}
    for task in state.tasks:
        is_around = path.startswith("/".join((*within, task.name)) + "/")
        if is_around and isinstance(task.state, StateSnapshot):
            found |= find_failed_ids(task.state, path, (*within, task.name))
    return found


def _failed_of(state: StateSnapshot, path: str, within: tuple[str, ...]) -> list[PregelTask]:
    named = [
        task
        for task in state.tasks
        if "/".join((*within, task.name)) == path and not is_finished(task, state)
    ]
    failed = [task for task in named if has_failed(task)]
    # An error beside the nodes, as of a result that cannot be stored, leaves no trace in a task.
    return failed or [task for task in named if not task.interrupts]


def _find_part(graph: AnyGraph, within: tuple[str, ...]) -> Any:
    return dict(graph.get_subgraphs(recurse=True))["|".join(within)] if within else graph


async def _end_with_nothing(
    part: Any, state: StateSnapshot, task: PregelTask
) -> list[tuple[str, Any]]:
    """What a task writes that returns None: nothing but what its edges lead to."""
    writers = part.nodes[task.name].flat_writers
    writes: list[tuple[str, Any]] = []
    if writers:
        to_run = RunnableSequence(*writers) if len(writers) > 1 else writers[0]
        reads = {SEND: writes.extend, READ: _reader(state.values)}
        await to_run.ainvoke(None, {"configurable": reads})
    return writes or [(NO_WRITES, None)]


def _reader(values: Any) -> Any:
    """Reads the state for the edges that choose, as it is shown to who decided."""

    def read(select: str | list[str], fresh: object = None) -> Any:  # noqa: ARG001  LangGraph's
        if isinstance(select, str):
            return values.get(select) if isinstance(values, dict) else values
        return {key: values[key] for key in select if key in values}

    return read
