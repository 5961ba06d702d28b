"""Figures from tallies: ratios, percentiles, order. Pure; what is counted stands in `tallies`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.core.model.figures import (
    ErrorFigures,
    Heat,
    NodeFigures,
    Point,
    ReviewerFigures,
    Series,
    Totals,
    WorkflowFigures,
)
from interlock.core.model.tallies import NodeTally, RunTally, Tallies

MAX_ERRORS = 200  # kinds of errors told of a window, the most frequent first
HEAT_NODES = 15  # those that took most of the time
HASTY_LEAST = 10  # decisions before one is called hasty
HASTY_RATIO = 0.95  # of them approved
HASTY_S = 5.0  # and half of them within this

BreakerOf = Mapping[tuple[str, str], tuple[str, str]]  # (workflow, path) -> (name, state)


@dataclass(frozen=True)
class Review:
    """
    So many decisions of one person with one verb that took as long.

    `is_approval`: approved as it was proposed, unchanged. `is_overdue`: past the card's deadline.
    `is_revision`: sent back for revision.
    """

    actor: str
    is_approval: bool
    is_overdue: bool
    seconds: float
    count: int
    is_revision: bool = False


def measure_nodes(tallies: Tallies, breakers: BreakerOf) -> list[NodeFigures]:
    """All nodes of a window, the worst first: by share of errors, then by time taken."""
    joined = _join_variants(tallies)
    spent = _spent(joined)
    found = [
        _measure_node(workflow, path, tally, spent[workflow], breakers.get((workflow, path)))
        for (workflow, path), tally in joined.items()
    ]
    return sorted(found, key=lambda n: (-(n.error_ratio or 0), -n.total_ms, n.workflow, n.path))


def _join_variants(tallies: Tallies) -> dict[tuple[str, str], NodeTally]:
    """Each node's tally, of all variants; one that stands alone is not copied, and must not be added to."""
    by_node: dict[tuple[str, str], list[NodeTally]] = {}
    for (workflow, path, _), tally in tallies.nodes.items():
        by_node.setdefault((workflow, path), []).append(tally)
    return {key: _join_nodes(some) for key, some in by_node.items()}


def _join_nodes(some: Sequence[NodeTally]) -> NodeTally:
    if len(some) == 1:
        return some[0]
    joined = NodeTally()
    for tally in some:
        joined.add(tally)
    return joined


def _join_runs(tallies: Iterable[RunTally]) -> RunTally:
    """The same for executions."""
    some = list(tallies)
    if len(some) == 1:
        return some[0]
    joined = RunTally()
    for tally in some:
        joined.add(tally)
    return joined


def _spent(joined: Mapping[tuple[str, str], NodeTally]) -> dict[str, float]:
    """The run time of each workflow's nodes; what ran within a node is in the node's own."""
    outer: dict[str, float] = {}
    whole: dict[str, float] = {}
    for (workflow, path), tally in joined.items():
        whole[workflow] = whole.get(workflow, 0.0) + tally.sum_ms
        if "/" not in path:
            outer[workflow] = outer.get(workflow, 0.0) + tally.sum_ms
    return {workflow: outer.get(workflow) or total for workflow, total in whole.items()}


def _measure_node(
    workflow: str, path: str, tally: NodeTally, spent_ms: float, breaker: tuple[str, str] | None
) -> NodeFigures:
    p50, p90, p95, p99 = _percentiles(tally, (0.5, 0.9, 0.95, 0.99))
    name, state = breaker or ("", "")
    return NodeFigures(
        workflow=workflow,
        node=path.rpartition("/")[2],
        path=path,
        runs=tally.runs,
        errors=tally.errors,
        attempts=tally.attempts,
        interrupted=tally.interrupted,
        cached=tally.cached,
        short_circuited=tally.short_circuited,
        degraded=tally.degraded,
        total_ms=tally.sum_ms,
        mean_ms=_ratio(tally.sum_ms, tally.runs),
        min_ms=tally.min_ms,
        max_ms=tally.max_ms,
        p50_ms=p50,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        wait_s=tally.wait_s,
        share_ratio=_ratio(tally.sum_ms, spent_ms) if tally.runs else None,
        error_ratio=_ratio(tally.errors, tally.runs),
        cached_ratio=_ratio(tally.cached, tally.cached + tally.runs),
        tokens_in=tally.tokens_in,
        tokens_out=tally.tokens_out,
        cost=tally.cost,
        breaker=name,
        breaker_state=state,
    )


def measure_workflows(
    tallies: Tallies, *, seconds: float, failed_last_hour: Mapping[tuple[str, str], int]
) -> tuple[list[WorkflowFigures], list[WorkflowFigures]]:
    """
    Workflows by name, and their variants.

    Args:
        tallies: Of the window.
        seconds: How long it is.
        failed_last_hour: By (workflow, variant).

    Returns:
        The workflows, and each variant of those that have any; runs without a variant are one, too.
    """
    keys = sorted({*tallies.runs, *((w, v) for w, _, v in tallies.nodes)})
    names = dict.fromkeys(workflow for workflow, _ in keys)
    varied = {workflow for workflow, variant in keys if variant}
    failed: dict[str, int] = {}
    for (workflow, _), count in failed_last_hour.items():
        failed[workflow] = failed.get(workflow, 0) + count
    workflows = [
        _measure_workflow(name, None, tallies, seconds, failed.get(name, 0)) for name in names
    ]
    variants = [
        _measure_workflow(name, variant, tallies, seconds, failed_last_hour.get((name, variant), 0))
        for name, variant in keys
        if name in varied
    ]
    return workflows, variants


def _measure_workflow(
    workflow: str, variant: str | None, tallies: Tallies, seconds: float, failed_last_hour: int
) -> WorkflowFigures:
    tally = _join_runs(
        run
        for (of, which), run in tallies.runs.items()
        if of == workflow and variant in (None, which)
    )
    nodes = [
        node
        for (of, _, which), node in tallies.nodes.items()
        if of == workflow and variant in (None, which)
    ]
    ended = tally.completed + tally.failed
    p50, p95, p99 = _percentiles(tally, (0.5, 0.95, 0.99))
    return WorkflowFigures(
        workflow=workflow,
        variant=variant or "",
        started=tally.started,
        completed=tally.completed,
        failed=tally.failed,
        cancelled=tally.cancelled,
        degraded=tally.degraded,
        success_ratio=_ratio(tally.completed, ended),
        mean_ms=_ratio(tally.sum_ms, ended),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        runs_per_minute=_ratio((ended + tally.cancelled) * 60, seconds) or 0.0,
        nodes_per_run=_ratio(tally.nodes, ended + tally.cancelled),
        failed_last_hour=failed_last_hour,
        uptime_ratio=None
        if not tally.minutes
        else (tally.minutes - tally.down_minutes) / tally.minutes,
        tokens_in=sum(node.tokens_in for node in nodes),
        tokens_out=sum(node.tokens_out for node in nodes),
        cost=sum(node.cost for node in nodes),
        rating=_ratio(tally.ratings, tally.rated),
    )


def measure_totals(tallies: Tallies, reviews: Iterable[Review], *, seconds: float) -> Totals:
    """The row of figures on top: of all workflows of a window together."""
    runs = _join_runs(tallies.runs.values())
    nodes = tallies.nodes.values()
    cached, ran = sum(n.cached for n in nodes), sum(n.runs for n in nodes)
    ended = runs.completed + runs.failed
    return Totals(
        started=runs.started,
        completed=runs.completed,
        failed=runs.failed,
        success_ratio=_ratio(runs.completed, ended),
        p95_ms=_percentiles(runs, (0.95,))[0],
        runs_per_minute=_ratio((ended + runs.cancelled) * 60, seconds) or 0.0,
        cached_ratio=_ratio(cached, cached + ran),
        wait_s=sum(n.wait_s for n in nodes),
        interrupted=sum(n.interrupted for n in nodes),
        tokens=sum(n.tokens_in + n.tokens_out for n in nodes),
        cost=sum(n.cost for n in nodes),
        active_users=len(runs.users),
        active_reviewers=len({review.actor for review in reviews}),
    )


def measure_errors(tallies: Tallies) -> list[ErrorFigures]:
    """Errors by type and node, the most frequent first."""
    joined = _join_variants(tallies)
    found = [
        ErrorFigures(
            error_type=error_type,
            workflow=workflow,
            path=path,
            count=error.count,
            last_at=error.last_at,
            message=error.message,
            run_ids=error.run_ids,
        )
        for (workflow, path), tally in joined.items()
        for error_type, error in tally.error_types.items()
        if error.last_at is not None
    ]
    return sorted(found, key=lambda e: (-e.count, e.workflow, e.path, e.error_type))[:MAX_ERRORS]


def measure_reviewers(reviews: Sequence[Review]) -> list[ReviewerFigures]:
    """Who decided how much and how fast, the busiest first."""
    by_actor: dict[str, list[Review]] = {}
    for review in reviews:
        by_actor.setdefault(review.actor, []).append(review)
    found = [_measure_reviewer(actor, own) for actor, own in by_actor.items()]
    return sorted(found, key=lambda r: (-r.decided, r.actor))


def _measure_reviewer(actor: str, own: Sequence[Review]) -> ReviewerFigures:
    decided = sum(r.count for r in own)
    approved = sum(r.count for r in own if r.is_approval)
    median_s = _median(own, decided)
    return ReviewerFigures(
        actor=actor,
        decided=decided,
        approved=approved,
        approve_ratio=approved / decided,
        median_s=median_s,
        overdue=sum(r.count for r in own if r.is_overdue),
        revised=sum(r.count for r in own if r.is_revision),
        is_hasty=decided >= HASTY_LEAST
        and approved >= decided * HASTY_RATIO
        and median_s <= HASTY_S,
    )


def _median(own: Sequence[Review], decided: int) -> float:
    in_order = sorted(own, key=lambda r: r.seconds)
    middle = [(decided - 1) // 2, decided // 2]
    return sum(_at(in_order, place) for place in middle) / 2


def _at(in_order: Sequence[Review], place: int) -> float:
    for review in in_order:
        place -= review.count
        if place < 0:
            return review.seconds
    raise AssertionError("a place is below the count")


def measure_series(
    spans: Mapping[datetime, Tallies], starts: Sequence[datetime], span: timedelta
) -> Series:
    """One point a start, empty ones too: executions that ended, with what was cached and waited."""
    points = [_measure_point(start, spans.get(start)) for start in starts]
    return Series(span_s=round(span.total_seconds()), points=points)


def _measure_point(start: datetime, tallies: Tallies | None) -> Point:
    if tallies is None:
        return Point(start=start)
    runs = _join_runs(tallies.runs.values())
    p50, p95, p99 = _percentiles(runs, (0.5, 0.95, 0.99))
    nodes = tallies.nodes.values()
    return Point(
        start=start,
        runs=runs.completed + runs.failed,
        errors=runs.failed,
        cached=sum(n.cached for n in nodes),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        wait_s=sum(n.wait_s for n in nodes),
    )


def measure_heat(
    medians: Mapping[tuple[str, str], Mapping[datetime, float | None]],
    starts: Sequence[datetime],
    *,
    is_one_workflow: bool,
) -> Heat:
    """
    The medians of nodes in each span.

    Args:
        medians: By (workflow, path), then by the start of the span.
        starts: Of all spans.
        is_one_workflow: Then a node's path is enough to name it.
    """
    cells = {
        path if is_one_workflow else f"{workflow}/{path}": [by_start.get(s) for s in starts]
        for (workflow, path), by_start in medians.items()
    }
    return Heat(hours=starts, cells=cells)


def busiest(nodes: Sequence[NodeFigures], limit: int = HEAT_NODES) -> Collection[tuple[str, str]]:
    """The nodes that took most of the time, as (workflow, path)."""
    ran = [n for n in nodes if n.runs]
    in_order = sorted(ran, key=lambda n: (-n.total_ms, n.workflow, n.path))
    return dict.fromkeys((n.workflow, n.path) for n in in_order[:limit])


def _percentiles(tally: NodeTally | RunTally, ratios: Sequence[float]) -> list[float | None]:
    """Never beyond the least and the greatest, which are known exactly."""
    if tally.min_ms is None or tally.max_ms is None:
        return [None] * len(ratios)
    low, high = tally.min_ms, tally.max_ms
    found = tally.histogram.percentiles(ratios)
    return [None if value is None else min(max(value, low), high) for value in found]


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
