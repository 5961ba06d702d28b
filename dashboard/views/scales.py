"""How a figure becomes a colour or a length: steady axes, and shades that ink stays readable on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from interlock.dashboard.palette import Theme, Tone, contrast, ground, shade
from interlock.dashboard.views.formatting import (
    format_count,
    format_duration_ms,
    format_ratio,
    format_seconds,
)

Unit = Literal["ms", "s", "count", "ratio"]

_STEPS = (1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)  # tops of an axis, times a power of ten
_CLOCK_STEPS_S = (60, 120, 240, 600, 1200, 1800, 2400, 3600, 7200, 14_400, 28_800, 43_200, 86_400)
_IN_SECONDS: dict[str, float] = {"s": 1.0, "ms": 0.001}


def format_unit(value: float | None, unit: Unit) -> str:
    """A figure in the words that all pages use for its unit; a dash for none."""
    if unit == "ms":
        return format_duration_ms(value)
    if unit == "s":
        return format_seconds(value)
    if unit == "ratio":
        return format_ratio(value)
    if value is None or value == int(value):
        return format_count(None if value is None else int(value))
    return f"{value:.3g}"


def steady_top(values: Iterable[float | None], unit: Unit = "count") -> float:
    """
    The top of an axis that starts at zero: the next round number above the largest value.

    It moves in large steps only, so that a chart keeps its axis while its figures refresh. From a
    minute to a day, round is what is round on a clock.
    """
    largest = max((v for v in values if v is not None), default=0.0)
    if largest <= 0:
        return 1.0
    in_seconds = _IN_SECONDS.get(unit)
    if in_seconds and _CLOCK_STEPS_S[0] / 2 < largest * in_seconds <= _CLOCK_STEPS_S[-1]:
        return next(step for step in _CLOCK_STEPS_S if step >= largest * in_seconds) / in_seconds
    size = 10.0 ** math.floor(math.log10(largest))
    return next((step * size for step in _STEPS if step * size >= largest), 10 * size)


def mark_axis(top: float, unit: Unit) -> tuple[list[float], list[str]]:
    """Where an axis from zero has its marks, and what they say."""
    marks = [0.0, top / 2, top]
    if unit == "count" and top / 2 != int(top / 2):
        marks = [0.0, top]
    return marks, ["0" if mark == 0 else format_unit(mark, unit) for mark in marks]


def mix(one: str, other: str, ratio: float) -> str:
    """The colour between two, `ratio` of the way to the other."""
    part = min(1.0, max(0.0, ratio))
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * part):02X}" for a, b in pairs)


def heat(ratio: float | None, tone: Tone, theme: Theme) -> str:
    """The fill of a mark for a share of the worst: the panel's grey at 0, the tone's own at 1."""
    grey = ground(theme)
    return grey.panel if ratio is None else mix(grey.panel, shade(tone, theme).fill, ratio)


def ink_on(fill: str, theme: Theme) -> str:
    """The colour of words on a fill: whichever of the theme's text and page can be read better."""
    grey = ground(theme)
    return max((grey.text, grey.page), key=lambda ink: contrast(ink, fill))
