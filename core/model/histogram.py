"""
A histogram of durations that can be merged: what percentiles are read from when the rows are gone.

Buckets grow by a constant factor, so a percentile is off by a constant share of itself at most, and
two histograms added are the histogram of both (DESIGN.md section 7).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from interlock.core.types import Json

ERROR_RATIO = 0.015  # a percentile is at most so much off; the bar is 0.02
LEAST = 1e-3  # ms; whatever is shorter counts as no time at all
_GROWTH = (1 + ERROR_RATIO) / (1 - ERROR_RATIO)
_PER_LOG = 1 / math.log(_GROWTH)
_ZERO = -100_000  # the bucket of what took no time


class Histogram:
    """
    Counts of values by bucket.

    Source: DDSketch (Masson, Rim, Lee 2019), without its bound on the number of buckets: durations
    from a microsecond to a month fill some nine hundred at most.
    """

    __slots__ = ("_counts", "count")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0

    def add(self, value: float) -> None:
        """Count one value; negative ones count as 0."""
        index = math.ceil(math.log(value) * _PER_LOG) if value > LEAST else _ZERO
        self._counts[index] = self._counts.get(index, 0) + 1
        self.count += 1

    def merge(self, other: Histogram) -> None:
        """Count all that another one counted."""
        counts, get = self._counts, self._counts.get
        for index, count in other._counts.items():
            counts[index] = get(index, 0) + count
        self.count += other.count

    def percentiles(self, ratios: Sequence[float]) -> list[float | None]:
        """
        Values below which these shares of all values lie, as numpy reads them; None where there are none.

        Args:
            ratios: From 0 to 1, rising.
        """
        if not self.count:
            return [None] * len(ratios)
        indexes = sorted(self._counts)
        seen = list(accumulate(map(self._counts.__getitem__, indexes)))
        return [_interpolate(indexes, seen, ratio * (self.count - 1)) for ratio in ratios]

    def percentile(self, ratio: float) -> float | None:
        """The value below which this share of all values lies."""
        return self.percentiles((ratio,))[0]

    def as_json(self) -> Json:
        """The stored form: the buckets, their counts, and the median for who wants no more."""
        indexes = sorted(self._counts)
        return [indexes, [self._counts[index] for index in indexes], self.percentile(0.5)]

    def merge_json(self, stored: Json) -> None:
        """Count all that a stored one counted."""
        if self._counts:
            counts, get = self._counts, self._counts.get
            for index, count in zip(stored[0], stored[1], strict=True):
                counts[index] = get(index, 0) + count
        else:  # the heatmap reads thousands of them, each by itself
            self._counts = dict(zip(stored[0], stored[1], strict=True))
        self.count += sum(stored[1])

    @classmethod
    def of(cls, values: Iterable[float]) -> Histogram:
        """The histogram of these values."""
        made = cls()
        for value in values:
            made.add(value)
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]


def _interpolate(indexes: Sequence[int], seen: Sequence[int], rank: float) -> float:
    """The value at a place among all, between two of them where it is none; `seen` adds up the counts."""
    below = math.floor(rank)
    lower = _value_of(indexes[bisect_right(seen, below)])
    upper = _value_of(indexes[bisect_right(seen, min(below + 1, seen[-1] - 1))])
    return lower + (upper - lower) * (rank - below)


def _value_of(index: int) -> float:
    """The value that is off by the same share from both ends of a bucket."""
    return 0.0 if index == _ZERO else float(2 * _GROWTH**index / (_GROWTH + 1))
