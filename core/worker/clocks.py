"""Whether this host's clock goes with the database's, by which workers of several hosts agree."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from interlock.core.errors import StoreUnavailable
from interlock.core.services import presence
from interlock.core.services.context import App

logger = logging.getLogger(__name__)

EVERY_S = 60.0
ALLOWED = timedelta(seconds=2)  # NTP keeps hosts within milliseconds


class ClockWatch:
    """
    Says in the log when it does not: times on screens and in the audit are wrong then.

    Nothing is lost by it (`graphs.ascending`), so work goes on.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._looked_at = -EVERY_S  # time.monotonic()

    def look(self) -> None:
        """Look if it is time to."""
        if time.monotonic() - self._looked_at < EVERY_S:
            return
        self._looked_at = time.monotonic()
        before = self._app.clock.now()
        try:
            theirs = presence.tell_time(self._app)
        except StoreUnavailable:  # others say so
            return
        except Exception:  # whoever called has more to look at
            logger.exception("clock_not_compared")
            return
        after = self._app.clock.now()
        ahead = max(before - theirs, theirs - after)  # the answer took a while on its way
        if ahead > ALLOWED:
            seconds = (before - theirs).total_seconds()
            logger.warning("clock_differs", extra={"seconds": round(seconds, 1)})
