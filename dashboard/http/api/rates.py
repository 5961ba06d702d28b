"""
How often one caller may ask, and how many of their requests may stay open at once.

Counted in this process alone: each web process has its own count, and a restart forgets it.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime

from interlock.core.errors import RateLimited

MOST_CALLERS = 10_000  # remembered; one that is forgotten has its full measure again
MOST_OPEN = 500  # requests that wait or stream, of all callers
MOST_OPEN_EACH = 100
TRY_AGAIN_S = 1.0
NOTE_EVERY_S = 30.0


class Rates:
    """A bucket for each caller: it holds a minute's requests, and fills evenly."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, caller: Hashable, *, a_minute: int, at: datetime) -> None:
        """
        Count a request.

        Args:
            caller: Whose.
            a_minute: How many they may send in a minute; 0 is any number.
            at: The time, for the refusal.

        Raises:
            RateLimited: It is one too many.
        """
        if not a_minute:
            return
        now = self._now()
        left, since = self._buckets.pop(caller, (float(a_minute), now))
        left = min(float(a_minute), left + (now - since) * a_minute / 60)
        is_free = left >= 1
        self._buckets[caller] = (left - is_free, now)
        while len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        if not is_free:
            wait_s = (1 - left) * 60 / a_minute
            text = f"More than {a_minute} requests a minute."
            raise RateLimited(text, name="api", now=at, wait_s=wait_s)


class Uses:
    """Says of a caller now and then that it is time to note that they are still there."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._noted: OrderedDict[Hashable, float] = OrderedDict()

    def is_due(self, caller: Hashable) -> bool:
        """Whether it was not so for half a minute."""
        now = self._now()
        last = self._noted.pop(caller, None)
        is_due = last is None or now - last >= NOTE_EVERY_S
        self._noted[caller] = now if last is None or is_due else last
        while len(self._noted) > MOST_CALLERS:
            self._noted.popitem(last=False)
        return is_due


class Places:
    """Requests that stay open; each costs a look at the database from time to time."""

    def __init__(self) -> None:
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def take(self, caller: Hashable, *, at: datetime) -> Iterator[None]:
        """
        Stay open as long as the block lasts.

        Raises:
            RateLimited: Too many are open.
        """
        if self._taken[caller] >= MOST_OPEN_EACH or self._taken.total() >= MOST_OPEN:
            text = "Too many requests wait or stream at once."
            raise RateLimited(text, name="api", now=at, wait_s=TRY_AGAIN_S)
        self._taken[caller] += 1
        try:
            yield
        finally:
            self._taken[caller] -= 1
            if not self._taken[caller]:
                del self._taken[caller]


places = Places()  # one a process, as there is one loop
