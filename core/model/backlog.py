"""How long the queue of runs may get, and when to try again where it is full (back-pressure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SOONEST_S = 1.0
LATEST_S = 300.0
UNKNOWN_S = 30.0  # how long a hold lasts is up to whoever holds
SLACK_RATIO = 0.05  # of the bound: who comes back at the first free place finds it taken


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """
    What waits for a worker, and how much may.

    `waiting` is counted a little beyond `most` and no further. `oldest_at` is since when the run that is
    next in turn has waited; None where all of it is held.
    """

    waiting: int
    most: int
    oldest_at: datetime | None = None

    def has_room(self, starts: int) -> bool:
        """Whether so many more may be launched."""
        return self.waiting + starts <= self.most

    def estimate_wait_s(self, starts: int, *, now: datetime) -> float:
        """
        After how many seconds there should be room for so many, and a little more.

        The run that is next has seen the whole queue pass before it, so the queue moves by its own
        length in the time which that one has waited.

        Source: J. D. C. Little, "A Proof for the Queuing Formula: L = λW", 1961.
        """
        if self.oldest_at is None:
            return UNKNOWN_S
        if not self.waiting:
            return SOONEST_S
        wanted = min(self.waiting, self.waiting + starts - self.most + self.most * SLACK_RATIO)
        waited_s = max(0.0, (now - self.oldest_at).total_seconds())
        return min(max(waited_s * wanted / self.waiting, SOONEST_S), LATEST_S)
