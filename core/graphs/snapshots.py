"""A thread's state at a checkpoint as the screens show it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot

from interlock.core.graphs import projection
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.threads import Snapshot
from interlock.core.types import CheckpointId, Json, ThreadId


async def read_snapshot(
    workshop: Workshop,
    workflow: str,
    thread_id: ThreadId,
    checkpoint_id: CheckpointId,
    *,
    max_bytes: int,
) -> Snapshot:
    """
    Read one checkpoint's state with the project's own classes.

    Raises:
        WorkflowNotLoaded: The project has no such graph, or it cannot be opened.
    """
    config: RunnableConfig = {
        "configurable": {"thread_id": thread_id, "checkpoint_id": checkpoint_id}
    }
    async with workshop.open(workflow, config) as graph:
        state = await graph.aget_state(config)
    interrupts = tuple(
        {
            "id": interrupt.id,
            "node": task.name,
            "value": projection.to_json(interrupt.value, max_bytes=max_bytes),
            "response_schema": getattr(interrupt, "response_schema", None),
        }
        for task in state.tasks
        for interrupt in task.interrupts
    )
    return make_snapshot(thread_id, checkpoint_id, state, interrupts, max_bytes=max_bytes)


def make_snapshot(
    thread_id: ThreadId,
    checkpoint_id: CheckpointId,
    state: StateSnapshot,
    interrupts: tuple[dict[str, Json], ...],
    *,
    max_bytes: int,
) -> Snapshot:
    """Project a state to JSON; values over `max_bytes` are cut and marked."""
    metadata: Any = dict(state.metadata or {})
    return Snapshot(
        thread_id=thread_id,
        checkpoint_id=checkpoint_id,
        values=projection.to_json(state.values, max_bytes=max_bytes),
        next=tuple(state.next),
        interrupts=interrupts,
        metadata=projection.to_json(metadata, max_bytes=max_bytes),
        created_at=parse_time(state.created_at),
    )


def parse_time(value: str | None) -> datetime:
    """Read LangGraph's ISO time; a checkpoint without one is as old as time."""
    if value is None:
        return datetime.fromtimestamp(0, UTC)
    return datetime.fromisoformat(value).astimezone(UTC)
