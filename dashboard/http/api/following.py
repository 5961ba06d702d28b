"""Waiting for a run without holding a thread, and telling of its log as it is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack

from interlock.core.model.nodes import RunEvent
from interlock.core.model.runs import OPEN, Run, RunStatus
from interlock.core.services import documents, observing
from interlock.core.services.context import App
from interlock.dashboard.http import broadcasting, heads
from interlock.dashboard.http.api.answers import dump
from interlock.dashboard.http.broadcasting import Subscription

BATCH = 200
KEEPALIVE_S = 15.0
_POLL_S = 0.05
_SLOWEST_POLL_S = 0.5
_GAP_S = 0.05  # between two looks at a run that moves all the time


async def wait_for_run(app: App, run: Run, wait_s: float) -> Run:
    """The run, once it has ended or needs a human, and as it is when the time is up."""
    until, pause_s = time.monotonic() + wait_s, _POLL_S
    while run.status in OPEN and time.monotonic() < until:
        await asyncio.sleep(min(pause_s, max(0.0, until - time.monotonic())))
        pause_s = min(pause_s * 1.2, _SLOWEST_POLL_S)
        run = await asyncio.to_thread(observing.get_run, app, run.run_id)
    return run


async def wait_for_rewind(app: App, run: Run, wait_s: float) -> Run:
    """The same, and of the run that went on from it at once with an answer that was planned."""
    until = time.monotonic() + wait_s
    run = await wait_for_run(app, run, wait_s)
    while run.status is RunStatus.CONTINUED and time.monotonic() < until:
        newest = await asyncio.to_thread(observing.list_runs, app, thread_id=run.thread_id, limit=1)
        if newest[0].run_id == run.run_id:
            break
        later = await asyncio.to_thread(observing.get_run, app, newest[0].run_id)
        run = await wait_for_run(app, later, max(0.0, until - time.monotonic()))
    return run


async def stream(app: App, run_id: str, *, after_seq: int) -> AsyncIterator[bytes]:
    """A run's log as server-sent events, from a number on, until the run has ended or needs a human."""
    with ExitStack() as stack:
        watch = _Watch(stack, run_id)
        while True:
            # The status first: what is written before it moves is then among the events.
            run = await asyncio.to_thread(observing.get_run, app, run_id)
            found = await asyncio.to_thread(
                observing.list_events, app, run_id, after_seq=after_seq, limit=BATCH
            )
            for event in found:
                yield _of_event(event)
                after_seq = event.seq
            if len(found) == BATCH:
                continue
            if run.status not in OPEN:
                yield b"event: end\ndata: " + dump(documents.of_run(run)) + b"\n\n"
                return
            if not found and not await watch.is_news():
                yield b": still there\n\n"


class _Watch:
    """Says when it is worth looking again: as the screens are told, else from time to time."""

    def __init__(self, stack: ExitStack, run_id: str) -> None:
        self._subscription: Subscription | None = None
        topic = f"{heads.RUN_PREFIX}{run_id}"
        broadcaster = broadcasting.current()
        if broadcaster is not None and heads.is_topic(topic):
            self._subscription = stack.enter_context(broadcaster.subscribe())
            broadcaster.follow(self._subscription, [topic, "runs"])

    async def is_news(self) -> bool:
        """Wait for news; False where there was none for so long that the line has to be kept open."""
        if self._subscription is None or self._subscription.is_lost:
            await asyncio.sleep(_SLOWEST_POLL_S)
            return True
        await asyncio.sleep(_GAP_S)
        return bool(await self._subscription.take(KEEPALIVE_S)) or self._subscription.is_lost


def _of_event(event: RunEvent) -> bytes:
    document = documents.of_event(event)
    return b"id: %d\nevent: log\ndata: " % event.seq + dump(document) + b"\n\n"
