"""Reading the checkpoints of another application's thread into the index, for a history that is opened."""

from __future__ import annotations

import logging

from interlock.core.graphs import failing
from interlock.core.graphs.attaching import config_of
from interlock.core.graphs.workshop import AnyGraph, Workshop
from interlock.core.model.threads import CheckpointEntry
from interlock.core.queue.port import Job
from interlock.core.services import attaching, reading
from interlock.core.types import ThreadId
from interlock.core.worker.carrying import Tools
from interlock.core.worker.indexing import read_entries

logger = logging.getLogger(__name__)


async def answer_index(tools: Tools, job: Job) -> None:
    """Read all checkpoints of a thread into its index; a failure is the job's result."""
    thread_id = ThreadId(str(job.payload["thread_id"]))
    try:
        workflow = await tools.call(reading.workflow_of, tools.app, thread_id)
        entries = await _read_all(tools.workshop, workflow, thread_id)
        await tools.call(attaching.store_index, tools.app, thread_id, entries)
        await tools.call(reading.hand_over, tools.app, job, len(entries))
    except Exception as exc:
        logger.exception("index_failed", extra={"thread_id": thread_id})
        await tools.call(reading.fail_job, tools.app, job, failing.message_of(exc))


async def _read_all(
    workshop: Workshop, workflow: str, thread_id: ThreadId
) -> tuple[CheckpointEntry, ...]:
    async def read(graph: AnyGraph | None) -> tuple[CheckpointEntry, ...]:
        return await read_entries(
            workshop.savers, graph, thread_id, after=None, head=None, step_nodes={}
        )

    if workflow not in workshop.graphs:
        return await read(None)
    async with workshop.open(workflow, config_of(thread_id)) as graph:
        return await read(graph)
