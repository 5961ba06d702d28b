"""What passes the guard of each breaker in this worker, counted in memory until it is written."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from interlock.core.services.tripping import SPAN_S, Counts, Traffic

KEPT_COUNT = 1000  # spans of breakers; more than an hour of many, should the database be away

_ONES = (Traffic(refused=1), Traffic(calls=1), Traffic(calls=1, errors=1))


class CallCounts:
    """Counts by breaker and span of time; from any thread, without waiting for anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, datetime], Traffic] = {}

    def note(self, name: str, at: datetime, *, has_failed: bool) -> None:
        """A call ended at this time."""
        self._add(name, at, _ONES[1 + has_failed])

    def note_refusal(self, name: str, at: datetime) -> None:
        """A call was refused at this time."""
        self._add(name, at, _ONES[0])

    def take(self) -> Counts:
        """What is to be written; it is counted here no more."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return counts

    def put_back(self, counts: Counts) -> None:
        """It could not be written; what is too much is forgotten, the oldest first."""
        with self._lock:
            for key, traffic in counts.items():
                self._counts[key] = self._counts.get(key, Traffic()) + traffic
            for key in sorted(self._counts, key=lambda each: each[1])[:-KEPT_COUNT]:
                del self._counts[key]

    def _add(self, name: str, at: datetime, one: Traffic) -> None:
        key = (name, datetime.fromtimestamp(int(at.timestamp()) // SPAN_S * SPAN_S, UTC))
        with self._lock:
            self._counts[key] = self._counts.get(key, Traffic()) + one
