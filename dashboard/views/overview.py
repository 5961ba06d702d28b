"""The first page: what waits for us, whether work flows, and what is wrong, in one look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.breaker import Breaker, BreakerState
from interlock.core.model.caches import Counts
from interlock.core.model.figures import Metrics
from interlock.core.model.inbox_filters import COUNT_LIMIT
from interlock.core.model.workflows import WorkflowName
from interlock.dashboard.views.figures import Change, Figure
from interlock.dashboard.views.flow import find_flow_notice
from interlock.dashboard.views.formatting import (
    format_age,
    format_count,
    format_plural,
    format_ratio,
)
from interlock.dashboard.views.inbox import CardRow, build_row
from interlock.dashboard.views.metrics import GRAPHS_COUNT
from interlock.dashboard.views.metrics import name_graphs as name_busy
from interlock.dashboard.views.metrics_figures import build_figures, change_of_ratio
from interlock.dashboard.views.notices import Empty, Link, Notice, offer_launch

if TYPE_CHECKING:
    from interlock.core.services.observing import Overview

WINDOW = timedelta(hours=1)
NOTHING_BEFORE = Change("nothing before")


@dataclass(frozen=True, kw_only=True)
class FiguresView:
    """The row on top, each figure with the way to its page."""

    figures: tuple[Figure, ...]
    notice: Notice | None


@dataclass(frozen=True, kw_only=True)
class WaitingView:
    """The cards that wait longest."""

    rows: tuple[CardRow, ...]
    more: Link | None
    empty: Empty | None


def build_row_of_figures(
    overview: Overview,
    metrics: Metrics,
    breakers: Sequence[Breaker],
    lookups: tuple[Counts, Counts],
    *,
    now: datetime,
) -> FiguresView:
    """
    Put the row on top together.

    Args:
        overview: The counts of now.
        metrics: Of the last hour, so that they are those of the page of metrics.
        breakers: All of them.
        lookups: What the caches did in the last hour, and in the one before.
        now: Aware UTC time.
    """
    by_label = {f.label: f for f in build_figures(metrics.totals, metrics.before)}
    failed, p95 = by_label["Failed"], by_label["p95 of a run"]
    oldest = overview.oldest_waiting_at
    hour = {"window": "1h"}
    figures = (
        Figure(
            "Waiting",
            format_count(overview.waiting),
            _say_waiting(overview, now) if oldest else "none waits",
            alarm=overview.waiting > 0,
            link=Link("Waiting", "inbox"),
        ),
        Figure(
            "Running",
            format_count(overview.running),
            f"{format_count(overview.queued)} queued",
            link=Link("Running", "runs", {"status": "open"}),
        ),
        Figure(
            "Failed",
            failed.value,
            "in the last hour",
            alarm=failed.alarm,
            link=Link("Failed", "figures", hour),
        ),
        Figure(
            "p95",
            p95.value,
            "of a run, last hour",
            change=p95.change or NOTHING_BEFORE,  # a line is kept for it: nothing may jump
            link=Link("p95", "figures", hour),
        ),
        _say_cache(*lookups),
        _count_away(breakers),
    )
    return FiguresView(figures=figures, notice=find_flow_notice(overview))


def build_waiting(
    waiting: Sequence[ApprovalSummary],
    count: int,
    workflows: Sequence[WorkflowName],
    *,
    now: datetime,
) -> WaitingView:
    """
    The list of what waits.

    Args:
        waiting: Pending cards, oldest first; possibly fewer than are pending.
        count: How many are pending; beyond `COUNT_LIMIT` nobody counts further.
        workflows: What could be launched where none are.
        now: Aware UTC time.
    """
    more = count - len(waiting)
    said = "Many more cards" if count > COUNT_LIMIT else format_plural(more, "more card")
    label = f"{said} in the inbox"
    return WaitingView(
        rows=tuple(build_row(card, now=now) for card in waiting),
        more=Link(label, "inbox") if more > 0 else None,
        empty=None if waiting else offer_launch("Nobody waits for a decision.", workflows),
    )


def name_graphs(metrics: Metrics, workflows: Sequence[WorkflowName]) -> tuple[str, ...]:
    """The workflows whose graph can be drawn: what ran most in the window first, then by name."""
    busy = name_busy(metrics, workflows)
    loaded = sorted(w.name for w in workflows if w.error is None)
    return tuple(dict.fromkeys([*busy, *loaded]))[:GRAPHS_COUNT]


def _say_waiting(overview: Overview, now: datetime) -> str:
    oldest = f"oldest {format_age(overview.oldest_waiting_at, now)}"
    return f"{format_count(overview.overdue)} overdue, {oldest}" if overview.overdue else oldest


def _say_cache(counts: Counts, before: Counts) -> Figure:
    return Figure(
        "Cache hits",
        format_ratio(counts.hit_ratio),
        f"of {format_count(counts.lookups)}, last hour",
        change=change_of_ratio(counts.hit_ratio, before.hit_ratio, worse="less") or NOTHING_BEFORE,
        link=Link("Cache hits", "caches", {"window": "1 h"}),
    )


def _count_away(breakers: Sequence[Breaker]) -> Figure:
    away = [b for b in breakers if (b.forced or b.state) is not BreakerState.CLOSED]
    return Figure(
        "Breakers open",
        format_count(len(away)),
        f"of {format_count(len(breakers))}",
        alarm=len(away) > 0,
        link=Link("Breakers open", "breakers"),
    )
