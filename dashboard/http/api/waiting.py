"""Waiting for a run, or for what a worker reads, without holding a thread."""

from __future__ import annotations

import asyncio
import time

import structlog
from starlette.concurrency import run_in_threadpool

from interlock.core.errors import InterlockError
from interlock.core.model.runs import OPEN, Run, RunStatus
from interlock.core.services import completing, observing, reading
from interlock.core.services.context import App
from interlock.core.types import CheckpointId, JobId
from interlock.dashboard.http.api.rates import places

logger = structlog.get_logger(__name__)

ERRAND_S = 10.0  # as the command line waits for a worker
_POLL_S = 0.05
_SLOWEST_POLL_S = 0.5


async def for_run(app: App, run: Run, wait_s: float) -> Run:
    """
    The run, once it has ended or needs a human, and as it is when the time is up.

    It is begun, whatever becomes of the waiting: where it cannot be looked at, the run as it was last.
    """
    if not wait_s or run.status not in OPEN:
        return run
    try:
        with places.take(app.caller, at=app.clock.now()):
            return await _look_again(app, run, time.monotonic() + wait_s)
    except InterlockError as exc:
        logger.warning("a run was not waited for", run_id=run.run_id, reason=str(exc))
        return run


async def for_rewind(app: App, run: Run, wait_s: float) -> Run:
    """The same, and of the run that went on from it at once with an answer that was planned."""
    until = time.monotonic() + wait_s
    run = await for_run(app, run, wait_s)
    while run.status is RunStatus.CONTINUED and time.monotonic() < until:
        try:
            later = await run_in_threadpool(_find_later, app, run)
        except InterlockError as exc:
            logger.warning("a run was not waited for", run_id=run.run_id, reason=str(exc))
            return run
        if later is None:
            break
        run = await for_run(app, later, max(0.0, until - time.monotonic()))
    return run


async def for_state(app: App, thread_id: str, checkpoint_id: str | None) -> CheckpointId:
    """
    Which state that is, once it can be read at once.

    Raises:
        NotFound: No such thread, or no such checkpoint of it.
        NoWorker: A worker has to read it, and none is alive or it took too long.
        StoreUnavailable: It cannot be read.
    """
    wanted, job_id = await run_in_threadpool(reading.begin_state, app, thread_id, checkpoint_id)
    if job_id is not None:
        await _for_errand(app, job_id, what="state")
    return wanted


async def for_history(app: App, thread_id: str) -> None:
    """Let the older points of a thread of another application be read; whether they were is not said here."""
    try:
        job_id = await run_in_threadpool(completing.begin, app, thread_id)
        if job_id is not None:
            await _for_errand(app, job_id, what=completing.WHAT)
    except InterlockError as exc:
        logger.info("a history is not whole", thread_id=thread_id, reason=str(exc))


async def _look_again(app: App, run: Run, until: float) -> Run:
    pause_s = _POLL_S
    while run.status in OPEN and time.monotonic() < until:
        await asyncio.sleep(min(pause_s, max(0.0, until - time.monotonic())))
        pause_s = min(pause_s * 1.2, _SLOWEST_POLL_S)
        run = await run_in_threadpool(observing.get_run, app, run.run_id)
    return run


async def _for_errand(app: App, job_id: JobId, *, what: str) -> None:
    until, pause_s = time.monotonic() + ERRAND_S, _POLL_S
    with places.take(app.caller, at=app.clock.now()):
        while await run_in_threadpool(reading.look_for, app, job_id, what=what) is None:
            if time.monotonic() >= until:
                raise reading.was_not_read(what, ERRAND_S)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.2, _SLOWEST_POLL_S)


def _find_later(app: App, run: Run) -> Run | None:
    newest = observing.list_runs(app, thread_id=run.thread_id, limit=1)
    is_later = bool(newest) and newest[0].run_id != run.run_id
    return observing.get_run(app, newest[0].run_id) if is_later else None
