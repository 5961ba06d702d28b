"""The overview: is anyone waiting on us, is anything wrong, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.runs import RunSummary
from interlock.core.model.workflows import WorkflowName
from interlock.dashboard.views.figures import Figure
from interlock.dashboard.views.flow import find_flow_notice
from interlock.dashboard.views.formatting import (
    format_age,
    format_ago,
    format_count,
    format_exact,
    format_plural,
)
from interlock.dashboard.views.inbox import CardRow, build_row
from interlock.dashboard.views.notices import Empty, Notice, offer_launch
from interlock.dashboard.views.runs import RunRow, build_run_row

if TYPE_CHECKING:
    from interlock.core.services.observing import Overview

FIGURES_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class OverviewView:
    """Everything the page draws."""

    figures: tuple[Figure, ...]
    notice: Notice | None
    waiting: tuple[CardRow, ...]
    waiting_more: str
    nothing_waits: Empty | None
    running: tuple[RunRow, ...]
    nothing_runs: str
    failed: tuple[RunRow, ...]
    nothing_failed: str
    as_of: str


def build(
    overview: Overview,
    *,
    waiting: Sequence[ApprovalSummary],
    running: Sequence[RunSummary],
    failed: Sequence[RunSummary],
    workflows: Sequence[WorkflowName],
    now: datetime,
) -> OverviewView:
    """
    Put the page together.

    Args:
        overview: The counts.
        waiting: Pending cards, oldest first; possibly fewer than are pending.
        running: Open runs, newest first.
        failed: Failed runs, newest first; older ones than the window are left out.
        workflows: What could be launched.
        now: Aware UTC time.
    """
    since = now - FIGURES_WINDOW
    recent = [r for r in failed if (r.ended_at or r.created_at) >= since]
    more = overview.waiting - len(waiting)
    return OverviewView(
        figures=_figures(overview, now),
        notice=find_flow_notice(overview),
        waiting=tuple(build_row(a, now=now) for a in waiting),
        waiting_more=f"and {format_plural(more, 'more card')} in the inbox" if more > 0 else "",
        nothing_waits=None if waiting else offer_launch("Nobody waits for a decision.", workflows),
        running=tuple(build_run_row(r, now=now) for r in running),
        nothing_runs="" if running else "Nothing runs at the moment.",
        failed=tuple(build_run_row(r, now=now) for r in recent),
        nothing_failed="" if recent else f"Nothing failed since {format_exact(since)}.",
        as_of=f"as of {format_exact(overview.at)}",
    )


def _figures(overview: Overview, now: datetime) -> tuple[Figure, ...]:
    oldest = overview.oldest_waiting_at
    beat = overview.newest_heartbeat_at
    return (
        Figure(
            "Waiting for a human",
            format_count(overview.waiting),
            f"oldest {format_age(oldest, now)}" if oldest else "none waits",
            alarm=overview.waiting > 0,
        ),
        Figure(
            "Running", format_count(overview.running), f"{format_count(overview.queued)} queued"
        ),
        Figure(
            "Failed, last hour",
            format_count(overview.failed_last_hour),
            alarm=overview.failed_last_hour > 0,
        ),
        Figure("Done, last hour", format_count(overview.done_last_hour)),
        Figure(
            "Workers",
            format_count(overview.workers_alive),
            f"last sign {format_ago(beat, now)}" if beat else "none has started yet",
            alarm=overview.workers_alive == 0,
        ),
    )
