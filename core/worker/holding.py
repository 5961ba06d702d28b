"""
A worker's place: who else may work on the database, and what ends one that lost it (law 3).

On SQLite there is one worker, which holds a file. On Postgres there are as many as wanted, each with
a row that says that it lives; one whose row others have marked or removed ends itself at once.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from interlock.core.errors import Conflict
from interlock.core.services import presence
from interlock.core.services.context import App
from interlock.core.store import fencing
from interlock.core.store.workers import DEAD
from interlock.core.types import WorkerId

logger = logging.getLogger(__name__)

LOCK_FILE = "worker.lock"
WAIT_S = 5.0  # a worker that was just killed or told to stop is gone by then
EXIT_LOST = 1
UNSURE_S = 0.05  # between two looks whether the heart has beaten
T = TypeVar("T")


class Place:
    """The place of a worker among the workers of its database; all of it may be called from any thread."""

    def __init__(self, app: App, worker_id: WorkerId) -> None:
        self._app = app
        self._worker_id = worker_id
        self._is_shared = not app.settings.is_embedded
        self._dead_after_s = app.settings.dead_after_s
        self._turn = threading.Lock()
        self._is_left = False
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="place")
        self._beaten_at = _now_s()
        self.on_loss: Callable[[], None] = lambda: None  # called before the process ends

    def guard(self) -> None:
        """From now on no session of the store is opened that the worker may not have any more."""
        if self._is_shared:
            fencing.guard(self._app.engine, self._worker_id, self._lose)

    async def ask(self, conn: Any) -> None:
        """The same for a new session of LangGraph's pools, on the same server."""
        cursor = await conn.execute(fencing.IS_ALIVE, (self._worker_id, DEAD))
        row = await cursor.fetchone()
        if not next(iter(row.values())):
            self._lose()

    async def ask_apart(self, _conn: Any) -> None:
        """The same for a session of another application's server, which knows nothing of workers."""
        if self._is_shared:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._asking, self.keep)

    def beat(self) -> None:
        """
        Give a sign of life; the process ends at once where others have found it dead.

        Raises:
            StoreUnavailable: Nobody knows; ask again.
        """
        now_s = _now_s()
        if not presence.beat_on(self._app, self._worker_id) and self._is_shared:
            self._lose()
        self._beaten_at = now_s

    def is_sure(self) -> bool:
        """Whether the last sign of life is so young that nobody can have taken over."""
        return _now_s() - self._beaten_at <= self._dead_after_s or self._is_left

    async def be_sure(self) -> None:
        """
        Go on at once where nobody can have taken over.

        Else this process stood still, or was cut off: it waits for its heart, whose next beat gets
        through, or finds that the place is lost and ends the process.
        """
        while not self.is_sure():  # noqa: ASYNC110  the heart beats in a thread of its own
            await asyncio.sleep(UNSURE_S)

    def keep(self) -> None:
        """
        See that it is still ours, after an outage say; the process ends at once where it is not.

        Raises:
            StoreUnavailable: Nobody knows; ask again.
        """
        if self._is_shared and not presence.is_alive(self._app, self._worker_id):
            self._lose()

    def leave(self) -> None:
        """The worker signs off by itself: that its row is gone says nothing any more."""
        self._is_left = True

    def give_up(self) -> None:
        """End the process at once, with runs that were not handed over: others find it silent."""
        logger.critical("runs_left_behind", extra={"worker_id": self._worker_id})
        _leave()

    def _lose(self) -> None:
        """Others carry our runs now: nothing more is written, and a fresh worker is to be started."""
        with self._turn:
            if self._is_left:
                return
            logger.critical("place_lost", extra={"worker_id": self._worker_id})
            self.on_loss()
            _leave()


def _now_s() -> float:
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _leave() -> None:
    logging.shutdown()
    os._exit(EXIT_LOST)


@contextmanager
def hold_place(app: App, worker_id: WorkerId) -> Iterator[Place]:
    """
    Take a place: on SQLite that of the only worker, for as long as this process lives.

    Raises:
        Conflict: Another worker holds it.
    """
    place = Place(app, worker_id)
    if not app.settings.is_embedded:
        yield place
        return
    with _hold_file(app.settings.data_dir / LOCK_FILE):
        yield place


@contextmanager
def _hold_file(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if _try_until(lambda: _lock(descriptor)) is None:
            raise _taken(str(path.parent), _read_holder(descriptor))
        _note_holder(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    return True


def _try_until(attempt: Callable[[], T | None]) -> T | None:
    deadline = time.monotonic() + WAIT_S
    while True:
        got = attempt()
        if got is not None or time.monotonic() >= deadline:
            return got
        time.sleep(0.1)


def _note_holder(descriptor: int) -> None:
    with suppress(OSError):  # of a full disk: who is refused is told less
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def _read_holder(descriptor: int) -> str:
    with suppress(OSError, ValueError):
        return f", process {int(os.pread(descriptor, 20, 0))},"
    return ""


def _taken(what: str, holder: str = "") -> Conflict:
    return Conflict(
        f"Another worker{holder} already works on {what}; there is never a second one.",
        hint="Stop it first, or use that one.",
    )
