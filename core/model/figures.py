"""
The figures of nodes and workflows over a window, counted as law 7 says.

`runs` = tasks that ended ok or in error; `attempts` = tries within them; `interrupted` = distinct
cards; `cached` = served without running; `wait_s` = human time, kept apart from what ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

MIN_FOR_P99 = 100  # of fewer samples the highest 1 % is less than one of them
MIN_FOR_P95 = 20
MIN_FOR_P90 = 10


@dataclass(frozen=True, kw_only=True)
class Window:
    """From `start` (included) to `end` (not included); `variant` and `workflow` None are all."""

    start: datetime
    end: datetime
    workflow: str | None = None
    variant: str | None = None

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, kw_only=True)
class NodeFigures:
    """
    One node (or tool) of a workflow in a window.

    Durations are of runs, in ms, None where none ended; `share_ratio` is its part of the run time
    of its workflow's nodes, `error_ratio` errors / runs, `cached_ratio` cached / (cached + runs).
    """

    workflow: str
    node: str
    path: str
    runs: int = 0
    errors: int = 0
    attempts: int = 0
    interrupted: int = 0
    cached: int = 0
    short_circuited: int = 0
    degraded: int = 0
    total_ms: float = 0.0
    mean_ms: float | None = None
    min_ms: float | None = None
    max_ms: float | None = None
    p50_ms: float | None = None
    p90_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    wait_s: float = 0.0
    share_ratio: float | None = None
    error_ratio: float | None = None
    cached_ratio: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    breaker: str = ""  # the name of the breaker that serves it
    breaker_state: str = ""


@dataclass(frozen=True, kw_only=True)
class WorkflowFigures:
    """
    One workflow in a window; an execution is a thread's way from a start to its end.

    Durations are of executions that completed or failed, without the time a human took; one that
    failed and was then given up has failed. `uptime_ratio` is the
    share of minutes with an end that were not all failures.
    """

    workflow: str
    variant: str = ""
    started: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    degraded: int = 0
    success_ratio: float | None = None
    mean_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    runs_per_minute: float = 0.0
    nodes_per_run: float | None = None
    failed_last_hour: int = 0
    uptime_ratio: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    rating: float | None = None


@dataclass(frozen=True, kw_only=True)
class ErrorFigures:
    """Errors of one type at one node; `run_ids` are some of the newest runs that had it."""

    error_type: str
    workflow: str
    path: str
    count: int
    last_at: datetime
    message: str
    run_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ReviewerFigures:
    """
    One person's decisions, `revised` of them sent back for revision. `is_hasty`: many, nearly all approved,
    each within seconds (B8).
    """

    actor: str
    decided: int
    approved: int
    approve_ratio: float
    median_s: float
    overdue: int
    is_hasty: bool
    revised: int = 0


@dataclass(frozen=True, kw_only=True)
class Point:
    """
    One span of a series over time: the executions that ended in it.

    `runs` completed or failed (`errors` of them), percentiles are of their durations; `cached` and
    `wait_s` are of all their nodes.
    """

    start: datetime
    runs: int = 0
    errors: int = 0
    cached: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    wait_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Series:
    """Points one after the other, `span_s` apart, none left out."""

    span_s: int
    points: Sequence[Point]


@dataclass(frozen=True, kw_only=True)
class Heat:
    """
    Median ms of each node in each hour (in each day, of a window of eight days or more).

    `cells[path][n]` belongs to `hours[n]`, None where none ran; of all workflows together it is
    `cells["workflow/path"]`. Only the nodes that took most of the time are in it.
    """

    hours: Sequence[datetime]
    cells: Mapping[str, Sequence[float | None]]


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The row of figures on top of a page."""

    started: int = 0
    completed: int = 0
    failed: int = 0
    success_ratio: float | None = None
    p95_ms: float | None = None
    runs_per_minute: float = 0.0
    cached_ratio: float | None = None
    wait_s: float = 0.0
    interrupted: int = 0
    tokens: int = 0
    cost: float = 0.0
    active_users: int = 0
    active_reviewers: int = 0


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """All of one window, from one reading of the database, so that the numbers agree."""

    window: Window
    totals: Totals
    before: Totals  # of the window just before, as long
    nodes: Sequence[NodeFigures]  # the worst first
    workflows: Sequence[WorkflowFigures]
    variants: Sequence[WorkflowFigures]
    errors: Sequence[ErrorFigures]
    reviewers: Sequence[ReviewerFigures]
    series: Series
    heat: Heat
    variant_names: Sequence[str] = ()  # of the window's one workflow, whatever variant it is of
    is_whole: bool = True  # False where rollups of the window are still being made
