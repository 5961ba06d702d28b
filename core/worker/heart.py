"""The signs of life of a worker, by which others know that it works, and its look for those that do not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from interlock.core.errors import StoreBusy, StoreUnavailable
from interlock.core.services import presence
from interlock.core.services.context import App
from interlock.core.types import WorkerId
from interlock.core.worker.clocks import ClockWatch
from interlock.core.worker.holding import Place

logger = logging.getLogger(__name__)


class _Rhythm:
    """Does one thing again and again in a thread of its own: user code may block the loop, not this."""

    def __init__(self, name: str, *, every_s: float, act: Callable[[], None]) -> None:
        self._every_s = every_s
        self._act = act
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name=name, daemon=True)

    def start(self) -> None:
        """Begin, with a pause."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way may take a little."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._every_s * 2)

    def _go_on(self) -> None:
        while not self._stop.wait(self._every_s):
            self._act()


class Heart(_Rhythm):
    """Writes signs of life; where others have found the worker dead, its place ends the process."""

    def __init__(self, app: App, place: Place) -> None:
        super().__init__("heart", every_s=app.settings.heartbeat_s, act=self._beat)
        self._place = place

    def _beat(self) -> None:
        try:
            self._place.beat()
        except StoreUnavailable as exc:  # the next beat may get through
            logger.warning("heartbeat_failed", extra={"reason": str(exc)})
        except Exception:  # silence is noticed by others
            logger.exception("heartbeat_failed")


class Watchman(_Rhythm):
    """
    Looks whose heart has stopped beating, on Postgres, and takes over from those.

    In another thread than the heart's, as it may have to wait for a session to end.
    """

    def __init__(self, app: App, worker_id: WorkerId) -> None:
        super().__init__("watchman", every_s=app.settings.heartbeat_s, act=self.look)
        self._app = app
        self._worker_id = worker_id
        # While the server was away nobody could give it a sign of life; so who looks after an outage
        # waits as long as for the first.
        self._is_blind = False
        self._since: datetime | None = None
        self._clock = ClockWatch(app)
        self.and_then: Callable[[], None] = lambda: None  # what else is to be looked for each time

    def start(self) -> None:
        """Take over from who is dead by now, and go on looking where there may be others."""
        if self._app.settings.is_embedded:
            presence.take_over(self._app, self._worker_id)
            return
        self.look()
        super().start()

    def look(self) -> None:
        """Look once."""
        self._rescue()
        self._clock.look()
        self.and_then()

    def _rescue(self) -> None:
        try:
            if self._is_blind:
                self._since = presence.tell_time(self._app)
                self._is_blind = False
            rescued = presence.rescue(self._app, self._worker_id, watched_since=self._since)
        except StoreUnavailable as exc:
            self._is_blind = not isinstance(exc, StoreBusy)
            logger.warning("not_looked_for_the_dead", extra={"reason": str(exc)})
            return
        except Exception:
            logger.exception("not_looked_for_the_dead")
            return
        for each in rescued:
            logger.warning("worker_dead", extra={"worker_id": each.worker_id, "count": each.count})
