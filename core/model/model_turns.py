"""Which model answers a call: the one that was asked, or one of those named to answer in its place."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from interlock.core.model.failure_kinds import TRANSIENT, FailureKind
from interlock.core.model.key_ring import rest_until
from interlock.core.model.policies import StandIn

OUTAGE_S = 15.0  # how long a provider rests that did not answer, or failed by itself


class Lineup:
    """A model (at place 0) and those that answer in its place, in order; called from any thread."""

    def __init__(self, model: str, stand_ins: Sequence[StandIn]) -> None:
        self.model = model
        self.stand_ins = tuple(stand_ins)
        self._rests: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def order(self, now: datetime) -> list[int]:
        """The places in the order in which to ask them: those that rest come last, the shortest first."""
        with self._lock:
            rests = {place: max(now, until) for place, until in self._rests.items()}
        return sorted(range(1 + len(self.stand_ins)), key=lambda place: rests.get(place, now))

    def find_rest(self, place: int, now: datetime) -> datetime | None:
        """Until when one rests; None if it does not."""
        with self._lock:
            until = self._rests.get(place)
        return until if until is not None and until > now else None

    def let_rest(
        self, place: int, kind: FailureKind, now: datetime, *, asked_s: float | None
    ) -> None:
        """One failed so: a rate limit rests it for as long as its provider asked, an outage shortly."""
        if kind not in TRANSIENT:
            return
        is_limited = kind is FailureKind.RATE_LIMIT or asked_s is not None
        until = (
            rest_until(now, asked_s=asked_s) if is_limited else now + timedelta(seconds=OUTAGE_S)
        )
        with self._lock:
            self._rests[place] = until
