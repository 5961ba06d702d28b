"""
Following a checkpoint database that another application fills: what is new there comes to be known here.

The database is asked once a second whether anything was stored, and then for the place of each head,
a few questions whatever there is; what is written is read of the threads that have changed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any

from interlock.core.errors import InterlockError, StoreUnavailable
from interlock.core.graphs import failing
from interlock.core.graphs.attached_rows import read_mark, scan
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.history import AttachedSource
from interlock.core.model.what_ifs import is_sandbox
from interlock.core.services import attaching
from interlock.core.services.context import App
from interlock.core.store import dialect, fencing
from interlock.core.store.fencing import Session
from interlock.core.types import ThreadId
from interlock.core.worker.attached_intake import Intake
from interlock.core.worker.attached_keeping import CHUNK
from interlock.core.worker.attached_memory import Memory
from interlock.core.worker.recorder import Call

TURN_S = 5.0  # between two looks whose turn it is
FOLLOW_S = 1.0  # between two looks
WHOLE_S = 30.0  # between two looks at all heads, where nothing says that anything was stored
SHARE = 10  # a look that takes long is followed by a pause so many times as long
NOTE_S = 30.0  # between two notes of when the database was looked at, where nothing is new
CLOSELY = 100  # threads at one look whose graph is asked; the others wait for the next

logger = logging.getLogger(__name__)


@asynccontextmanager
async def following(app: App, workshop: Workshop) -> AsyncIterator[None]:
    """Follow the other application's database while the block runs, if there is one."""
    if app.settings.attach is None:
        yield
        return
    with ThreadPoolExecutor(1, thread_name_prefix="follow") as pool:

        async def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(pool, lambda: function(*args, **kwargs))

        task = asyncio.create_task(_take_turns(app, workshop, call), name="follow")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


async def _take_turns(app: App, workshop: Workshop, call: Call) -> None:
    """Of several workers one follows; another takes its place when it ends, or loses its session."""
    if app.settings.is_embedded:
        await Follower(app, workshop, call).serve()
    while True:
        turn = None
        with suppress(StoreUnavailable):
            turn = await call(fencing.take_turn, app.engine, dialect.Lock.FOLLOW)
        if turn is None:
            await asyncio.sleep(TURN_S)
            continue
        task = asyncio.create_task(Follower(app, workshop, call).serve(), name="follow in turn")
        try:
            await _keep(turn, call)
        finally:
            task.cancel()
            await asyncio.wait({task})
            await call(fencing.end_turn, turn)


async def _keep(turn: Session, call: Call) -> None:
    """Until it is lost."""
    has_turn = True
    while has_turn:
        await asyncio.sleep(TURN_S)
        has_turn = await call(fencing.has_turn, turn)


class Follower:
    """Follows one database; `serve` runs until it is cancelled."""

    def __init__(self, app: App, workshop: Workshop, call: Call) -> None:
        self._app = app
        self._workshop = workshop
        self._call = call
        self._memory = Memory()
        self._intake = Intake(app, workshop, call, self._memory)
        self._mark: str | None = None  # of the database when all of it was taken in
        self._looked_at = -WHOLE_S  # at all heads, time.monotonic()
        self._has_compared = False  # what was known before with what is there
        self._noted_at = -NOTE_S
        self._error: str | None = None
        self._has_changed = False
        self._is_more = False  # threads wait for the next look

    async def serve(self) -> None:
        """Look once a second, less often where a look takes long."""
        while True:
            started = time.monotonic()
            self._has_changed = False
            try:
                self._has_changed = await self.look() > 0
                await self._note(started)
            except Exception as exc:  # noqa: BLE001  it is told, and the next look may do better
                await self._note_failure(exc)
            if not self._is_more:
                idle_s = 0.0 if self._has_changed else time.monotonic() - started
                await asyncio.sleep(max(FOLLOW_S, idle_s * SHARE))

    async def look(self) -> int:
        """
        Look at the database once: at all its heads if anything may be new.

        Returns:
            How many threads were new or had changed.
        """
        started = time.monotonic()
        mark = await read_mark(self._workshop.savers)
        is_fresh = started - self._looked_at < WHOLE_S
        if mark is not None and mark == self._mark and is_fresh and not self._memory.is_any_due:
            return 0
        self._mark = None
        changed, is_all = await self._look_at_all()
        self._mark = mark if is_all else None
        self._looked_at = started
        return changed

    async def _look_at_all(self) -> tuple[int, bool]:
        """How many threads were new or had changed, and whether all there is was taken in."""
        await self._intake.learn()
        before: set[ThreadId] = set()
        if not self._has_compared:
            before = await self._call(attaching.list_followed, self._app)
        there: set[ThreadId] = set()
        changed = 0
        budget = CLOSELY
        is_all = True
        self._is_more = False
        async for found in scan(self._workshop.savers):
            page = [head for head in found if not is_sandbox(head.thread_id)]
            there.update(head.thread_id for head in page)
            new = [head for head in page if self._memory.is_new(head)]
            taken, asked, is_more = await self._intake.take(new, budget)
            changed += taken
            budget -= asked
            self._is_more |= is_more
            is_all = is_all and not any(map(self._memory.is_new, new))
        gone = self._memory.find_gone(before, there)
        for start in range(0, len(gone), CHUNK):
            await self._call(attaching.note_gone, self._app, gone[start : start + CHUNK])
        self._memory.forget(gone)
        self._has_compared = True
        return changed + len(gone), is_all

    async def _note_failure(self, exc: Exception) -> None:
        """Say on the screens that the database cannot be read; ours may be away as well."""
        is_ours = isinstance(exc, InterlockError)
        logger.warning("attached_not_followed", exc_info=None if is_ours else exc)
        with suppress(StoreUnavailable):
            await self._note(time.monotonic(), error=failing.message_of(exc))

    async def _note(self, started: float, *, error: str | None = None) -> None:
        now = time.monotonic()
        if not self._has_changed and error == self._error and now - self._noted_at < NOTE_S:
            return
        self._noted_at, self._error = now, error
        address = attaching.address_of(self._app.settings) or ""
        source = AttachedSource(
            source_id=attaching.source_id_of(address),
            address=address,
            looked_at=self._app.clock.now(),
            took_ms=(now - started) * 1000,
            thread_count=self._memory.thread_count,
            unknown_count=self._memory.unknown_count,
            error=error,
        )
        await self._call(attaching.note_source, self._app, source)
