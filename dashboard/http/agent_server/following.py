"""Waiting for a run and streaming it, for as long as it goes on, without holding a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from interlock.core.errors import InterlockError
from interlock.core.model import people
from interlock.core.model.people import Permission
from interlock.core.model.runs import OPEN, Run
from interlock.core.services import observing, permitting, running, thread_searching
from interlock.core.services.context import App
from interlock.dashboard.http.agent_server.threads import REASON
from interlock.dashboard.http.api.answers import describe, dump
from interlock.dashboard.http.api.following import BATCH, Watch
from interlock.dashboard.http.api.rates import places
from interlock.dashboard.views import agent_documents
from interlock.dashboard.views.agent_events import Part, Stream

logger = structlog.get_logger(__name__)

_cancelling: set[asyncio.Task[None]] = set()  # the loop itself keeps none


@dataclass
class Cancel:
    """Cancels a run if whoever asked for it leaves before its end; `is_over` once that was told."""

    app: App
    run: Run
    actor: str
    is_over: bool = False

    def begin(self) -> None:
        """Do it, unless the run has ended; who has left cannot wait for it."""
        if self.is_over:
            return
        task = asyncio.get_running_loop().create_task(self._carry_out())
        _cancelling.add(task)
        task.add_done_callback(_cancelling.discard)

    async def _carry_out(self) -> None:
        try:
            await run_in_threadpool(self._cancel)
        except InterlockError as exc:
            logger.info("a run was not cancelled", run_id=self.run.run_id, reason=str(exc))

    def _cancel(self) -> None:
        run = observing.get_run(self.app, self.run.run_id)
        if run.status in OPEN:  # by now it may ask something
            running.cancel(self.app, run.run_id, actor=self.actor, reason=REASON)


def arm(app: App, run: Run, actor: str, *, is_asked: bool) -> Cancel | None:
    """
    What cancels a run when whoever asked for that leaves; None where nothing does.

    A run that is held asks people: a vote on its card did not make it go, and takes nothing from others.
    """
    return Cancel(app, run, actor) if is_asked and run.status in OPEN else None


class Line(StreamingResponse):
    """An answer that stays open. However it ends, even unbegun, its place is given back."""

    def __init__(
        self,
        told: AsyncIterator[bytes],
        *,
        held: ExitStack,
        cancel: Cancel | None,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(told, media_type=media_type, headers=headers)
        self._held = held
        self._cancel = cancel

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._held.close()
            if self._cancel is not None:
                self._cancel.begin()


def hold_place(app: App) -> ExitStack:
    """
    A place among the requests that stay open.

    Raises:
        RateLimited: Too many are open.
    """
    held = ExitStack()
    held.enter_context(places.take(app.caller, at=app.clock.now()))
    return held


async def wait(
    app: App, run: Run, held: ExitStack, cancel: Cancel | None = None
) -> AsyncIterator[bytes]:
    """
    The state at a run's end as one JSON document, or what is asked there.

    Until then a line break from time to time, so that nobody between takes the line for dead.
    """
    watch = Watch(held, run.run_id)
    while True:
        try:
            told = await run_in_threadpool(_look_for_end, app, run.run_id)
        except InterlockError as exc:  # the answer has begun: no status can say it any more
            told = dump({"__error__": _of_problem(exc)})
        if told:
            _note_end(cancel)
            yield told
            return
        if not await watch.is_news():
            yield b"\n"


async def stream(
    app: App,
    heard: Stream,
    held: ExitStack,
    *,
    after_seq: int = 0,
    cancel: Cancel | None = None,
) -> AsyncIterator[bytes]:
    """
    A run as server-sent events, from a number of its log on.

    What was before that number is heard, too, as a message is told of as a whole.
    """
    seq = 0
    watch = Watch(held, heard.run_id)
    yield _write(heard.open())
    while True:
        try:
            seen = await run_in_threadpool(_look, app, heard, seq, after_seq)
        except InterlockError as exc:
            _note_end(cancel)
            yield _write(Part("error", _of_problem(exc)))
            return
        seq = seen.seq
        if seen.is_end:
            _note_end(cancel)
        if seen.text:
            yield seen.text
        if seen.is_end:
            return
        if not seen.count and not await watch.is_news():
            yield b": still there\n\n"


def _note_end(cancel: Cancel | None) -> None:
    if cancel is not None:
        cancel.is_over = True


@dataclass(frozen=True)
class _Seen:
    """What one look found: what is sent, up to which number, of how many entries, and whether that is all."""

    text: bytes
    seq: int
    count: int
    is_end: bool


def _look(app: App, heard: Stream, seq: int, after_seq: int) -> _Seen:
    app = _require_seeing(app)
    # The status first: what is written before it moves is then among the events.
    run = observing.get_run(app, heard.run_id)
    found = observing.list_events(app, heard.run_id, after_seq=seq, limit=BATCH)
    text = b""
    for event in found:
        parts = heard.hear(event)
        if event.seq > after_seq:
            text += b"".join(
                _write(part, event.seq if part is parts[-1] else None) for part in parts
            )
    is_end = len(found) < BATCH and run.status not in OPEN
    if is_end:
        snapshot, cards = thread_searching.read_end(app, run)
        asked = agent_documents.questions(cards)
        last = heard.close(
            status=agent_documents.RUN_STATUSES[run.status],
            values=None if snapshot is None else snapshot.values,
            questions=[agent_documents.of_question(card) for card in asked],
            error=agent_documents.of_error(run),
        )
        text += b"".join(map(_write, last))
    return _Seen(text, found[-1].seq if found else seq, len(found), is_end)


def _look_for_end(app: App, run_id: str) -> bytes:
    if observing.is_open(app, run_id):  # asked at each move of the run, and tells nothing yet
        return b""
    app = _require_seeing(app)
    run = observing.get_run(app, run_id)
    if run.status in OPEN:
        return b""
    snapshot, cards = thread_searching.read_end(app, run)
    return dump(agent_documents.of_result(snapshot, cards, agent_documents.of_error(run)))


def _require_seeing(app: App) -> App:
    """Who asks, and what they see, is looked at anew each time: a stream may outlast a token."""
    person = permitting.resolve(app)
    people.require(person, Permission.SEE, actor=person.name)
    return permitting.see(app, person)


def _of_problem(error: InterlockError) -> dict[str, str]:
    told = describe(error)
    return {"error": str(told["title"]), "message": str(told["detail"])}


def _write(part: Part, seq: int | None = None) -> bytes:
    number = b"" if seq is None else b"id: %d\n" % seq
    return number + b"event: " + part.event.encode() + b"\ndata: " + dump(part.data) + b"\n\n"
