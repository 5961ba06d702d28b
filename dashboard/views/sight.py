"""The lower half of the overview: how fast and how sound the last hour was, and what changed in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.core.model.breaker import Breaker, BreakerEvent, BreakerState
from interlock.core.model.figures import Metrics
from interlock.core.model.workflows import WorkflowName
from interlock.dashboard.palette import Theme
from interlock.dashboard.views import metrics_charts
from interlock.dashboard.views.charts import Chart
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.figures import Figure
from interlock.dashboard.views.formatting import (
    clip,
    format_ago,
    format_count,
    format_exact,
    one_line,
    short_id,
)
from interlock.dashboard.views.metrics import name_graphs
from interlock.dashboard.views.metrics_figures import build_figures

if TYPE_CHECKING:
    from interlock.core.services.observing import Change

CHANGES_COUNT = 8
_LABELS = ("p95 of a run", "From cache", "Runs a minute", "Human time")
CHANGES_READ_COUNT = 100  # launches among them, which are left out
_REASON_LIMIT_COUNT = 80
_ROUTINE = {"launch", "launch batch"}  # would drown the rest; the list of runs has them
_WORDS = {"closed": "closed", "open": "opened", "half_open": "probes"}


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """One thing that changed, in one line; its words are foreign."""

    text: str
    ago: str
    at: str


@dataclass(frozen=True, kw_only=True)
class SightView:
    """Everything the lower half draws."""

    figures: tuple[Figure, ...]
    volume: Chart
    wait: Chart
    graph_names: tuple[str, ...]
    changes: tuple[ChangeRow, ...]


def build(
    metrics: Metrics,
    *,
    breakers: Sequence[Breaker],
    trips: Sequence[BreakerEvent],
    changes: Sequence[Change],
    workflows: Sequence[WorkflowName],
    theme: Theme,
    now: datetime,
) -> SightView:
    """
    Put it together.

    Args:
        metrics: Of the last hour.
        breakers: All of them.
        trips: What happened to them.
        changes: What people did.
        workflows: What is loaded.
        theme: Light or dark.
        now: Aware UTC time.
    """
    figures = build_figures(metrics.totals, metrics.before)
    kept = [figure for figure in figures if figure.label in _LABELS]
    return SightView(
        figures=(*kept, _count_open(breakers)),
        volume=metrics_charts.volume(metrics.series, theme),
        wait=metrics_charts.wait(metrics.series, theme),
        graph_names=name_graphs(metrics, workflows),
        changes=_merge(trips, [c for c in changes if c.action not in _ROUTINE], now),
    )


def _count_open(breakers: Sequence[Breaker]) -> Figure:
    away = [b for b in breakers if (b.forced or b.state) is not BreakerState.CLOSED]
    return Figure(
        "Breakers open", format_count(len(away)), f"of {len(breakers)}", alarm=len(away) > 0
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
    verb = change.action.replace(":", " ")
    return show_hidden(f"{change.actor}: {verb} ({what} {short_id(name)}){reason}")
