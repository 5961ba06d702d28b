"""Noticing that another connection has committed, without reading any table."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from enum import Enum
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, exc

from interlock.core.errors import StoreUnavailable

POLL_S = 0.02  # facts, engine 5: 11 ms from commit to start, 1.4 % of a core
HEAR_S = 0.2  # how long a stop may go unseen while nothing is heard
AGAIN_S = 0.5  # between two tries to listen


class Channels(Enum):
    """What one may listen to on Postgres; the triggers of revision 0018 speak there."""

    WORK = (
        "procrastinate_any_queue_v1",
        "interlock_workers",
    )  # jobs, cancellations, holds, breakers
    SCREENS = ("interlock_screens",)  # topics


class ChangeWatch(Protocol):
    """Waits for commits of others, from one thread, on a connection of its own."""

    def wait(self, *, timeout_s: float, stop: threading.Event) -> bool:
        """Wait for a change; False when the time is up or `stop` is set."""

    def has_moved(self) -> bool:
        """Whether anything may have changed since the last question; without waiting."""

    def close(self) -> None:
        """Give the connection back."""


def open_watch(engine: Engine, channels: Channels) -> ChangeWatch:
    """The watch of a database; of a SQLite file it hears everything."""
    return FileWatch(engine) if engine.dialect.name == "sqlite" else Ears(engine, channels)


class FileWatch(ChangeWatch):
    """`PRAGMA data_version` moves with every commit of another connection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._conn: Connection | None = None
        self._version: int | None = None

    def wait(self, *, timeout_s: float, stop: threading.Event) -> bool:
        """Wait for a commit; False when the time is up or `stop` is set."""
        deadline = time.monotonic() + timeout_s
        while not stop.is_set() and time.monotonic() < deadline:
            if self.has_moved():
                return True
            stop.wait(POLL_S)
        return False

    def has_moved(self) -> bool:
        """Whether anything was committed since the last question; microseconds."""
        if self._conn is None:
            self._conn = self._engine.connect()
        driver = self._conn.connection.dbapi_connection
        assert driver is not None
        version = driver.cursor().execute("PRAGMA data_version").fetchone()[0]
        moved: bool = version != self._version
        self._version = version
        return moved

    def close(self) -> None:
        """Give the connection back."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None


class Ears(ChangeWatch):
    """
    LISTEN, on a session that is no part of the pool.

    A session that ended is replaced, and what was said meanwhile counts as a change. While there is
    none, nothing is heard: whoever waits looks every second or so in any case.
    """

    def __init__(self, engine: Engine, channels: Channels) -> None:
        self._engine = engine
        self._listen = "; ".join(f"LISTEN {channel}" for channel in channels.value)
        self._conn: Connection | None = None
        self._tried_at = -AGAIN_S  # time.monotonic()

    def wait(self, *, timeout_s: float, stop: threading.Event) -> bool:
        """Wait until something is said; False when the time is up or `stop` is set."""
        deadline = time.monotonic() + timeout_s
        while not stop.is_set() and (left := deadline - time.monotonic()) > 0:
            if self._conn is not None:
                if self._hear(min(HEAR_S, left)):
                    return True
            elif self._open():
                return True
            else:
                stop.wait(min(AGAIN_S, left))
        return False

    def has_moved(self) -> bool:
        """Whether anything was said since the last question; microseconds."""
        return self._open() if self._conn is None else self._hear(0)

    def close(self) -> None:
        """End the session."""
        conn, self._conn = self._conn, None
        if conn is None:
            return
        with suppress(exc.SQLAlchemyError, StoreUnavailable):
            # One that SQLAlchemy gave up already is connected anew by whoever asks it for its session.
            if not conn.invalidated and getattr(conn.connection.dbapi_connection, "closed", True):
                conn.invalidate()  # there is nothing to roll back in
            conn.close()

    def _open(self) -> bool:
        if time.monotonic() - self._tried_at < AGAIN_S:
            return False
        self._tried_at = time.monotonic()
        try:
            self._conn = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._conn.detach()
            self._conn.exec_driver_sql(self._listen)
            self._conn.commit()
        except (exc.SQLAlchemyError, StoreUnavailable):  # the next reading tells what it is
            self.close()
            return False
        return True

    def _hear(self, timeout_s: float) -> bool:
        assert self._conn is not None
        driver: Any = self._conn.connection.dbapi_connection
        is_heard = False
        try:
            for _ in driver.notifies(timeout=timeout_s, stop_after=1):
                is_heard = True  # to the end: what came together is one change
        except self._engine.dialect.loaded_dbapi.Error:
            self.close()
        return is_heard
