"""Reading states that only the project's classes can restore, for a screen that asks for them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from interlock.core.errors import InterlockError
from interlock.core.graphs import failing
from interlock.core.graphs.attached_states import read_plain_snapshot
from interlock.core.graphs.beneath import read_beneath
from interlock.core.graphs.snapshots import read_snapshot
from interlock.core.queue.port import Job
from interlock.core.services import reading
from interlock.core.types import CheckpointId, ThreadId
from interlock.core.worker.carrying import Tools

logger = logging.getLogger(__name__)


async def answer_snapshot(tools: Tools, job: Job) -> None:
    """Read one checkpoint's state and store it as JSON; a failure is the job's result."""

    async def read(workflow: str, thread_id: ThreadId, checkpoint_id: CheckpointId) -> None:
        size = tools.app.settings.max_snapshot_bytes
        if tools.app.settings.attach is not None and workflow not in tools.workshop.graphs:
            plain = await read_plain_snapshot(
                tools.workshop.savers, thread_id, checkpoint_id, max_bytes=size
            )
            await tools.call(reading.store_snapshot, tools.app, job, plain)
            return
        snapshot = await read_snapshot(
            tools.workshop, workflow, thread_id, checkpoint_id, max_bytes=size
        )
        await tools.call(reading.store_snapshot, tools.app, job, snapshot)

    await _answer(tools, job, read)


async def answer_beneath(tools: Tools, job: Job) -> None:
    """Read the subgraphs beneath one checkpoint and hand them over as the job's result."""

    async def read(workflow: str, thread_id: ThreadId, checkpoint_id: CheckpointId) -> None:
        size = tools.app.settings.max_step_bytes
        found = await read_beneath(
            tools.workshop, workflow, thread_id, checkpoint_id, max_bytes=size
        )
        told = [asdict(each) | {"next": list(each.next)} for each in found]
        await tools.call(reading.hand_over, tools.app, job, told)

    await _answer(tools, job, read)


async def _answer(
    tools: Tools, job: Job, read: Callable[[str, ThreadId, CheckpointId], Awaitable[None]]
) -> None:
    thread_id = ThreadId(str(job.payload["thread_id"]))
    checkpoint_id = CheckpointId(str(job.payload["checkpoint_id"]))
    try:
        workflow = await tools.call(reading.workflow_of, tools.app, thread_id)
        await read(workflow, thread_id, checkpoint_id)
    except InterlockError as exc:  # it says by itself what is wrong and what to do
        logger.warning("snapshot_refused", extra={"thread_id": thread_id, "reason": str(exc)})
        await tools.call(reading.fail_job, tools.app, job, failing.message_of(exc))
    except Exception as exc:
        logger.exception("snapshot_failed", extra={"thread_id": thread_id})
        await tools.call(reading.fail_job, tools.app, job, failing.message_of(exc))
