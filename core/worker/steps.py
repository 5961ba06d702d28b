"""Reading what one task of a run was handed and gave out, for a screen that asks for it."""

from __future__ import annotations

import logging

from interlock.core.errors import InterlockError, NotFound
from interlock.core.graphs import failing
from interlock.core.graphs.steps import Wanted, read_step
from interlock.core.queue.port import Job
from interlock.core.services import reading
from interlock.core.types import ThreadId
from interlock.core.worker.carrying import Tools

logger = logging.getLogger(__name__)


async def answer_step(tools: Tools, job: Job) -> None:
    """Read one task and hand it over as the job's result; so is the reason of a failure."""
    wanted = Wanted(
        workflow=str(job.payload["workflow"]),
        thread_id=ThreadId(str(job.payload["thread_id"])),
        task_id=str(job.payload["task_id"]),
        namespace=str(job.payload["namespace"]),
        step=int(job.payload["step"]),
        max_bytes=tools.app.settings.max_step_bytes,
    )
    about = {"thread_id": wanted.thread_id, "task_id": wanted.task_id}
    try:
        step = await read_step(tools.workshop, wanted)
        if step is None:
            raise NotFound("checkpoint", f"of task {wanted.task_id}")
    except InterlockError as exc:  # it says by itself what is wrong and what to do
        logger.warning("step_refused", extra={**about, "reason": str(exc)})
        await tools.call(reading.fail_job, tools.app, job, failing.message_of(exc))
    except Exception as exc:
        logger.exception("step_failed", extra=about)
        await tools.call(reading.fail_job, tools.app, job, failing.message_of(exc))
    else:
        await tools.call(reading.hand_over, tools.app, job, step.as_json())
