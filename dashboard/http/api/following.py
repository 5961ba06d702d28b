"""A run's log as server-sent events, told of as it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from interlock.core.errors import InterlockError
from interlock.core.model import people
from interlock.core.model.nodes import RunEvent
from interlock.core.model.people import Permission
from interlock.core.model.runs import OPEN
from interlock.core.services import documents, observing, permitting
from interlock.core.services.context import App
from interlock.dashboard.http import broadcasting, heads
from interlock.dashboard.http.api.answers import NO_STORE, describe, dump
from interlock.dashboard.http.broadcasting import Subscription

BATCH = 200
KEEPALIVE_S = 15.0
_POLL_S = 0.5
_GAP_S = 0.05  # between two looks at a run that moves all the time


@dataclass(frozen=True)
class _Seen:
    """What one look found: events as they are sent, the last of their numbers, and whether that is all."""

    text: bytes
    after_seq: int
    count: int
    is_end: bool


class Stream(StreamingResponse):
    """Server-sent events that give back what they hold, also where their reader has left before the first."""

    def __init__(self, content: AsyncIterator[bytes], *, held: ExitStack) -> None:
        headers = NO_STORE | {"x-accel-buffering": "no"}
        super().__init__(content, media_type="text/event-stream", headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them until they end or nobody reads them."""
        with self._held:
            await super().__call__(scope, receive, send)


async def stream(app: App, run_id: str, *, after_seq: int, held: ExitStack) -> AsyncIterator[bytes]:
    """
    The log from a number on, until the run has ended or needs a human, or who asks may not see it any more.

    Args:
        app: The application as who asks may use it.
        run_id: The run.
        after_seq: Events after this number.
        held: What is given back at the end.
    """
    watch = Watch(held, run_id)
    while True:
        try:
            seen = await run_in_threadpool(_look, app, run_id, after_seq)
        except InterlockError as exc:  # the answer has begun: no status can say it any more
            yield b"event: problem\ndata: " + dump(describe(exc)) + b"\n\n"
            return
        after_seq = seen.after_seq
        if seen.text:
            yield seen.text
        if seen.is_end:
            return
        if not seen.count and not await watch.is_news():
            yield b": still there\n\n"


def _look(app: App, run_id: str, after_seq: int) -> _Seen:
    """Who asks is looked at anew each time: a stream may outlast a token."""
    person = permitting.resolve(app)
    people.require(person, Permission.SEE, actor=person.name)
    app = permitting.see(app, person)
    # The status first: what is written before it moves is then among the events.
    run = observing.get_run(app, run_id)
    found = observing.list_events(app, run_id, after_seq=after_seq, limit=BATCH)
    is_end = len(found) < BATCH and run.status not in OPEN
    text = b"".join(_of_event(event) for event in found)
    if is_end:
        text += b"event: end\ndata: " + dump(documents.of_run(run)) + b"\n\n"
    return _Seen(text, found[-1].seq if found else after_seq, len(found), is_end)


class Watch:
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
            await asyncio.sleep(_POLL_S)
            return True
        await asyncio.sleep(_GAP_S)
        return bool(await self._subscription.take(KEEPALIVE_S)) or self._subscription.is_lost


def _of_event(event: RunEvent) -> bytes:
    document = documents.of_event(event)
    return b"id: %d\nevent: log\ndata: " % event.seq + dump(document) + b"\n\n"
