"""
Totals of all time for systems that watch from outside, at a cost that does not grow with time.

What ended long ago is counted once a process and remembered; only the recent end is read each time.
The totals are of the whole installation: any process that is asked says the same, but for records
that reach the database later than `SETTLED_AFTER`. Those are not seen by a process that has counted
their minute already; one that starts afterwards counts them. (The minutes of `rollup_due` would not
tell of them: a worker takes them off as soon as it has counted them.)
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from interlock.core.model.totals import Standing, Totals
from interlock.core.services.context import App
from interlock.core.services.observing import ALIVE_S
from interlock.core.store import engine
from interlock.core.store import totals as store

# Records are written within a moment. After a longer outage of the database they come later than
# this, and are in the figures of the pages, but not in the totals of processes that ran through it.
SETTLED_AFTER = timedelta(minutes=2)
REREAD_AFTER = timedelta(seconds=1)  # several that ask at once share one reading
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One reading: all that ever ended, and what stands at `at`."""

    totals: Totals
    standing: Standing
    at: datetime


class Counter:
    """Counts for one process; may be asked from any thread."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._settled = Totals()
        self._settled_to = LONG_AGO
        self._last: Counted | None = None

    def read(self) -> Counted:
        """
        Count everything up to now.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        with self._lock:
            now = self._app.clock.now()
            if self._last is None or not timedelta() <= now - self._last.at < REREAD_AFTER:
                self._last = self._count(now)
            return self._last

    def _count(self, now: datetime) -> Counted:
        # Whole minutes: a row of a minute's counts belongs to one side or the other.
        until = (now - SETTLED_AFTER).replace(second=0, microsecond=0)
        with engine.read(self._app.engine) as conn:
            if until > self._settled_to:
                more = store.fetch_totals(conn, since=self._settled_to, until=until)
                self._settled, self._settled_to = self._settled.plus(more), until
            recent = store.fetch_totals(
                conn, since=self._settled_to, until=now + timedelta(minutes=1)
            )
            standing = store.fetch_standing(conn, now=now, alive_s=ALIVE_S)
        return Counted(totals=self._settled.plus(recent), standing=standing, at=now)
