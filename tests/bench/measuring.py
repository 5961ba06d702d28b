"""Rows of the report, and the pairing of two sides: taken in turn, compared by the median ratio."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTHS = (58, 26, 30, 12)


@dataclass(frozen=True)
class Row:
    """One line of the report; `ok` is None where the bar has nothing to compare with here."""

    figure: str
    measured: str
    bar: str
    ok: bool | None

    def __str__(self) -> str:
        """The line."""
        verdict = {True: "holds", False: "MISSED", None: "-"}[self.ok]
        cells = (self.figure, self.measured, self.bar, verdict)
        return "  ".join(c.ljust(w) for c, w in zip(cells, WIDTHS, strict=True)).rstrip()


@dataclass(frozen=True)
class Pairs:
    """Rates of both sides, measured in turn within one call."""

    ours: Sequence[float]
    other: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios: what the machine does besides hits both of a pair."""
        return statistics.median(a / b for a, b in zip(self.ours, self.other, strict=True))

    def describe(self, unit: str) -> str:
        """Both medians and the ratio."""
        ours, other = statistics.median(self.ours), statistics.median(self.other)
        return f"{ours:.1f} against {other:.1f} {unit}: {self.ratio:.2f}"


def take_pairs(ours: Callable[[], float], other: Callable[[], float], *, pairs: int) -> Pairs:
    """Measure both sides in turn, after one warm-up of each."""
    ours(), other()
    first: list[float] = []
    second: list[float] = []
    for _ in range(pairs):
        first.append(ours())
        second.append(other())
    return Pairs(first, second)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
