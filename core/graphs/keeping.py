"""
What one run keeps in the memory of its worker while Postgres is away (MISSION R7, `on = "memory"`).

A run that may go on without its database writes down, in order, what it would have stored. Somebody
asks meanwhile whether the database is back. When it is, the run is looked at first: where another
worker has it now, what was kept is thrown away, since that one did the same steps anew; where it is
still ours, it is marked as not durable, and then all is stored, before anything new is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.core.errors import Conflict, StoreUnavailable
from interlock.core.graphs.outages import Wait, is_outage

MAX_WRITES = 2000  # checkpoints and results of tasks that one run keeps
MAX_BYTES = 32_000_000  # of what they hold; with one of both exceeded, the run holds
MAX_WORKER_BYTES = 256_000_000  # of all runs of a worker; beyond it each that keeps more holds
LOOK_S = 0.1  # between two looks whether a run that has to wait may go on
GRACE_S = 1.0  # so long a run holds before it goes on in memory: most restarts are over by then

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told:
    """One thing that a cursor would have been told; with `is_many` the values are rows."""

    query: Any
    values: Any
    is_many: bool
    size_bytes: int


Write = tuple[Told, ...]
Send = Callable[[Write], Awaitable[None]]


class TakenOver(Conflict):
    """Another worker has the run: nothing that was kept of it may be stored."""


class Owner(Protocol):
    """Whoever carries the run. `come_back` may raise StoreUnavailable and is called again then."""

    async def come_back(self, steps: int) -> bool:
        """
        Whether the run is still this worker's. If so, have it said, where everybody sees it, that
        so many of its steps were not durable.
        """

    def on_memory(self) -> None:
        """From here on the run goes on in memory."""

    def on_stored(self, steps: int, seconds: float) -> None:
        """All that was kept is stored."""

    def on_lost(self, steps: int) -> None:
        """The run is another's; it has to end here without a word."""


class Room:
    """What the runs of one worker keep together."""

    def __init__(self) -> None:
        self.size_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no run may keep more."""
        return self.size_bytes > MAX_WORKER_BYTES


class Keeping:
    """The memory of one run. For the event loop only."""

    def __init__(self, owner: Owner, room: Room | None = None) -> None:
        self._owner = owner
        self._room = room or Room()
        self._beside_bytes = 0
        self._writes: deque[Write] = deque()
        self._size_bytes = 0
        self._began_at = 0.0  # time.monotonic()
        self._is_told = False  # this outage went on long enough to be told
        self._is_back = False
        self._storing: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._puts_count = 0
        self._is_marked = False
        self.is_lost = False

    @property
    def steps(self) -> int:
        """How many steps were ever kept; the result of a task alone is one, too."""
        return max(self._puts_count, int(self._is_marked))

    @property
    def is_on(self) -> bool:
        """Whether anything is kept, so that whatever comes has to be kept as well."""
        return self._storing is not None

    def check(self) -> None:
        """Raise what keeps the run from going on."""
        if self._error is not None:
            raise self._error

    async def keep(self, write: Write, send: Send, *, is_step: bool) -> None:
        """
        Keep a write until it can be sent.

        Waits for the database as long as an outage may still be a short one, while it takes what
        was kept, and where there is no more room.
        """
        self.check()
        self._writes.append(write)
        self._resize(sum(told.size_bytes for told in write))
        if self._storing is None:
            self._began_at = time.monotonic()
            self._storing = asyncio.create_task(self._store(send), name="store what was kept")
        storing = self._storing
        while not storing.done() and (patience_s := self._patience_s) > 0:
            await asyncio.wait({storing}, timeout=patience_s)
        if not storing.done():
            self._note(is_step=is_step)
        self.check()

    def keep_beside(self, size_bytes: int) -> None:
        """So much of what is kept is there once more, to be read from."""
        self._beside_bytes += size_bytes
        self._room.size_bytes += size_bytes

    def drop_beside(self) -> None:
        """It is not any more."""
        self.keep_beside(-self._beside_bytes)

    async def settle(self) -> None:
        """Wait until all is stored that was kept."""
        if self._storing is not None:
            await asyncio.wait({self._storing})
        self.check()

    async def close(self) -> None:
        """The run ends here, whatever is left of it."""
        self.drop_beside()
        if self._storing is not None:
            self._storing.cancel()
            await asyncio.wait({self._storing})
            self._resize(-self._size_bytes)
            logger.error("kept_steps_lost", extra={"steps": self.steps, "reason": "it was stopped"})

    @property
    def _patience_s(self) -> float:
        if self._is_back or self._is_full:
            return LOOK_S
        return max(0.0, self._began_at + GRACE_S - time.monotonic())

    @property
    def _is_full(self) -> bool:
        own_bytes = self._size_bytes + self._beside_bytes
        return len(self._writes) > MAX_WRITES or own_bytes > MAX_BYTES or self._room.is_full

    def _resize(self, more_bytes: int) -> None:
        self._size_bytes += more_bytes
        self._room.size_bytes += more_bytes

    def _note(self, *, is_step: bool) -> None:
        """A write is left behind in memory, and the run goes on."""
        if not self._is_told:
            self._is_told = self._is_marked = True
            logger.warning("run_goes_on_in_memory")
            self._owner.on_memory()
        self._puts_count += is_step

    async def _store(self, send: Send) -> None:
        """Send what is kept, in order, as soon as the database answers."""
        wait, is_ours = Wait(), False
        while self._writes:
            try:
                is_ours = is_ours or await self._come_back()
                if not is_ours:
                    return
                await send(self._writes[0])
            except Exception as exc:  # noqa: BLE001  the run is told, whatever it is
                if not isinstance(exc, StoreUnavailable) and not is_outage(exc):
                    self._give_up(exc)
                    return
                self._is_back = is_ours = False
                await wait.pause(exc)
            else:
                self._resize(-sum(told.size_bytes for told in self._writes.popleft()))
        wait.end()
        if self._is_told:
            seconds = time.monotonic() - self._began_at
            logger.warning("kept_steps_stored", extra={"steps": self.steps})
            self._owner.on_stored(self.steps, seconds)
        self._end()

    async def _come_back(self) -> bool:
        """The database may be back; whether what is kept may be stored then."""
        steps = self.steps
        is_ours = await self._owner.come_back(steps)
        while is_ours and steps != self.steps:  # more was kept while it was marked
            self._is_back = True
            steps = self.steps
            is_ours = await self._owner.come_back(steps)
        if not is_ours:
            self.is_lost = True
            logger.error("kept_steps_lost", extra={"steps": self.steps, "reason": "taken over"})
            self._give_up(
                TakenOver("Another worker has taken the run over while it was kept here.")
            )
            self._owner.on_lost(self.steps)
            return False
        self._is_back = True  # what comes from here on waits, so that the mark stays true
        return True

    def _give_up(self, error: BaseException) -> None:
        """What follows a write that cannot be stored must not be stored either."""
        self._error = error
        self._writes.clear()
        self._end()

    def _end(self) -> None:
        self._resize(-self._size_bytes)
        self._is_told = self._is_back = False
        self._storing = None
