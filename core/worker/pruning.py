"""Deleting a thread on behalf of whoever asked: its checkpoints first, then what we know of it."""

from __future__ import annotations

import logging

from interlock.core.errors import InterlockError
from interlock.core.graphs import failing
from interlock.core.queue.port import Job
from interlock.core.services import pruning, reading
from interlock.core.types import ThreadId
from interlock.core.worker.carrying import Tools

logger = logging.getLogger(__name__)


async def answer_prune(tools: Tools, job: Job) -> None:
    """Delete one thread, if it still may go; a failure is the job's result."""
    try:
        if job.payload["points"] is not None:
            await _delete_points(tools, job)
            return
        found = await tools.call(pruning.begin, tools.app, job)
        if found is None:
            return
        for thread_id in found:
            await tools.workshop.savers.delete_thread(thread_id)
        await tools.call(pruning.finish, tools.app, job)
    except InterlockError as exc:
        logger.warning("thread_not_pruned", extra={"reason": str(exc)})
        await tools.call(reading.fail_job, tools.app, job, failing.message_of(exc))
    except Exception as exc:
        logger.exception("thread_not_pruned")
        await tools.call(reading.fail_job, tools.app, job, failing.message_of(exc))


async def _delete_points(tools: Tools, job: Job) -> None:
    """The same for a thread's older points: it stays, and where it stands."""
    kept = await tools.call(pruning.begin_points, tools.app, job)
    if kept:
        thread_id = ThreadId(str(job.payload["thread_id"]))
        await tools.workshop.savers.delete_points(thread_id, kept)
        await tools.call(pruning.finish_points, tools.app, job, kept)
    elif kept is not None:
        await tools.call(reading.hand_over, tools.app, job, None)
