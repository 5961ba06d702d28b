"""
The rules: what is wrong at this moment, by the figures of it.

Too few runs say nothing about a share or a mean, so each rule about them has a smallest number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlencode

from interlock.core.model import failure_kinds
from interlock.core.model.alerts import (
    AlertFigures,
    BreakerReading,
    FailureReading,
    Finding,
    Rule,
    RuleName,
    Rules,
    Severity,
    WorkflowHistory,
    WorkflowReading,
)
from interlock.core.model.failure_kinds import FailureKind

WINDOW_S = 300  # of what ended: shares and means
TRAFFIC_S = 900  # of what was launched
FAILURES_S = 900  # how long a single failure is told
MIN_ENDED = 5  # fewer runs than this say nothing about a share or a mean
MIN_ENDED_ANOMALY = 20
MIN_FAILED_ANOMALY = 3
MIN_USUAL = 10.0  # launches within the span; fewer come and go by chance
DEGRADED_MS = 10_000.0
MIN_DAYS = 3  # of the same time of day, to call a traffic usual
MIN_HOURS = 12  # with runs enough, to call a share of failures usual
P95 = 0.95
FAILURES = failure_kinds.PERMANENT | {FailureKind.UNKNOWN}  # kinds that are told by themselves

_WORKERS = "workers"


def find(figures: AlertFigures, rules: Rules) -> tuple[Finding, ...]:
    """All that is wrong now, by the rules that are switched on."""
    return tuple(
        finding
        for name, look in _LOOKS.items()
        if rules[name].enabled
        for finding in look(figures, rules[name])
    )


COVERED = frozenset(RuleName) - {RuleName.STORE_OUTAGE}  # what `find` can tell, and tell the end of


def usual_traffic(days: Sequence[int], before: Sequence[int]) -> float | None:
    """
    How many launches are usual within a span; None where too little is known.

    Args:
        days: Launches within the same span of each day before, as far as the workflow was known then.
        before: Launches within each of the spans just before this one, likewise.
    """
    known = days if len(days) >= MIN_DAYS else before
    return sum(known) / len(known) if len(known) >= MIN_DAYS else None


def usual_errors(hours: Sequence[tuple[int, int]]) -> float | None:
    """
    The share of failed runs that 95 % of the hours stayed under or at; None of too few hours.

    Args:
        hours: Ended and failed runs of each hour.
    """
    ratios = sorted(failed / ended for ended, failed in hours if ended >= MIN_ENDED)
    if len(ratios) < MIN_HOURS:
        return None
    return ratios[min(len(ratios) - 1, int(P95 * len(ratios)))]


def _error_rate(figures: AlertFigures, rule: Rule) -> Iterator[Finding]:
    for seen in figures.workflows:
        ratio = _error_ratio(seen)
        if ratio is not None and ratio > _bound(rule):
            yield _about(
                seen,
                rule,
                f"{_percent(ratio)} of {seen.ended} runs failed within 5 minutes",
                "Look at what they failed with; retry them together once the cause is mended.",
                value=ratio,
                link=_link("runs", status="failed", workflow=seen.workflow),
            )


def _latency(figures: AlertFigures, rule: Rule) -> Iterator[Finding]:
    for seen in figures.workflows:
        mean_ms = seen.mean_ms if seen.ended >= MIN_ENDED else None
        if mean_ms is not None and mean_ms > _bound(rule):
            yield _about(
                seen,
                rule,
                f"{seen.ended} runs took {_seconds(mean_ms)} on average within 5 minutes",
                "The node table says which node takes the time: a slow service, retries, or a wait"
                " for a free worker.",
                value=mean_ms,
                link=_link("figures", workflow=seen.workflow),
            )


def _traffic(figures: AlertFigures, rule: Rule) -> Iterator[Finding]:
    started = {seen.workflow: seen for seen in figures.workflows}
    for workflow, usual in sorted(figures.history.items()):
        expected = usual.usual_started
        seen = started.get(workflow, WorkflowReading(workflow=workflow))
        if expected is None or expected < MIN_USUAL or seen.started >= expected * _bound(rule):
            continue
        yield _about(
            seen,
            rule,
            f"{seen.started} runs were launched within 15 minutes, {expected:.0f} are usual",
            "See whether what launches them still can: its address, its token, its own queue.",
            value=seen.started / expected,
            link=_link("runs", workflow=workflow),
        )


def _error_anomaly(figures: AlertFigures, rule: Rule) -> Iterator[Finding]:
    for seen in figures.workflows:
        usual = figures.history.get(seen.workflow, WorkflowHistory()).error_p95
        is_many = seen.ended >= MIN_ENDED_ANOMALY and seen.failed >= MIN_FAILED_ANOMALY
        ratio = seen.failed / seen.ended if is_many else None
        if usual is not None and ratio is not None and ratio > usual:
            yield _about(
                seen,
                rule,
                f"{_percent(ratio)} of runs fail; in 95 % of its hours at most {_percent(usual)} do",
                "Something changed lately: a release, a model, a service it calls.",
                value=ratio,
                threshold=usual,
                link=_link("runs", status="failed", workflow=seen.workflow),
            )


def _degraded(figures: AlertFigures, rule: Rule) -> Iterator[Finding]:
    for seen in figures.workflows:
        ratio = _error_ratio(seen)
        is_slow = seen.mean_ms is not None and seen.mean_ms > DEGRADED_MS
        if ratio is not None and ratio > _bound(rule) and is_slow:
            yield _about(
                seen,
                rule,
                f"degraded: {_percent(ratio)} of runs fail and they take {_seconds(seen.mean_ms)}",
                "A service it needs is likely down and waited for: put a time-out and a breaker on"
                " the node, or hold the workflow until the service is back.",
                value=ratio,
                link=_link("runs", status="failed", workflow=seen.workflow),
            )


def _breaker(figures: AlertFigures, rule: Rule) -> Iterator[Finding]:
    for seen in figures.breakers:
        yield Finding(
            rule=rule.name,
            object=seen.name,
            severity=Severity.INFO if seen.is_forced else rule.severity,
            title=f"Breaker {seen.name} is open{_refused(seen)}",
            advice="An operator opened it: close it when the reason has gone."
            if seen.is_forced
            else "What it guards keeps failing. It tries again by itself; what failed is on its page.",
            link=_link("breakers", name=seen.name),
        )


def _permanent(figures: AlertFigures, rule: Rule) -> Iterator[Finding]:
    return _failures(rule, [f for f in figures.failures if f.kind in failure_kinds.PERMANENT])


def _unknown(figures: AlertFigures, rule: Rule) -> Iterator[Finding]:
    return _failures(rule, [f for f in figures.failures if f.kind == FailureKind.UNKNOWN])


def _failures(rule: Rule, failures: Sequence[FailureReading]) -> Iterator[Finding]:
    for seen in failures:
        times = "once" if seen.count == 1 else f"{seen.count} times"
        what = f"{seen.path} failed {times} with {seen.error_type} ({_words(seen.kind)})"
        yield Finding(
            rule=rule.name,
            object=f"{seen.workflow}/{seen.path}: {seen.error_type}",
            severity=rule.severity,
            title=f"{seen.workflow}: {what}",
            advice=failure_kinds.ADVICE[seen.kind],
            link=_link("run", run_id=seen.run_id),
            value=float(seen.count),
        )


def _overdue(figures: AlertFigures, rule: Rule) -> Iterator[Finding]:
    for seen in figures.overdue:
        yield Finding(
            rule=rule.name,
            object=seen.workflow,
            severity=rule.severity,
            title=f"{seen.workflow}: {_cards(seen.count)} overdue",
            advice="Decide, or extend what needs more time. `on_timeout` in interlock.toml decides for"
            " you when nobody does.",
            link=_link("inbox", workflow=seen.workflow),
            value=float(seen.count),
        )


def _escalated(figures: AlertFigures, rule: Rule) -> Iterator[Finding]:
    for seen in figures.escalated:
        yield Finding(
            rule=rule.name,
            object=f"{seen.workflow}: {seen.group}",
            severity=rule.severity,
            title=f"{seen.workflow}: {_cards(seen.count)} escalated to {seen.group}",
            advice="Nobody decided before the deadline. Whoever belongs to this group decides now.",
            link=_link("inbox", workflow=seen.workflow),
            value=float(seen.count),
        )


def _cards(count: int) -> str:
    return "one card is" if count == 1 else f"{count} cards are"


def _no_worker(figures: AlertFigures, rule: Rule) -> Iterator[Finding]:
    if not figures.workers_alive:
        yield Finding(
            rule=rule.name,
            object=_WORKERS,
            severity=rule.severity,
            title="No worker is alive: nothing runs or resumes",
            advice="Runs and answers are kept. Start a worker: `interlock worker`, or `interlock up`.",
            link="overview",
        )


_LOOKS: dict[RuleName, Callable[[AlertFigures, Rule], Iterator[Finding]]] = {
    RuleName.ERROR_RATE: _error_rate,
    RuleName.LATENCY: _latency,
    RuleName.TRAFFIC: _traffic,
    RuleName.ERROR_ANOMALY: _error_anomaly,
    RuleName.DEGRADED: _degraded,
    RuleName.BREAKER: _breaker,
    RuleName.PERMANENT_FAILURE: _permanent,
    RuleName.UNKNOWN_FAILURE: _unknown,
    RuleName.OVERDUE: _overdue,
    RuleName.ESCALATED: _escalated,
    RuleName.NO_WORKER: _no_worker,
}


def outage(rule: Rule, reason: str) -> Finding:
    """What is told while the database does not answer; it can be kept only afterwards."""
    return Finding(
        rule=rule.name,
        object="database",
        severity=rule.severity,
        title="The database does not answer",
        advice=f"Runs hold and go on when it is back. {reason}",
        link="overview",
    )


def _about(
    seen: WorkflowReading,
    rule: Rule,
    what: str,
    advice: str,
    *,
    value: float,
    link: str,
    threshold: float | None = None,
) -> Finding:
    return Finding(
        rule=rule.name,
        object=seen.workflow,
        severity=rule.severity,
        title=f"{seen.workflow}: {what}",
        advice=advice,
        link=link,
        value=value,
        threshold=rule.threshold if threshold is None else threshold,
    )


def _error_ratio(seen: WorkflowReading) -> float | None:
    return seen.failed / seen.ended if seen.ended >= MIN_ENDED else None


def _bound(rule: Rule) -> float:
    return 0.0 if rule.threshold is None else rule.threshold


def _refused(seen: BreakerReading) -> str:
    return f": {seen.short_circuited} calls refused" if seen.short_circuited else ""


def _words(kind: FailureKind) -> str:
    return kind.value.replace("_", " ")


def _percent(ratio: float) -> str:
    return f"{ratio * 100:.1f} %".replace(".0 %", " %")


def _seconds(duration_ms: float | None) -> str:
    return f"{(duration_ms or 0) / 1000:.1f} s"


def _link(page: str, **params: str) -> str:
    return f"{page}?{urlencode(params)}"
