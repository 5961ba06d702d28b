"""The metrics page: what it says about a window, put together from one reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.figures import Metrics
from interlock.core.model.workflows import WorkflowName
from interlock.dashboard.palette import Theme
from interlock.dashboard.views import metrics_charts, metrics_tables
from interlock.dashboard.views.charts import Chart
from interlock.dashboard.views.figure_tables import FigureTable
from interlock.dashboard.views.figures import Figure
from interlock.dashboard.views.formatting import format_exact, format_plural
from interlock.dashboard.views.metrics_figures import build_figures
from interlock.dashboard.views.metrics_tables import ErrorRow
from interlock.dashboard.views.metrics_window import Chosen
from interlock.dashboard.views.notices import Empty, Notice, offer_launch

GRAPHS_COUNT = 20  # workflows to choose from


@dataclass(frozen=True, kw_only=True)
class MetricsView:
    """Everything the page and its report draw; `empty` stands where nothing ran in the window."""

    span: str
    file_at: str
    notice: Notice | None
    empty: Empty | None
    figures: tuple[Figure, ...]
    workflows: FigureTable
    variants: FigureTable
    beside: list[dict[str, str]]
    nodes: FigureTable
    errors: FigureTable
    error_rows: tuple[ErrorRow, ...]
    reviewers: FigureTable
    haste: str
    latency: Chart
    volume: Chart
    wait: Chart
    heat: Chart
    span_of_point: str
    refused: str


def build(
    metrics: Metrics,
    chosen: Chosen,
    *,
    workflows: Sequence[WorkflowName],
    theme: Theme,
    now: datetime,
) -> MetricsView:
    """
    Put the page together.

    Args:
        metrics: One reading of the window.
        chosen: The window as it was asked for.
        workflows: What is loaded.
        theme: Light or dark.
        now: Aware UTC time.
    """
    window = metrics.window
    return MetricsView(
        span=f"{format_exact(window.start)} to {format_exact(window.end)}",
        file_at=f"{window.end:%Y%m%d-%H%M}",
        notice=_find_notice(metrics, chosen),
        empty=_find_empty(metrics, chosen, workflows),
        figures=build_figures(metrics.totals, metrics.before),
        workflows=metrics_tables.workflows_table(metrics.workflows),
        variants=metrics_tables.variants_table(metrics.variants),
        beside=metrics_tables.side_by_side(metrics.variants),
        nodes=metrics_tables.nodes_table(metrics.nodes),
        errors=metrics_tables.errors_table(metrics.errors),
        error_rows=metrics_tables.error_rows(metrics.errors, now),
        reviewers=metrics_tables.reviewers_table(metrics.reviewers),
        haste=metrics_tables.warn_of_haste(metrics.reviewers),
        latency=metrics_charts.latency(metrics.series, theme),
        volume=metrics_charts.volume(metrics.series, theme),
        wait=metrics_charts.wait(metrics.series, theme),
        heat=metrics_charts.heatmap(metrics.heat, theme),
        span_of_point=f"{metrics_charts.say_span(metrics.series)} · changes against {chosen.before}",
        refused=_say_refused(metrics),
    )


def _find_notice(metrics: Metrics, chosen: Chosen) -> Notice | None:
    if chosen.problem:
        return Notice("warning", chosen.problem)
    if not metrics.is_whole:
        return Notice("info", "The figures of a part of this window are still being added up.")
    return None


def _find_empty(
    metrics: Metrics, chosen: Chosen, workflows: Sequence[WorkflowName]
) -> Empty | None:
    totals = metrics.totals
    if metrics.nodes or metrics.workflows or totals.started or totals.interrupted:
        return None
    whose = f" of {chosen.window.workflow}" if chosen.window.workflow else ""
    return offer_launch(f"Nothing{whose} ran in this window.", workflows)


def _say_refused(metrics: Metrics) -> str:
    count = sum(node.short_circuited for node in metrics.nodes)
    if not count:
        return ""
    return f"{format_plural(count, 'call was', 'calls were')} refused by an open breaker, which is no error."


def name_graphs(metrics: Metrics, workflows: Sequence[WorkflowName]) -> tuple[str, ...]:
    """What can be drawn, the busiest first; a workflow that did not run has nothing to colour."""
    runs: dict[str, int] = {}
    for node in metrics.nodes:
        runs[node.workflow] = runs.get(node.workflow, 0) + node.runs
    loaded = {w.name for w in workflows if w.error is None}
    names = sorted(runs.keys() & loaded, key=lambda name: (-runs[name], name))
    return tuple(names[:GRAPHS_COUNT])
