"""The tables of the metrics: workflows, variants, nodes, errors, reviewers (law 7 counts them)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.breaker import BreakerState
from interlock.core.model.figures import (
    MIN_FOR_P90,
    MIN_FOR_P95,
    MIN_FOR_P99,
    ErrorFigures,
    NodeFigures,
    ReviewerFigures,
    WorkflowFigures,
)
from interlock.dashboard.palette import Look, Tone, look_of_breaker
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.figure_tables import Column, FigureTable, Place, build, say_lines
from interlock.dashboard.views.formatting import (
    NOTHING,
    clip,
    format_ago,
    format_exact,
    format_plural,
    format_ratio,
    one_line,
    short_id,
)
from interlock.dashboard.views.sheets import Cell

ERRORS_COUNT = 12
RUNS_OF_ERROR_COUNT = 3
MESSAGE_LIMIT_COUNT = 300

BREAKERS: Mapping[str, Look] = {state.value: look_of_breaker(state) for state in BreakerState}

_NODE_COLUMNS = (
    Column(field="workflow", head="Workflow"),
    Column(field="path", head="Node"),
    Column(field="runs", head="Runs", unit="count", help="Tasks that ended, well or in error"),
    Column(field="error_ratio", head="Errors", unit="ratio", bar=Tone.FAILED),
    Column(field="mean_ms", head="Mean", unit="ms"),
    Column(
        field="share_ratio",
        head="Share of time",
        unit="ratio",
        bar=Tone.RUNNING,
        help="Of the run time of all nodes of its workflow",
    ),
    Column(field="p50_ms", head="p50", unit="ms"),
    Column(field="p90_ms", head="p90", unit="ms"),
    Column(field="p95_ms", head="p95", unit="ms"),
    Column(field="p99_ms", head="p99", unit="ms"),
    Column(field="attempts", head="Attempts", unit="count", help="Tries within the runs"),
    Column(field="interrupted", head="Asked", unit="count", help="Cards it asked; no errors"),
    Column(field="wait_s", head="Human time", unit="s", help="Not part of its run time"),
    Column(field="cached_ratio", head="Cached", unit="ratio", bar=Tone.CACHED),
    Column(field="short_circuited", head="Cut off", unit="count", help="Refused by its breaker"),
    Column(field="degraded", head="Fallbacks", unit="count"),
    Column(field="tokens", head="Tokens", unit="count"),
    Column(field="cost", head="Cost", unit="cost"),
    Column(field="breaker_state", head="Breaker"),
)
_PERCENTILES = {"p90_ms": MIN_FOR_P90, "p95_ms": MIN_FOR_P95, "p99_ms": MIN_FOR_P99}

_WORKFLOW_COLUMNS = (
    Column(field="workflow", head="Workflow"),
    Column(field="started", head="Started", unit="count"),
    Column(field="completed", head="Completed", unit="count"),
    Column(field="failed", head="Failed", unit="count"),
    Column(field="cancelled", head="Cancelled", unit="count"),
    Column(field="degraded", head="Degraded", unit="count"),
    Column(field="success_ratio", head="Success", unit="ratio", bar=Tone.DONE),
    Column(field="mean_ms", head="Mean", unit="ms"),
    Column(field="p50_ms", head="p50", unit="ms"),
    Column(field="p95_ms", head="p95", unit="ms"),
    Column(field="p99_ms", head="p99", unit="ms"),
    Column(field="runs_per_minute", head="A minute", unit="count"),
    Column(field="nodes_per_run", head="Nodes a run", unit="count"),
    Column(field="failed_last_hour", head="Failed, last hour", unit="count"),
    Column(field="uptime_ratio", head="Uptime", unit="ratio"),
    Column(field="tokens", head="Tokens", unit="count"),
    Column(field="cost", head="Cost", unit="cost"),
    Column(field="rating", head="Rating", unit="count"),
)
_VARIANT_COLUMNS = (Column(field="variant", head="Variant"), *_WORKFLOW_COLUMNS)

_REVIEWER_COLUMNS = (
    Column(field="actor", head="Reviewer"),
    Column(field="decided", head="Decided", unit="count"),
    Column(field="approve_ratio", head="Approved", unit="ratio", bar=Tone.DONE),
    Column(field="revised", head="Sent back", unit="count"),
    Column(field="median_s", head="Median to decide", unit="s"),
    Column(field="overdue", head="Overdue", unit="count"),
    Column(field="is_hasty", head="Looks like a rubber stamp"),
)
_ERROR_COLUMNS = (
    Column(field="error_type", head="Error"),
    Column(field="workflow", head="Workflow"),
    Column(field="path", head="Node"),
    Column(field="count", head="Count", unit="count"),
    Column(field="last_at", head="Last"),
    Column(field="message", head="Message"),
    Column(field="run_ids", head="Runs"),
)


@dataclass(frozen=True, kw_only=True)
class ErrorRow:
    """One kind of error at one node, and some of the runs that had it; `message` is foreign."""

    error_type: str
    where: str
    count: str
    last: str
    last_at: str
    message: str
    runs: tuple[tuple[str, str], ...]  # id and what the link says


def nodes_table(nodes: Sequence[NodeFigures]) -> FigureTable:
    """The nodes in the order given, which is the worst first; a percentile of too few says so."""
    rows = [[_node_cell(node, c.field) for c in _NODE_COLUMNS] for node in nodes]
    words = _too_few(_NODE_COLUMNS, [n.runs for n in nodes], _PERCENTILES)
    tones: dict[Place, Tone] = {}
    for i, node in enumerate(nodes):
        look = BREAKERS.get(node.breaker_state)
        if look:
            words[i, _at(_NODE_COLUMNS, "breaker_state")] = look.word
            tones[i, _at(_NODE_COLUMNS, "breaker_state")] = look.tone
        if not node.interrupted:
            words[i, _at(_NODE_COLUMNS, "wait_s")] = NOTHING
        if node.errors:
            tones[i, _at(_NODE_COLUMNS, "error_ratio")] = Tone.FAILED
    return build("nodes", _NODE_COLUMNS, rows, words=words, tones=tones)


def workflows_table(workflows: Sequence[WorkflowFigures]) -> FigureTable:
    """One row a workflow."""
    return _executions("workflows", _WORKFLOW_COLUMNS, workflows)


def variants_table(variants: Sequence[WorkflowFigures]) -> FigureTable:
    """One row a variant of a workflow, to be set side by side."""
    return _executions("variants", _VARIANT_COLUMNS, variants)


def side_by_side(variants: Sequence[WorkflowFigures]) -> list[dict[str, str]]:
    """The variants as columns, a figure a row; empty where there is only one to be seen."""
    if len(variants) < 2:
        return []
    table = variants_table(variants)
    lines = say_lines(table)
    return [
        {"Figure": c.head}
        | {_name_variant(v): line[j] for v, line in zip(variants, lines, strict=True)}
        for j, c in enumerate(table.columns)
        if c.field not in {"variant", "workflow"}
    ]


def reviewers_table(reviewers: Sequence[ReviewerFigures]) -> FigureTable:
    """One row a person."""
    rows: list[list[Cell]] = [
        [
            *(r.actor, r.decided, r.approve_ratio, r.revised, r.median_s, r.overdue),
            "yes" if r.is_hasty else "",
        ]
        for r in reviewers
    ]
    tones = {(i, 6): Tone.WAITING for i, r in enumerate(reviewers) if r.is_hasty}
    return build("reviewers", _REVIEWER_COLUMNS, rows, tones=tones)


def warn_of_haste(reviewers: Sequence[ReviewerFigures]) -> str:
    """Who approves nearly everything within seconds, or nothing to say."""
    hasty = [
        f"{show_hidden(r.actor)} approved {format_ratio(r.approve_ratio)} of {r.decided} cards,"
        f" half of them within {r.median_s:.3g} s"
        for r in reviewers
        if r.is_hasty
    ]
    if not hasty:
        return ""
    return (
        f"This looks like a rubber stamp: {'; '.join(hasty)}. Ask whether these cards need a human."
    )


def errors_table(errors: Sequence[ErrorFigures]) -> FigureTable:
    """The errors as data."""
    rows: list[list[Cell]] = [
        [
            e.error_type,
            e.workflow,
            e.path,
            e.count,
            format_exact(e.last_at),
            e.message,
            " ".join(e.run_ids),
        ]
        for e in errors
    ]
    return build("errors", _ERROR_COLUMNS, rows)


def error_rows(errors: Sequence[ErrorFigures], now: datetime) -> tuple[ErrorRow, ...]:
    """The most frequent errors, each with runs to look into."""
    return tuple(
        ErrorRow(
            error_type=e.error_type,
            where=f"{e.workflow} / {e.path}",
            count=format_plural(e.count, "time"),
            last=format_ago(e.last_at, now),
            last_at=format_exact(e.last_at),
            message=clip(one_line(e.message), MESSAGE_LIMIT_COUNT),
            runs=tuple((run_id, short_id(run_id)) for run_id in e.run_ids[:RUNS_OF_ERROR_COUNT]),
        )
        for e in errors[:ERRORS_COUNT]
    )


def _executions(
    name: str, columns: Sequence[Column], figures: Sequence[WorkflowFigures]
) -> FigureTable:
    rows = [[_execution_cell(f, c.field) for c in columns] for f in figures]
    counts = [f.completed + f.failed for f in figures]
    words = _too_few(columns, counts, {"p95_ms": MIN_FOR_P95, "p99_ms": MIN_FOR_P99})
    failed = _at(columns, "failed")
    tones = {(i, failed): Tone.FAILED for i, f in enumerate(figures) if f.failed}
    return build(name, columns, rows, words=words, tones=tones)


def _too_few(
    columns: Sequence[Column], counts: Sequence[int], needed: Mapping[str, int]
) -> dict[Place, str]:
    return {
        (i, _at(columns, field)): f"n = {count}"
        for i, count in enumerate(counts)
        for field, least in needed.items()
        if 0 < count < least
    }


def _at(columns: Sequence[Column], field: str) -> int:
    return next(j for j, column in enumerate(columns) if column.field == field)


def _node_cell(node: NodeFigures, field: str) -> Cell:
    if field == "tokens":
        return node.tokens_in + node.tokens_out
    cell: Cell = getattr(node, field)
    return cell


def _execution_cell(figures: WorkflowFigures, field: str) -> Cell:
    if field == "tokens":
        return figures.tokens_in + figures.tokens_out
    cell: Cell = getattr(figures, field)
    return cell


def _name_variant(figures: WorkflowFigures) -> str:
    return f"{show_hidden(figures.workflow)}: {show_hidden(figures.variant) or 'no variant'}"
