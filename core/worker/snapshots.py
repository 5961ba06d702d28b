"""Reading a state that only the project's classes can restore, for a screen that asks for it."""

from __future__ import annotations

import logging

from interlock.core.errors import InterlockError
from interlock.core.graphs import failing
from interlock.core.graphs.snapshots import read_snapshot
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
        snapshot = await read_snapshot(
            tools.workshop,
            workflow,
            thread_id,
            checkpoint_id,
            max_bytes=tools.app.settings.max_snapshot_bytes,
        )
    except InterlockError as exc:  # it says by itself what is wrong and what to do
        logger.warning("snapshot_refused", extra={"thread_id": thread_id, "reason": str(exc)})
        await tools.call(reading.fail_job, tools.app, job, failing.message_of(exc))
    except Exception as exc:
        logger.exception("snapshot_failed", extra={"thread_id": thread_id})
        await tools.call(reading.fail_job, tools.app, job, failing.message_of(exc))
    else:
        await tools.call(reading.store_snapshot, tools.app, job, snapshot)
