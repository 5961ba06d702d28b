"""Reading a state that only the project's classes can restore, for a screen that asks for it."""

from __future__ import annotations

import logging
from typing import Any

from langchain_core.runnables import RunnableConfig

from interlock.core.graphs import failing, projection
from interlock.core.graphs.running import parse_time
from interlock.core.model.threads import Snapshot
from interlock.core.queue.port import Job
from interlock.core.services import reading
from interlock.core.types import CheckpointId, ThreadId
from interlock.core.worker.carrying import Tools

logger = logging.getLogger(__name__)


async def answer_snapshot(tools: Tools, job: Job) -> None:
    """Read one checkpoint's state and store it as JSON; a failure is the job's result."""
    thread_id = ThreadId(str(job.payload["thread_id"]))
    checkpoint_id = CheckpointId(str(job.payload["checkpoint_id"]))
    try:
        workflow = await tools.call(reading.workflow_of, tools.app, thread_id)
        config: RunnableConfig = {
            "configurable": {"thread_id": thread_id, "checkpoint_id": checkpoint_id}
        }
        async with tools.workshop.open(workflow, config) as graph:
            state = await graph.aget_state(config)
        snapshot = _snapshot(thread_id, checkpoint_id, state, tools.app.settings.max_snapshot_bytes)
    except Exception as exc:
        logger.exception("snapshot_failed", extra={"thread_id": thread_id})
        await tools.call(reading.fail_snapshot, tools.app, job, failing.message_of(exc))
    else:
        await tools.call(reading.store_snapshot, tools.app, job, snapshot)


def _snapshot(
    thread_id: ThreadId, checkpoint_id: CheckpointId, state: Any, max_bytes: int
) -> Snapshot:
    return Snapshot(
        thread_id=thread_id,
        checkpoint_id=checkpoint_id,
        values=projection.to_json(state.values, max_bytes=max_bytes),
        next=tuple(state.next),
        interrupts=tuple(
            {
                "id": interrupt.id,
                "node": task.name,
                "value": projection.to_json(interrupt.value, max_bytes=max_bytes),
                "response_schema": getattr(interrupt, "response_schema", None),
            }
            for task in state.tasks
            for interrupt in task.interrupts
        ),
        metadata=projection.to_json(dict(state.metadata or {}), max_bytes=max_bytes),
        created_at=parse_time(state.created_at),
    )
