"""What passes the guard of each breaker in this worker, counted in memory until it is written."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from interlock.core.services.tripping import SPAN_S, Counts, Traffic

KEPT_COUNT = 1000  # spans, of all breakers together: the bound while the database is away

_CALLS, _ERRORS, _REFUSED = range(
    3
)  # of a `Traffic`, counted up in place: a healthy call is to cost little


class CallCounts:
    """Counts by breaker and span of time; from any thread, without waiting for anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, int], list[int]] = {}  # by name and number of the span

    def note(self, name: str, at: datetime, *, has_failed: bool) -> None:
        """A call ended at this time."""
        with self._lock:
            counts = self._find(name, at)
            counts[_CALLS] += 1
            counts[_ERRORS] += has_failed

    def note_refusal(self, name: str, at: datetime) -> None:
        """A call was refused at this time."""
        with self._lock:
            self._find(name, at)[_REFUSED] += 1

    def take(self) -> Counts:
        """What is to be written; it is counted here no more."""
        with self._lock:
            counted, self._counts = self._counts, {}
        return {
            (name, datetime.fromtimestamp(span * SPAN_S, UTC)): Traffic(*counts)
            for (name, span), counts in counted.items()
        }

    def put_back(self, counts: Counts) -> None:
        """It could not be written; what is too much is forgotten, the oldest first."""
        with self._lock:
            for (name, start), traffic in counts.items():
                known = self._find(name, start)
                known[:] = [a + b for a, b in zip(known, traffic, strict=True)]
            for key in sorted(self._counts, key=lambda each: each[1])[:-KEPT_COUNT]:
                del self._counts[key]

    def _find(self, name: str, at: datetime) -> list[int]:
        key = (name, int(at.timestamp()) // SPAN_S)
        return self._counts.get(key) or self._counts.setdefault(key, [0, 0, 0])
