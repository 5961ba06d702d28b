"""
What the alerts' rules look at beside the figures: a few counts over short spans, each by an index.

Shares and usual figures are made of it in `core.model.alert_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, or_, select, true

from interlock.core.model.alerts import BreakerReading, FailureReading
from interlock.core.model.failure_kinds import FailureKind
from interlock.core.model.nodes import DEFAULT_ERROR_HANDLER, ERROR_HANDLER, NodeStatus
from interlock.core.store.schema import node_runs, runs
from interlock.core.store.schema_sight import breakers, run_rollups

MAX_ROWS = 500  # workflows, breakers, failures: more of them are no alert but a catastrophe


_STARTED = (
    select(runs.c.workflow, func.count().label("total"))
    .where(runs.c.created_at >= bindparam("start"), runs.c.created_at < bindparam("end"))
    .where(runs.c.kind == "start")
    .group_by(runs.c.workflow)
    .order_by(runs.c.workflow)
    .limit(MAX_ROWS)
)
_FIRST = (
    select(runs.c.workflow, func.min(runs.c.created_at).label("at"))
    .where(runs.c.created_at >= bindparam("start"))
    .group_by(runs.c.workflow)
    .order_by(runs.c.workflow)
    .limit(MAX_ROWS)
)
_HOURS = (
    select(
        run_rollups.c.workflow,
        run_rollups.c.start,
        func.sum(run_rollups.c.completed + run_rollups.c.failed).label("ended"),
        func.sum(run_rollups.c.failed).label("failed"),
    )
    .where(run_rollups.c.tier == "hour")
    .where(run_rollups.c.start >= bindparam("start"), run_rollups.c.start < bindparam("end"))
    .group_by(run_rollups.c.workflow, run_rollups.c.start)
    .order_by(run_rollups.c.workflow, run_rollups.c.start)
    .limit(168 * MAX_ROWS)
)
_BREAKERS = (
    select(breakers.c.name, breakers.c.forced, breakers.c.short_circuited)
    .where(or_(breakers.c.state != "closed", breakers.c.forced == "open"))
    .order_by(breakers.c.name)
    .limit(MAX_ROWS)
)
_handlers = node_runs.alias("handlers")
_SERVED = (
    func.replace(  # the namespace of what a handler was called for: its own goes on from there
        _handlers.c.namespace, "|" + _handlers.c.node + ":" + _handlers.c.task_id, ""
    )
)
_IS_DEALT_WITH = (  # an error handler took over, from the node or from a graph around it
    select(true())
    .where(_handlers.c.run_id == node_runs.c.run_id)
    .where(_handlers.c.status != NodeStatus.ERROR.value)
    .where(
        or_(
            _handlers.c.node.startswith(ERROR_HANDLER, autoescape=True),
            _handlers.c.node == DEFAULT_ERROR_HANDLER,
        )
    )
    .where(
        func.substr(node_runs.c.namespace + "|", 1, func.length(_SERVED) + 1) == _SERVED + "|",
    )
    .exists()
)
_FAILED = and_(
    node_runs.c.status == "error",
    node_runs.c.ended_at >= bindparam("start"),
    node_runs.c.is_final,
    node_runs.c.error_kind.in_(bindparam("kinds", expanding=True)),
    ~_IS_DEALT_WITH,
)
_FAILURES = (
    select(
        node_runs.c.workflow,
        node_runs.c.path,
        node_runs.c.error_type,
        node_runs.c.error_kind,
        func.count().label("total"),
        func.max(node_runs.c.run_id).label("run_id"),  # ids made later sort later
    )
    .where(_FAILED)
    .group_by(
        node_runs.c.workflow, node_runs.c.path, node_runs.c.error_type, node_runs.c.error_kind
    )
    .order_by(node_runs.c.workflow, node_runs.c.path, node_runs.c.error_type)
    .limit(MAX_ROWS)
)


def count_started(conn: Connection, *, start: datetime, end: datetime) -> dict[str, int]:
    """Launches of each workflow within a span."""
    rows = conn.execute(_STARTED, {"start": start, "end": end})
    return {row.workflow: int(row.total) for row in rows}


def fetch_known_since(conn: Connection, *, start: datetime) -> dict[str, datetime]:
    """When each workflow was first launched, as far as that was after `start`."""
    return {row.workflow: row.at for row in conn.execute(_FIRST, {"start": start})}


def fetch_hours(
    conn: Connection, *, start: datetime, end: datetime
) -> dict[str, list[tuple[int, int]]]:
    """Of each workflow, ended and failed runs of each hour that is rolled up."""
    hours: dict[str, list[tuple[int, int]]] = {}
    for row in conn.execute(_HOURS, {"start": start, "end": end}):
        hours.setdefault(row.workflow, []).append((int(row.ended), int(row.failed)))
    return hours


def fetch_open_breakers(conn: Connection) -> list[BreakerReading]:
    """Breakers that let nothing through, or one probe at a time."""
    return [
        BreakerReading(
            name=row.name, is_forced=row.forced == "open", short_circuited=int(row.short_circuited)
        )
        for row in conn.execute(_BREAKERS)
    ]


def fetch_failures(
    conn: Connection, *, kinds: Sequence[str], start: datetime
) -> list[FailureReading]:
    """Failures of some kinds since a moment, by node and type; not what the graph itself dealt with."""
    rows = conn.execute(_FAILURES, {"kinds": list(kinds), "start": start})
    return [
        FailureReading(
            workflow=row.workflow,
            path=row.path,
            error_type=row.error_type or "error",
            kind=FailureKind(row.error_kind),
            count=int(row.total),
            run_id=row.run_id,
        )
        for row in rows
    ]
