"""The lower half of the overview: the last hour as a picture, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.core.model.breaker import BreakerEvent
from interlock.core.model.figures import Metrics
from interlock.dashboard.palette import Theme
from interlock.dashboard.views import metrics_charts
from interlock.dashboard.views.charts import Chart
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    clip,
    format_ago,
    format_exact,
    one_line,
    short_id,
)

if TYPE_CHECKING:
    from interlock.core.services.observing import Change

CHANGES_COUNT = 8
CHANGES_READ_COUNT = 100  # launches among them, which are left out
_REASON_LIMIT_COUNT = 80
_ROUTINE = {"launch", "launch batch"}  # would drown the rest; the list of runs has them
_WORDS = {"closed": "closed", "open": "opened", "half_open": "probes"}
_DECIDED = "decide:"
_VERBS = {
    "approve": "approved",
    "reject": "rejected",
    "edit": "approved with changes",
    "respond": "responded to",
    "answer": "answered",
    "fallback": "took the fallback for",
    "skip": "skipped the node of",
    "stop": "stopped the run of",
}


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """One thing that changed, in one line; its words are foreign."""

    text: str
    ago: str
    at: str


@dataclass(frozen=True, kw_only=True)
class SightView:
    """Everything the lower half draws."""

    hour: Chart
    changes: tuple[ChangeRow, ...]
    as_of: str


def build(
    metrics: Metrics,
    *,
    trips: Sequence[BreakerEvent],
    changes: Sequence[Change],
    theme: Theme,
    now: datetime,
) -> SightView:
    """
    Put it together.

    Args:
        metrics: Of the last hour.
        trips: What happened to the breakers.
        changes: What people did.
        theme: Light or dark.
        now: Aware UTC time.
    """
    return SightView(
        hour=metrics_charts.hour(metrics.series, theme),
        changes=_merge(trips, [c for c in changes if c.action not in _ROUTINE], now),
        as_of=f"as of {format_exact(now)}",
    )


def _merge(
    trips: Sequence[BreakerEvent], changes: Sequence[Change], now: datetime
) -> tuple[ChangeRow, ...]:
    found = [(trip.at, _say_trip(trip)) for trip in trips if not trip.actor]
    found += [(change.at, _say_change(change)) for change in changes]
    newest = sorted(found, key=lambda each: each[0], reverse=True)[:CHANGES_COUNT]
    return tuple(
        ChangeRow(text=text, ago=format_ago(at, now), at=format_exact(at)) for at, text in newest
    )


def _say_trip(trip: BreakerEvent) -> str:
    word = _WORDS.get(str(trip.after), str(trip.after))
    return show_hidden(f"Breaker {trip.name} {word}: {one_line(trip.cause)}")


def _say_change(change: Change) -> str:
    what, _, name = change.object.partition(":")
    reason = f": {clip(one_line(change.reason), _REASON_LIMIT_COUNT)}" if change.reason else ""
    verb = _VERBS.get(change.action.removeprefix(_DECIDED), "")
    if verb and change.action.startswith(_DECIDED):
        return show_hidden(f"{change.actor} {verb} card {short_id(name)}{reason}")
    verb = change.action.replace(":", " ")
    return show_hidden(f"{change.actor}: {verb} ({what} {short_id(name)}){reason}")
