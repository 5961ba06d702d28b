"""Figures with sensible values, so that a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.core.model.figures import (
    ErrorFigures,
    Heat,
    Metrics,
    NodeFigures,
    Point,
    ReviewerFigures,
    Series,
    Totals,
    Window,
    WorkflowFigures,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def node(path: str = "review", **fields: Any) -> NodeFigures:
    values: dict[str, Any] = {
        "workflow": "refund_desk",
        "node": path.rsplit("/", 1)[-1],
        "runs": 200,
        "mean_ms": 100.0,
        "p50_ms": 90.0,
        "p90_ms": 180.0,
        "p95_ms": 200.0,
        "p99_ms": 400.0,
        "error_ratio": 0.0,
        "cached_ratio": 0.0,
        "share_ratio": 0.5,
    }
    return NodeFigures(path=path, **(values | fields))


def workflow(name: str = "refund_desk", **fields: Any) -> WorkflowFigures:
    values: dict[str, Any] = {
        "completed": 190,
        "failed": 10,
        "success_ratio": 0.95,
        "p95_ms": 900.0,
    }
    return WorkflowFigures(workflow=name, **(values | fields))


def reviewer(actor: str = "ann", **fields: Any) -> ReviewerFigures:
    values: dict[str, Any] = {
        "decided": 40,
        "approved": 20,
        "approve_ratio": 0.5,
        "median_s": 90.0,
        "overdue": 1,
        "is_hasty": False,
    }
    return ReviewerFigures(actor=actor, **(values | fields))


def error(**fields: Any) -> ErrorFigures:
    values: dict[str, Any] = {
        "error_type": "TimeoutError",
        "workflow": "refund_desk",
        "path": "review",
        "count": 7,
        "last_at": NOW - timedelta(minutes=4),
        "message": "the bank\ndid not answer",
        "run_ids": ("run-1", "run-2", "run-3", "run-4"),
    }
    return ErrorFigures(**(values | fields))


def metrics(**fields: Any) -> Metrics:
    start = NOW - timedelta(hours=1)
    points = [
        Point(start=start + timedelta(minutes=n), runs=5, errors=1, p50_ms=90.0, wait_s=3.0)
        for n in range(3)
    ]
    values: dict[str, Any] = {
        "window": Window(start=start, end=NOW),
        "totals": Totals(started=10, completed=8, failed=2, success_ratio=0.8),
        "before": Totals(started=5, completed=5, success_ratio=1.0),
        "nodes": [node(), node("pay_out")],
        "workflows": [workflow()],
        "variants": [workflow(variant="a"), workflow(variant="b")],
        "errors": [error()],
        "reviewers": [reviewer()],
        "series": Series(span_s=60, points=points),
        "heat": Heat(hours=[start], cells={"review": [90.0]}),
    }
    return Metrics(**(values | fields))
