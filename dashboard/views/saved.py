"""
What the lists and tables of the pages save: each thing whole, in plain values, moments in ISO.

The names are those of the commands' `--json` where it has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from interlock.core.model.alerts import Alert
from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.breaker import BreakerEvent, count_recent
from interlock.core.model.runs import FailureLine, RunSummary
from interlock.core.model.workflows import Workflow
from interlock.dashboard.palette import Look
from interlock.dashboard.views.sheets import Cell, Sheet

if TYPE_CHECKING:
    from interlock.core.services.tripping import Board

MAX_ROWS = 10_000  # of a list; what is older is read by the commands

_RUNS = (
    *("run_id", "thread_id", "workflow", "kind", "status", "variant", "created_at", "created_by"),
    *("started_at", "ended_at", "error", "is_degraded", "steps_in_memory", "reason", "deliveries"),
    *("previous_run_id", "batch_id"),
)
_CARDS = (
    *("approval_id", "workflow", "node", "kind", "title", "risk", "status", "allowed"),
    *("asked_at", "deadline_at", "closed_at", "version", "run_id", "thread_id"),
)
_ALERTS = (
    *("alert_id", "rule", "object", "severity", "status", "title", "advice", "link", "value"),
    *("threshold", "fired_at", "seen_at", "resolved_at", "acknowledged_at", "acknowledged_by"),
    *("note", "notified_at", "silenced"),
)
_EVENTS = ("event_id", "name", "at", "before", "after", "cause", "actor", "run_id")
_WORKFLOWS = ("name", "description", "nodes", "error", "published_at")


def save_runs(runs: Iterable[RunSummary]) -> Sheet:
    """Runs as a list says them."""
    return _of("runs", runs, _RUNS)


def save_cards(cards: Iterable[ApprovalSummary]) -> Sheet:
    """Cards, without what they ask about."""
    return _of("cards", cards, _CARDS)


def save_alerts(alerts: Iterable[Alert]) -> Sheet:
    """Alerts, whether they hold or have ended."""
    return _of("alerts", alerts, _ALERTS)


def save_transitions(events: Iterable[BreakerEvent]) -> Sheet:
    """What happened to breakers."""
    return _of("breaker-events", events, _EVENTS)


def save_workflows(workflows: Iterable[Workflow]) -> Sheet:
    """Workflows, without their graphs and schemas."""
    return _of("workflows", workflows, _WORKFLOWS)


def save_breakers(board: Board, *, now: datetime) -> Sheet:
    """Breakers with what came to them in the two minutes that their tiles show."""
    rows: list[dict[str, Cell]] = []
    for each in board.breakers:
        spans = board.traffic[each.name]
        rows.append(
            {
                "name": each.name,
                "state": str(each.state),
                "forced": None if each.forced is None else str(each.forced),
                "failures": len(count_recent(each, now)),
                "opened_at": _plain(each.opened_at),
                "retry_at": _plain(each.retry_at),
                "short_circuited": each.short_circuited,
                "calls_2min": sum(span.calls for span in spans),
                "errors_2min": sum(span.errors for span in spans),
                "refused_2min": sum(span.refused for span in spans),
                "serves": _plain(each.serves),
            }
        )
    return Sheet.of("breakers", rows)


def save_rows(name: str, rows: Sequence[Mapping[str, str | Look]]) -> Sheet:
    """A table as it is drawn, in its words."""
    words = [{k: v.word if isinstance(v, Look) else v for k, v in row.items()} for row in rows]
    return Sheet.of(name, words)


def _of(name: str, things: Iterable[object], fields: Sequence[str]) -> Sheet:
    rows = tuple(tuple(_plain(getattr(thing, field)) for field in fields) for thing in things)
    return Sheet(name=name, columns=tuple(fields), rows=rows)


def _plain(value: Any) -> Cell:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, FailureLine):
        return f"{value.type}: {value.message}"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)
