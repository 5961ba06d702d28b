"""
Says for all screens of this process which cards they have open, seldom enough that it costs nothing.

The live sockets know it: a card that is drawn is one of their topics, and gone with its tab.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

import structlog

from interlock.core.errors import InterlockError
from interlock.core.model.claims import Opening
from interlock.core.services import attending
from interlock.core.services.attending import RENEW_S
from interlock.core.services.context import App
from interlock.core.types import new_id

logger = structlog.get_logger(__name__)

_LOOK_S = 2.0  # how often it is looked what is open; nothing is asked of the database for it


def gap_s(count: int) -> float:
    """Seconds between two words of a process with so many cards open: at most one in 10 s for each."""
    return max(_LOOK_S, RENEW_S / max(1, count))


class Attending:
    """A thread of its own, as the database may make it wait."""

    def __init__(self, app: App, opened: Callable[[], Collection[Opening]]) -> None:
        self._app = app
        self._opened = opened
        self._place = new_id()
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="interlock-attending", daemon=True)
        self._told: frozenset[Opening] = frozenset()
        self._was_told = False
        self._told_at = float("-inf")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; nothing is open here any more."""
        self._is_stopping.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._is_stopping.wait(_LOOK_S):
            self.look(time.monotonic())
        if self._was_told:
            self._tell(frozenset(), time.monotonic())

    def look(self, now_s: float) -> None:
        """Say what is open, if it is another than was said, or time to say it again."""
        opened = frozenset(self._opened())
        age_s = now_s - self._told_at
        is_news = opened != self._told and age_s >= gap_s(max(len(opened), len(self._told)))
        if is_news or (opened and age_s >= RENEW_S):
            self._tell(opened, now_s)

    def _tell(self, opened: frozenset[Opening], now_s: float) -> None:
        try:
            self._was_told = attending.tell(self._app, self._place, opened, was_told=self._was_told)
        except InterlockError as exc:  # it is said again; what was said ends by itself
            logger.warning("what is open was not told", reason=str(exc))
        self._told, self._told_at = opened, now_s
