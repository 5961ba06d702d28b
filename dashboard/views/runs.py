"""The list of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.run_lists import RunCount, add_up
from interlock.core.model.runs import ENDED, RunStatus, RunSummary
from interlock.core.model.workflows import WorkflowName
from interlock.core.types import RunId
from interlock.dashboard.palette import Look, look_of_run
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    NOTHING,
    format_ago,
    format_count,
    format_exact,
    format_seconds,
    one_line,
    short_id,
)
from interlock.dashboard.views.notices import Empty, offer_launch

PAGE_COUNT = 50
STATUS_GROUPS: dict[str, tuple[RunStatus, ...]] = {
    "all": (),
    "open": (RunStatus.QUEUED, RunStatus.RUNNING),
    "held": (RunStatus.WAITING, RunStatus.PAUSED),
    "done": (RunStatus.DONE, RunStatus.CONTINUED),
    "failed": (RunStatus.FAILED,),
    "cancelled": (RunStatus.CANCELLED,),
}
GROUP_NAMES = {
    "all": "All",
    "open": "Running",
    "held": "Waiting",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
DEGRADED = "Degraded: a fallback served"
NOT_DURABLE = "Not durable for a while"
MAY_HAVE_REPEATED = "May have done steps again"


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One run in a list."""

    run_id: RunId
    short: str
    workflow: str
    look: Look
    started: str
    started_at: str
    took: str
    by: str
    thread: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class RunsList:
    """The list as it is drawn; `has_more` is whether an older page exists."""

    rows: tuple[RunRow, ...]
    ids: tuple[RunId, ...]
    has_more: bool
    empty: Empty | None


def build(
    runs: Sequence[RunSummary],
    *,
    group: str,
    is_filtered: bool,
    page: int,
    workflows: Sequence[WorkflowName],
    now: datetime,
) -> RunsList:
    """
    Put one page of runs together.

    Args:
        runs: Newest first, one more than a page holds where there is an older page.
        group: Which statuses are listed, a key of `STATUS_GROUPS`.
        is_filtered: Whether a workflow, words or an error were chosen.
        page: The page, from 1.
        workflows: What could be launched to fill an empty list.
        now: Aware UTC time.
    """
    shown = runs[:PAGE_COUNT]
    return RunsList(
        rows=tuple(build_run_row(r, now=now) for r in shown),
        ids=tuple(r.run_id for r in shown),
        has_more=len(runs) > PAGE_COUNT,
        empty=None if shown else _say_empty(group, page, workflows, is_filtered=is_filtered),
    )


def name_group(group: str, counts: Mapping[RunStatus, RunCount]) -> str:
    """A tab with how many runs are behind it."""
    found = add_up(counts, STATUS_GROUPS[group])
    more = "" if found.is_all else "+"
    return f"{GROUP_NAMES[group]} {format_count(found.count)}{more}"


def build_run_row(run: RunSummary, *, now: datetime) -> RunRow:
    """One run as a row."""
    error = run.error
    failed = f"{error.type}: {one_line(error.message)}" if error else ""
    marks = (
        failed or (DEGRADED if run.is_degraded else ""),
        NOT_DURABLE if run.steps_in_memory else "",
        MAY_HAVE_REPEATED if run.may_have_repeated else "",
    )
    problem = " · ".join(mark for mark in marks if mark)
    return RunRow(
        run_id=run.run_id,
        short=short_id(run.run_id),
        workflow=run.workflow,
        look=look_of_run(run.status),
        started=format_ago(run.created_at, now),
        started_at=format_exact(run.created_at),
        took=say_took(run, now=now),
        by=show_hidden(run.created_by),
        thread=short_id(run.thread_id),
        problem=show_hidden(problem),
    )


def say_took(run: RunSummary, *, now: datetime) -> str:
    """How long the run has been, or was, at work; a run that stands before a card stopped working."""
    if run.started_at is None:
        return NOTHING
    is_over = run.status in ENDED or run.is_held
    if is_over and run.ended_at is None:
        return NOTHING
    end = run.ended_at if is_over and run.ended_at else now
    return format_seconds(max(0.0, (end - run.started_at).total_seconds()))


def _say_empty(
    group: str, page: int, workflows: Sequence[WorkflowName], *, is_filtered: bool
) -> Empty:
    if page > 1:
        return Empty("There are no older runs.")
    if group != "all" or is_filtered:
        return Empty("No run fits these filters. Choose others, or all of them.")
    return offer_launch("Nothing has run yet.", workflows)
