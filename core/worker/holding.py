"""Being the only worker: the fence of SQLite (law 3), and of Postgres until its queue has one."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from interlock.core.errors import Conflict
from interlock.core.services.context import App
from interlock.core.store import watching

logger = logging.getLogger(__name__)

LOCK_FILE = "worker.lock"
WAIT_S = 5.0  # a worker that was just killed or told to stop is gone by then
T = TypeVar("T")


class Place:
    """The place of the only worker, which a file holds, or a session of Postgres."""

    def __init__(self, app: App, conn: watching.Session | None = None) -> None:
        self._app = app
        self._conn = conn
        self._is_by_session = conn is not None
        self._turn = threading.Lock()
        self.on_loss: Callable[[], None] = lambda: None  # called before the process ends

    def keep(self) -> None:
        """
        See that it is still ours; a session may have ended in an outage. From any thread.

        Ends the process at once where another worker has taken it: that one carries our runs now.

        Raises:
            StoreUnavailable: Nobody knows; ask again.
        """
        with self._turn:
            self._keep()

    def _keep(self) -> None:
        if not self._is_by_session or (self._conn and watching.is_alive(self._conn)):
            return
        if self._conn is not None:
            self._conn.close()
            self._conn = None
        taken = watching.hold_alone(self._app.engine)
        if taken is not None:
            logger.warning("place_taken_again")
            self._conn = taken
            return
        if watching.is_taken(self._app.engine):
            logger.critical("place_lost")
            self.on_loss()
            _leave()

    def close(self) -> None:
        """Leave it to others."""
        if self._conn is not None:
            self._conn.close()


def _leave() -> None:
    logging.shutdown()
    os._exit(1)


@contextmanager
def hold_alone(app: App) -> Iterator[Place]:
    """
    Hold the database as its only worker for as long as this process lives.

    Raises:
        Conflict: Another worker holds it.
    """
    if app.settings.is_embedded:
        with _hold_file(app.settings.data_dir / LOCK_FILE):
            yield Place(app)
        return
    conn = _try_until(lambda: watching.hold_alone(app.engine))
    if conn is None:
        raise _taken("this database")
    place = Place(app, conn)
    try:
        yield place
    finally:
        place.close()


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
