"""What a worker does beside runs, by the kind of job: each with who does it, and how long it may take."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from interlock.core.queue.port import Job, JobKind
from interlock.core.services import reading
from interlock.core.worker.attached_index import answer_index
from interlock.core.worker.carrying import Tools
from interlock.core.worker.pruning import answer_prune
from interlock.core.worker.recorder import Call
from interlock.core.worker.snapshots import answer_beneath, answer_snapshot
from interlock.core.worker.steps import answer_step
from interlock.core.worker.transferring import answer_import
from interlock.core.worker.what_ifs import WHAT_IF_S, answer_what_if

ERRAND_S = 60.0  # then whoever asked is gone; a run that has to be alone waits for what is read
WHOLE_THREAD_S = 900.0  # one may weigh gigabytes

logger = logging.getLogger(__name__)

ERRANDS = {
    JobKind.SNAPSHOT: answer_snapshot,
    JobKind.STEP: answer_step,
    JobKind.BENEATH: answer_beneath,
    JobKind.INDEX: answer_index,
    JobKind.PRUNE: answer_prune,
    JobKind.IMPORT: answer_import,
    JobKind.WHAT_IF: answer_what_if,
}
LIMITS_S = {
    JobKind.WHAT_IF: WHAT_IF_S,
    JobKind.PRUNE: WHOLE_THREAD_S,
    JobKind.IMPORT: WHOLE_THREAD_S,
}


class Errands:
    """Those in flight. Loop only."""

    def __init__(self, tools: Tools, *, call: Call, on_end: Callable[[], None]) -> None:
        """`call` gives up where the database does not answer; `on_end` is called after each."""
        self._tools = tools
        self._call = call
        self._on_end = on_end
        self._in_flight: dict[asyncio.Task[None], Job] = {}

    @property
    def tasks(self) -> Collection[asyncio.Task[None]]:
        """Who does them."""
        return self._in_flight.keys()

    @property
    def jobs(self) -> Collection[Job]:
        """What is done."""
        return self._in_flight.values()

    def run(self, job: Job) -> None:
        """Begin one."""
        task = asyncio.create_task(self._answer(job), name=f"read {job.job_id}")
        self._in_flight[task] = job
        task.add_done_callback(self._on_answered)

    async def _answer(self, job: Job) -> None:
        limit_s = LIMITS_S.get(job.kind, ERRAND_S)
        reason = f"It took longer than {limit_s:g} s, so it was given up."
        try:
            async with asyncio.timeout(limit_s):
                await ERRANDS[job.kind](self._tools, job)
        except TimeoutError:
            logger.warning("errand_given_up", extra={"kind": str(job.kind), "reason": reason})
            await self._call(reading.fail_job, self._tools.app, job, reason)

    def _on_answered(self, task: asyncio.Task[None]) -> None:
        del self._in_flight[task]
        if not task.cancelled() and task.exception() is not None:
            logger.error("errand_failed", exc_info=task.exception())
        self._on_end()
