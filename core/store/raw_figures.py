"""
Figures counted from the raw rows: attempts, runs, cards and decisions of a stretch of time, by minute.

What counts as what stands in `core.model.figures`; here it is read from the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    type_coerce,
)

from interlock.core.model.approvals import STANDING, ApprovalStatus, Kind
from interlock.core.model.nodes import FALLBACK, STAND_IN, NodeStatus
from interlock.core.model.runs import RunKind, RunStatus
from interlock.core.model.spans import MINUTE, floor
from interlock.core.model.tallies import ErrorTally, NodeTally, Tallies
from interlock.core.store.columns import SEALED_TEXT
from interlock.core.store.schema import approvals, decisions, node_runs, runs

MAX_MESSAGE_CHARS = 300
MAX_CHAIN = 1000  # runs of one execution, one a card
CHUNK = 400  # ids in one statement; SQLite takes some thousands at most

RAN = (NodeStatus.OK.value, NodeStatus.ERROR.value)
_OVER = (RunStatus.DONE.value, RunStatus.FAILED.value, RunStatus.CANCELLED.value)
_ALL_CARDS = [status.value for status in ApprovalStatus]

_tries = node_runs.alias("tries")
# A run's duration is that of all its tries; the waits between them are not in it.
_EARLIER = (
    select(func.coalesce(func.sum(_tries.c.duration_ms), 0.0))
    .where(
        _tries.c.run_id == node_runs.c.run_id,
        _tries.c.delivery == node_runs.c.delivery,
        _tries.c.task_id == node_runs.c.task_id,
        _tries.c.attempt < node_runs.c.attempt,
        _tries.c.status == NodeStatus.ERROR.value,
    )
    .correlate(node_runs)
    .scalar_subquery()
)
DURATION_MS: ColumnElement[float] = func.coalesce(node_runs.c.duration_ms, 0.0) + case(
    (node_runs.c.attempt > 1, cast(_EARLIER, Float)), else_=literal(0.0)
)
# Tried without success, and then cut off by a breaker: it has run, and failed.
_WAS_TRIED = (
    select(literal(1))
    .where(
        _tries.c.run_id == node_runs.c.run_id,
        _tries.c.delivery == node_runs.c.delivery,
        _tries.c.task_id == node_runs.c.task_id,
        _tries.c.attempt < node_runs.c.attempt,
        _tries.c.status == NodeStatus.ERROR.value,
    )
    .correlate(node_runs)
    .exists()
)
IS_CUT_OFF = and_(
    node_runs.c.status == NodeStatus.SHORT_CIRCUITED.value,
    node_runs.c.is_final,
    node_runs.c.attempt > 1,
    _WAS_TRIED,
)
_IS_ERROR = or_(node_runs.c.status == NodeStatus.ERROR.value, IS_CUT_OFF)
# What is encrypted says nothing in a figure, which is kept as it is; the run itself tells it.
_MESSAGE = type_coerce(node_runs.c.error_message, Text())
_IS_SEALED = _MESSAGE.startswith(SEALED_TEXT)
_NODES = select(
    node_runs.c.workflow,
    node_runs.c.path,
    node_runs.c.variant,
    node_runs.c.status,
    node_runs.c.is_final,
    node_runs.c.ended_at,
    DURATION_MS.label("duration_ms"),
    node_runs.c.tokens_in,
    node_runs.c.tokens_out,
    node_runs.c.cost,
    node_runs.c.origin,
    case((IS_CUT_OFF, 1), else_=0).label("is_cut_off"),
    case((_IS_ERROR, node_runs.c.error_type)).label("error_type"),
    case((and_(_IS_ERROR, ~_IS_SEALED), func.substr(_MESSAGE, 1, MAX_MESSAGE_CHARS))).label(
        "message"
    ),
    case((_IS_ERROR, node_runs.c.run_id)).label("run_id"),
).where(node_runs.c.ended_at >= bindparam("start"), node_runs.c.ended_at < bindparam("end"))
_IS_CARRIED = runs.c.kind != RunKind.ATTACHED.value  # not by another application
_STARTED = select(runs.c.workflow, runs.c.variant, runs.c.created_at, runs.c.created_by).where(
    runs.c.created_at >= bindparam("start"),
    runs.c.created_at < bindparam("end"),
    runs.c.kind == RunKind.START.value,
)
_LINKS = (
    runs.c.run_id,
    runs.c.kind,
    runs.c.status,
    runs.c.previous_run_id,
    runs.c.started_at,
    runs.c.ended_at,
    runs.c.degraded,
    runs.c.tokens_in,
    runs.c.tokens_out,
    runs.c.cost,
)
_ENDED = select(*_LINKS, runs.c.workflow, runs.c.variant, runs.c.error_type, runs.c.rating).where(
    runs.c.status.in_(_OVER),
    runs.c.ended_at >= bindparam("start"),
    runs.c.ended_at < bindparam("end"),
    _IS_CARRIED,
)
_BEFORE = select(*_LINKS).where(runs.c.run_id.in_(bindparam("run_ids", expanding=True)))
_COUNT_NODES = (
    select(node_runs.c.run_id, func.count())
    .where(
        node_runs.c.run_id.in_(bindparam("run_ids", expanding=True)),
        or_(and_(node_runs.c.status.in_(RAN), node_runs.c.is_final), IS_CUT_OFF),
    )
    .group_by(node_runs.c.run_id)
)
_ASKED = (
    select(
        approvals.c.workflow,
        approvals.c.node,
        approvals.c.kind,
        approvals.c.asked_at,
        func.coalesce(runs.c.variant, "").label("variant"),
    )
    .outerjoin(runs, runs.c.run_id == approvals.c.run_id)
    .where(
        approvals.c.status.in_(_ALL_CARDS),
        approvals.c.asked_at >= bindparam("start"),
        approvals.c.asked_at < bindparam("end"),
    )
)
_DECIDED = (
    select(
        approvals.c.workflow,
        approvals.c.node,
        approvals.c.kind,
        decisions.c.decided_at,
        decisions.c.seconds_to_decide,
        func.coalesce(runs.c.variant, "").label("variant"),
    )
    .join(approvals, approvals.c.approval_id == decisions.c.approval_id)
    .outerjoin(runs, runs.c.run_id == approvals.c.run_id)
    .where(decisions.c.decided_at >= bindparam("start"), decisions.c.decided_at < bindparam("end"))
)


@dataclass
class _Execution:
    """
    A run that is over, and what came before it on its way from its start.

    `has_ended_before`: somebody set it back after it had been counted as done.
    """

    end: Row[Any]
    kind: str = ""  # of the first run
    has_ended_before: bool = False
    run_ids: list[str] = field(default_factory=list)
    duration_ms: float = 0.0
    is_degraded: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0

    def add(self, run: Row[Any]) -> None:
        """One run of it; the time between two of them was a human's, or the queue's."""
        self.kind = run.kind
        self.run_ids.append(run.run_id)
        if run.started_at is not None and run.ended_at is not None:
            self.duration_ms += max(
                0.0, (run.ended_at - run.started_at) / timedelta(milliseconds=1)
            )
        self.is_degraded |= bool(run.degraded)
        self.tokens_in += run.tokens_in
        self.tokens_out += run.tokens_out
        self.cost += run.cost


def count_by_minute(
    conn: Connection,
    start: datetime,
    end: datetime,
    *,
    workflow: str | None = None,
    variant: str | None = None,
) -> dict[datetime, Tallies]:
    """
    Count what ended, began, was asked and was decided, minute by minute.

    Args:
        conn: The connection.
        start: Included.
        end: Not included.
        workflow: Only of this one.
        variant: Only of this one; "" is without any.

    Returns:
        The tallies by the start of their minute; minutes without anything are left out.
    """
    wanted = _Wanted(conn, start, end, workflow, variant)
    minutes: dict[datetime, Tallies] = {}
    _count_nodes(wanted, minutes)
    _count_runs(wanted, minutes)
    _count_cards(wanted, minutes)
    for tallies in minutes.values():
        tallies.close_minute()
    return minutes


def find_first(conn: Connection, *, after: datetime) -> datetime | None:
    """When the first thing happened at or after a moment that figures are made of."""
    moments = [conn.execute(first, {"after": after}).scalar() for first in _FIRSTS]
    return min((moment for moment in moments if moment is not None), default=None)


def _first(column: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
    wanted = select(column).where(column >= bindparam("after"), *conditions)
    return wanted.order_by(column).limit(1)


# Exactly what is counted above: what is found and not counted would be found for ever.
# Where the index of a time begins with a status, each status is asked for by itself.
_FIRSTS: tuple[Select[Any], ...] = (
    _first(node_runs.c.ended_at),
    _first(runs.c.created_at, runs.c.kind == RunKind.START.value),
    *(_first(runs.c.ended_at, runs.c.status == status, _IS_CARRIED) for status in _OVER),
    *(_first(approvals.c.asked_at, approvals.c.status == status) for status in _ALL_CARDS),
    _first(decisions.c.decided_at).join(
        approvals, approvals.c.approval_id == decisions.c.approval_id
    ),
)


@dataclass(frozen=True)
class _Wanted:
    conn: Connection
    start: datetime
    end: datetime
    workflow: str | None
    variant: str | None

    def rows(self, statement: Select[Any], of: Any) -> Iterable[Row[Any]]:
        """The rows of a statement, of the workflow and variant alone."""
        parameters: dict[str, Any] = {"start": self.start, "end": self.end}
        if self.workflow is not None:
            statement = statement.where(of.c.workflow == bindparam("of_workflow"))
            parameters["of_workflow"] = self.workflow
        if self.variant is not None:
            column = func.coalesce(runs.c.variant, "") if of is approvals else of.c.variant
            statement = statement.where(column == bindparam("of_variant"))
            parameters["of_variant"] = self.variant
        return self.conn.execute(statement, parameters)


def _at(minutes: dict[datetime, Tallies], moment: datetime) -> Tallies:
    start = floor(moment, MINUTE)
    return minutes.get(start) or minutes.setdefault(start, Tallies())


def _count_nodes(wanted: _Wanted, minutes: dict[datetime, Tallies]) -> None:
    for row in wanted.rows(_NODES, node_runs):
        tally = _at(minutes, row.ended_at).node(row.workflow, row.path, row.variant)
        tally.tokens_in += row.tokens_in or 0
        tally.tokens_out += row.tokens_out or 0
        tally.cost += row.cost or 0.0
        if row.status == NodeStatus.CACHED.value:
            tally.cached += 1
        elif row.status == NodeStatus.SHORT_CIRCUITED.value:
            tally.short_circuited += 1
        elif row.status in RAN:
            tally.attempts += not (row.origin or "").startswith(FALLBACK)  # it is no try
        if row.is_cut_off or (row.status in RAN and row.is_final):
            _count_end(tally, row)


def _count_end(tally: NodeTally, row: Row[Any]) -> None:
    tally.add_run(row.duration_ms)
    tally.degraded += (row.origin or "").startswith((FALLBACK, STAND_IN))
    if row.status != NodeStatus.OK.value:
        tally.errors += 1
        error = ErrorTally(1, row.ended_at, row.message or "", (row.run_id,))
        tally.add_error(row.error_type or "", error)


def _count_runs(wanted: _Wanted, minutes: dict[datetime, Tallies]) -> None:
    for row in wanted.rows(_STARTED, runs):
        tally = _at(minutes, row.created_at).run(row.workflow, row.variant)
        tally.started += 1
        tally.add_users((row.created_by,))
    executions = _follow(wanted.conn, wanted.rows(_ENDED, runs))
    nodes = _count_nodes_of(wanted.conn, [r for e in executions for r in e.run_ids])
    for execution in executions:
        end = execution.end
        tally = _at(minutes, end.ended_at).run(end.workflow, end.variant)
        tally.tokens_in += execution.tokens_in
        tally.tokens_out += execution.tokens_out
        tally.cost += execution.cost
        if execution.has_ended_before or execution.kind == RunKind.COPY.value:
            continue  # what it used counts, that it ended has been counted
        tally.degraded += execution.is_degraded
        tally.nodes += sum(nodes.get(run_id, 0) for run_id in execution.run_ids)
        if end.rating is not None:
            tally.rated += 1
            tally.ratings += end.rating
        # One that failed and was given up is cancelled, and failed all the same.
        if end.status == RunStatus.CANCELLED.value and end.error_type is None:
            tally.cancelled += 1
            continue
        tally.add_duration(execution.duration_ms)
        if end.status == RunStatus.DONE.value:
            tally.completed += 1
        else:
            tally.failed += 1
            error_type = end.error_type or ""
            tally.error_types[error_type] = tally.error_types.get(error_type, 0) + 1


def _follow(conn: Connection, ends: Iterable[Row[Any]]) -> list[_Execution]:
    """Go back from each end over the runs that a later one continued."""
    executions: list[_Execution] = []
    waiting: list[tuple[_Execution, str]] = []
    for end in ends:
        execution = _Execution(end)
        execution.add(end)
        executions.append(execution)
        if end.previous_run_id is not None and end.kind != RunKind.START.value:
            waiting.append((execution, end.previous_run_id))
    for _ in range(MAX_CHAIN):
        if not waiting:
            break
        before = _fetch_by_ids(conn, [run_id for _, run_id in waiting])
        following: list[tuple[_Execution, str]] = []
        for execution, run_id in waiting:
            run = before.get(run_id)
            if run is None or run.status != RunStatus.CONTINUED.value:
                # Pruned, or an execution of its own that ended and was retried or set back.
                is_done = run is not None and run.status == RunStatus.DONE.value
                is_again = is_done and execution.kind == RunKind.REWIND.value
                execution.has_ended_before |= is_again
                continue
            execution.add(run)
            if run.previous_run_id is not None and run.kind != RunKind.START.value:
                following.append((execution, run.previous_run_id))
        waiting = following
    return executions


def _fetch_by_ids(conn: Connection, run_ids: Sequence[str]) -> Mapping[str, Row[Any]]:
    found: dict[str, Any] = {}
    for first in range(0, len(run_ids), CHUNK):
        for row in conn.execute(_BEFORE, {"run_ids": run_ids[first : first + CHUNK]}):
            found[row.run_id] = row
    return found


def _count_nodes_of(conn: Connection, run_ids: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for first in range(0, len(run_ids), CHUNK):
        rows = conn.execute(_COUNT_NODES, {"run_ids": run_ids[first : first + CHUNK]})
        counts.update((run_id, count) for run_id, count in rows)
    return counts


def _count_cards(wanted: _Wanted, minutes: dict[datetime, Tallies]) -> None:
    for row in wanted.rows(_ASKED, approvals):
        _node_of_card(minutes, row, row.asked_at).interrupted += 1
    for row in wanted.rows(_DECIDED, approvals):
        _node_of_card(minutes, row, row.decided_at).wait_s += row.seconds_to_decide


def _node_of_card(minutes: dict[datetime, Tallies], card: Row[Any], moment: datetime) -> Any:
    """A breakpoint before several nodes is one card: it counts for the first of them."""
    is_standing = Kind(card.kind) in STANDING
    path = card.node.split(", ", 1)[0] if is_standing else card.node
    return _at(minutes, moment).node(card.workflow, path, card.variant)
