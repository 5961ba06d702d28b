"""The states of the subgraphs beneath a checkpoint, as the screens show them."""

from __future__ import annotations

from collections.abc import Iterator

from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot

from interlock.core.graphs import projection
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.history import Inner
from interlock.core.types import CheckpointId, ThreadId


async def read_beneath(
    workshop: Workshop,
    workflow: str,
    thread_id: ThreadId,
    checkpoint_id: CheckpointId,
    *,
    max_bytes: int,
) -> tuple[Inner, ...]:
    """
    Read the subgraphs of the tasks that are due after a checkpoint, the outer before the inner.

    Of a task that has ended since it is the state that its subgraph came to.

    Raises:
        WorkflowNotLoaded: The project has no such graph, or it cannot be opened.
    """
    config: RunnableConfig = {
        "configurable": {"thread_id": thread_id, "checkpoint_id": checkpoint_id}
    }
    async with workshop.open(workflow, config) as graph:
        state = await graph.aget_state(config, subgraphs=True)
    return tuple(_walk(state, (), max_bytes))


def _walk(state: StateSnapshot, within: tuple[str, ...], max_bytes: int) -> Iterator[Inner]:
    for task in state.tasks:
        inner = task.state
        if not isinstance(inner, StateSnapshot) or inner.created_at is None:
            continue
        path = (*within, task.name)
        place = inner.config["configurable"]
        yield Inner(
            path="/".join(path),
            namespace=str(place.get("checkpoint_ns", "")),
            checkpoint_id=CheckpointId(place["checkpoint_id"]),
            step=int((inner.metadata or {}).get("step", -1)),
            next=tuple(inner.next),
            values=projection.to_json(inner.values, max_bytes=max_bytes),
        )
        yield from _walk(inner, path, max_bytes)
