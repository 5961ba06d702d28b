"""Waiting for work or news: one watch a process, for the worker and for the web."""

from __future__ import annotations

import threading

from interlock.core.services.context import App
from interlock.core.store.watching import Channels, open_watch


class Watch:
    """Blocks a thread of the caller's until something in the database has changed."""

    def __init__(self, app: App, *, is_for_work: bool = False) -> None:
        """`is_for_work`: of what a worker has to know at once, not of what screens draw."""
        self._watch = open_watch(app.engine, Channels.WORK if is_for_work else Channels.SCREENS)
        self._stop = threading.Event()

    def wait(self, *, timeout_s: float) -> bool:
        """Wait for a change; False when the time is up or the watch was closed."""
        return self._watch.wait(timeout_s=timeout_s, stop=self._stop)

    def has_moved(self) -> bool:
        """Whether anything may have changed since the last question, without waiting."""
        return self._watch.has_moved()

    def close(self) -> None:
        """End every wait and give the connection back; call it from the waiting thread's end."""
        self._stop.set()
        self._watch.close()

    def stop(self) -> None:
        """End the current wait at once."""
        self._stop.set()
