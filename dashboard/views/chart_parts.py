"""
What every chart is made of: its parts, its axes, its names.

Every name that comes from elsewhere is escaped, as plotly reads a few tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from interlock.dashboard.palette import FONT, Look, Theme, Tone, chart_colors, ground, shade
from interlock.dashboard.views.escaping import html_escape
from interlock.dashboard.views.formatting import clip
from interlock.dashboard.views.scales import Unit, format_unit, mark_axis
from interlock.dashboard.views.sheets import Sheet

HEIGHT = 220  # pixels, whatever the figures: nothing below may jump
LANE_HEIGHT = 30
TOP, BOTTOM = 14, 46  # margins, in pixels; below, a time has a second line for its day
LABEL_LIMIT_COUNT = 28
NO_COLOR = "rgba(0,0,0,0)"
_ROOM = {"ticks": "outside", "ticklen": 6, "tickcolor": NO_COLOR}  # between an axis and its words


@dataclass(frozen=True, kw_only=True)
class Line:
    """One series; values belong to the times one by one, None where there is nothing to say."""

    name: str
    values: Sequence[float | None]
    tone: Tone | None = None  # None: a colour without a meaning


@dataclass(frozen=True, kw_only=True)
class Span:
    """One state of a lane, from `start` to `end`."""

    start: datetime
    end: datetime
    look: Look


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure for plotly, what it says in a sentence, and the table it is drawn from."""

    figure: Mapping[str, Any]
    alt: str
    sheet: Sheet
    is_empty: bool = False


def say_line(line: Line, unit: Unit) -> str:
    """A series in words: its last value and its largest."""
    known = [v for v in line.values if v is not None]
    if not known:
        return f"{line.name}: nothing to say"
    last, most = format_unit(known[-1], unit), format_unit(max(known), unit)
    return f"{line.name}: last {last}, at most {most}"


def file_of(name: str) -> str:
    """A title as a part of a file's name."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split()) or "chart"


def colors_of(lines: Sequence[Line], theme: Theme) -> list[str]:
    """The colour of each series: of its tone, or one without a meaning."""
    order = chart_colors(theme)
    return [
        shade(line.tone, theme).fill if line.tone else order[i % len(order)]
        for i, line in enumerate(lines)
    ]


def inks_of(lines: Sequence[Line], theme: Theme) -> list[str]:
    """The colour of each series' name: of its tone, or that of all words."""
    return [shade(line.tone, theme).ink if line.tone else ground(theme).text for line in lines]


def layout_of(theme: Theme, height: int, *, right: int = 16) -> dict[str, Any]:
    """What all charts have in common."""
    grey = ground(theme)
    return {
        "height": height,
        "margin": {"l": 8, "r": right, "t": TOP, "b": BOTTOM},
        "paper_bgcolor": NO_COLOR,
        "plot_bgcolor": NO_COLOR,
        "font": {"color": grey.muted, "size": 12, "family": FONT},
        "hoverlabel": {"bgcolor": grey.panel, "font": {"color": grey.text, "family": FONT}},
        "dragmode": False,
        "uirevision": "still",
    }


def time_axis(times: Sequence[datetime], theme: Theme) -> dict[str, Any]:
    """An axis over exactly these times, in UTC; points have half a step of room at both ends."""
    axis: dict[str, Any] = {
        "type": "date",
        "gridcolor": ground(theme).line,
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "nticks": 6,
        **_ROOM,
    }
    if times:
        length_s = (times[-1] - times[0]).total_seconds()
        step_s = length_s / (len(times) - 1) if len(times) > 1 else 60.0
        # A day and more: the hour alone would not say which; plotly puts the date below by itself.
        axis["tickformat"] = "%H:%M:%S" if length_s < 240 else "%H:%M\n%b %d"
        if length_s < 86_400 and times[0].date() == times[-1].date():
            axis["tickformat"] = axis["tickformat"].split("\n")[0]
        if len(times) > 2:
            axis["range"] = [_edge(times[0], -step_s / 2), _edge(times[-1], step_s / 2)]
        else:
            axis["range"] = [moment(times[0]), moment(times[-1])]
    return axis


def value_axis(top: float, unit: Unit, theme: Theme) -> dict[str, Any]:
    """An axis from zero to a steady top."""
    marks, words = mark_axis(top, unit)
    return {
        "range": [0, top * 1.04],
        "tickvals": marks,
        "ticktext": words,
        "gridcolor": ground(theme).line,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        **_ROOM,
    }


def lane_axis(names: Sequence[str]) -> dict[str, Any]:
    """A lane a name, the first on top."""
    return {
        "categoryorder": "array",
        "categoryarray": [short(name) for name in names],
        "autorange": "reversed",
        "automargin": True,
        "fixedrange": True,
        "showgrid": False,
        **_ROOM,
    }


def short(name: str) -> str:
    """A name as a label."""
    return html_escape(clip(name, LABEL_LIMIT_COUNT))


def moment(at: datetime) -> str:
    """A time as plotly reads it: without a zone, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _edge(at: datetime, shift_s: float) -> str:
    return f"{datetime.fromtimestamp(at.timestamp() + shift_s, UTC):%Y-%m-%d %H:%M:%S}"
