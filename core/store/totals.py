"""Counting what ended within a span of time, and what stands now, by few statements with an index each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
)

from interlock.core.model.nodes import FALLBACK, NodeStatus
from interlock.core.model.runs import RunKind, RunStatus
from interlock.core.model.totals import (
    EXECUTION_BOUNDS_S,
    NODE_BOUNDS_S,
    Book,
    BreakerState,
    CacheKey,
    ExecutionKey,
    NodeKey,
    Standing,
    Tally,
    Totals,
)
from interlock.core.store import tool_totals
from interlock.core.store.raw_figures import DURATION_MS, IS_CUT_OFF, RAN
from interlock.core.store.schema import (
    approvals,
    decisions,
    jobs,
    node_runs,
    runs,
    workers,
    workflows,
)
from interlock.core.store.schema_sight import (
    alerts,
    breakers,
    cache_counters,
    cache_entries,
    holds,
)

MAX_ROWS = 20_000  # kinds of things, not things: workflows x nodes x ways to end
MAX_STORY = 1_000  # runs that one execution is made of; more are not looked back on
RETRIED = "retried"  # how a try that another followed has ended
_ENDS = (RunStatus.DONE.value, RunStatus.FAILED.value, RunStatus.CANCELLED.value)


def _within(column: ColumnElement[Any], until: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    return [column >= bindparam("since"), until < bindparam("until")]


def _buckets(seconds: ColumnElement[Any], bounds: Sequence[float]) -> list[ColumnElement[Any]]:
    return [
        func.sum(case((seconds <= bound, 1), else_=0)).label(f"within_{n}")
        for n, bound in enumerate(bounds)
    ]


# A fallback that failed before another one: it spent something, and nothing was tried again.
_WAS_NO_TRY = and_(
    node_runs.c.status == NodeStatus.ERROR.value,
    ~node_runs.c.is_final,
    node_runs.c.origin.startswith(FALLBACK),
)
# One pass over what ended: what a row counts as is told apart by how it ended, as `raw_figures` does.
_ended_nodes = (
    select(
        node_runs.c.workflow,
        node_runs.c.path,
        node_runs.c.status,
        node_runs.c.is_final,
        case((IS_CUT_OFF, 1), else_=0).label("is_cut_off"),
        case((_WAS_NO_TRY, 0), else_=1).label("counts"),
        (DURATION_MS / 1000.0).label("took_s"),
        (func.coalesce(node_runs.c.tokens_in, 0) + func.coalesce(node_runs.c.tokens_out, 0)).label(
            "tokens"
        ),
        node_runs.c.cost,
    )
    .where(*_within(node_runs.c.ended_at, node_runs.c.ended_at))
    .subquery()
)
_BY = (
    _ended_nodes.c.workflow,
    _ended_nodes.c.path,
    _ended_nodes.c.status,
    _ended_nodes.c.is_final,
    _ended_nodes.c.is_cut_off,
)
_NODES = (
    select(
        *_BY,
        func.sum(_ended_nodes.c.counts).label("ended"),
        func.sum(_ended_nodes.c.took_s).label("total_s"),
        func.sum(_ended_nodes.c.tokens).label("tokens"),
        func.sum(func.coalesce(_ended_nodes.c.cost, 0.0)).label("cost"),
        *_buckets(_ended_nodes.c.took_s, NODE_BOUNDS_S),
    )
    .group_by(*_BY)
    .order_by(*_BY)
    .limit(MAX_ROWS)
)

# An execution: the run that ended it, and those before it that a human's answer continued. What
# lies between them is the human's time and not counted (law 7).
_ended = (
    select(
        runs.c.run_id.label("last_id"),
        runs.c.run_id,
        runs.c.previous_run_id,
        runs.c.kind,
        runs.c.started_at,
        runs.c.ended_at,
        literal(1).label("depth"),
    )
    .where(
        runs.c.status == bindparam("status"),
        runs.c.kind != RunKind.ATTACHED.value,  # carried by another application
        *_within(runs.c.ended_at, runs.c.ended_at),
    )
    .cte("story", recursive=True)
)
_earlier = runs.alias("earlier")
_story = _ended.union_all(
    select(
        _ended.c.last_id,
        _earlier.c.run_id,
        _earlier.c.previous_run_id,
        _earlier.c.kind,
        _earlier.c.started_at,
        _earlier.c.ended_at,
        _ended.c.depth + 1,
    ).where(
        _earlier.c.run_id == _ended.c.previous_run_id,
        _earlier.c.status == RunStatus.CONTINUED.value,
        _ended.c.kind != RunKind.START.value,
        _ended.c.depth < MAX_STORY,
    )
)


def _seconds(dialect: str) -> ColumnElement[Any]:
    started, ended = _story.c.started_at, _story.c.ended_at
    if dialect == "sqlite":
        return (func.julianday(ended) - func.julianday(started)) * 86400.0
    return func.extract("epoch", ended - started)


def _executions(dialect: str) -> Any:
    took = func.coalesce(func.sum(func.coalesce(_seconds(dialect), 0.0)), 0.0)
    before = runs.alias("before")
    was_done = exists().where(
        before.c.run_id == _story.c.previous_run_id, before.c.status == RunStatus.DONE.value
    )
    # What somebody set back after it was done has been counted; a copy did nothing by itself.
    is_again = or_(
        _story.c.kind == RunKind.COPY.value,
        and_(_story.c.kind == RunKind.REWIND.value, was_done),
    )
    each = (
        select(_story.c.last_id, took.label("took_s"))
        .group_by(_story.c.last_id)
        .having(func.max(case((is_again, 1), else_=0)) == 0)
        .subquery()
    )
    last = runs.alias("last")
    has_failed = case((last.c.error_type.is_not(None), 1), else_=0).label("has_failed")
    return (
        select(
            last.c.workflow,
            has_failed,
            func.count().label("ended"),
            func.sum(each.c.took_s).label("total_s"),
            *_buckets(each.c.took_s, EXECUTION_BOUNDS_S),
        )
        .where(last.c.run_id == each.c.last_id)
        .group_by(last.c.workflow, has_failed)
        .order_by(last.c.workflow, has_failed)
        .limit(MAX_ROWS)
    )


_EXECUTIONS = {name: _executions(name) for name in ("sqlite", "postgresql")}
_DECISIONS = (
    select(
        decisions.c.verb,
        func.count().label("ended"),
        func.sum(decisions.c.seconds_to_decide).label("total_s"),
    )
    .where(*_within(decisions.c.decided_at, decisions.c.decided_at))
    .group_by(decisions.c.verb)
    .order_by(decisions.c.verb)
)
_OUTCOMES = {
    "memory": cache_counters.c.memory_hits,
    "database": cache_counters.c.database_hits,
    "redis": cache_counters.c.redis_hits,
    "semantic": cache_counters.c.semantic_hits,
    "miss": cache_counters.c.misses,
}
_CACHES = (
    select(
        cache_counters.c.workflow,
        cache_counters.c.path,
        *(func.sum(column).label(name) for name, column in _OUTCOMES.items()),
    )
    .where(*_within(cache_counters.c.start, cache_counters.c.start))
    .group_by(cache_counters.c.workflow, cache_counters.c.path)
    .order_by(cache_counters.c.workflow, cache_counters.c.path)
    .limit(MAX_ROWS)
)


def fetch_totals(conn: Connection, *, since: datetime, until: datetime) -> Totals:
    """Count what ended from `since` (included) to `until` (not included)."""
    span = {"since": since, "until": until}
    ended = [
        _count_execution(status, row)
        for status in _ENDS
        for row in conn.execute(_EXECUTIONS[conn.dialect.name], span | {"status": status})
    ]
    decided = [
        (str(row.verb), Tally(row.ended, float(row.total_s)))
        for row in conn.execute(_DECISIONS, span)
    ]
    looked_up = [
        (CacheKey(row.workflow, row.path, name), Tally(int(getattr(row, name))))
        for row in conn.execute(_CACHES, span)
        for name in _OUTCOMES
    ]
    return Totals(
        nodes=Book[NodeKey]().plus(fetch_nodes(conn, **span)),
        executions=Book[ExecutionKey]().plus(ended),
        decisions=Book[str]().plus(decided),
        caches=Book[CacheKey]().plus(looked_up),
    )


def fetch_nodes(
    conn: Connection, *, since: datetime, until: datetime
) -> Iterator[tuple[NodeKey, Tally]]:
    """Tries and runs of nodes that ended from `since` (included) to `until` (not included)."""
    for row in conn.execute(_NODES, {"since": since, "until": until}):
        yield from _count_node(row)


def _count_execution(status: str, row: Row[Any]) -> tuple[ExecutionKey, Tally]:
    """One that failed and was given up has failed, as on the pages; a cancelled one has no duration."""
    is_cancelled = status == RunStatus.CANCELLED.value
    if is_cancelled and not row.has_failed:
        return ExecutionKey(row.workflow, status), Tally(row.ended)
    ended_as = RunStatus.FAILED.value if is_cancelled else status
    return ExecutionKey(row.workflow, ended_as), _tally(row, EXECUTION_BOUNDS_S)


def _count_node(row: Row[Any]) -> Iterator[tuple[NodeKey, Tally]]:
    """What rows of one kind count as; the time of tries that another followed is in the last one's."""
    tally = _tally(row, NODE_BOUNDS_S)
    spent = Tally(tally.count, tokens=tally.tokens, cost=tally.cost)
    if row.status in RAN and not row.is_final:
        yield NodeKey(row.workflow, row.path, RETRIED), spent
        return
    yield NodeKey(row.workflow, row.path, row.status), tally if row.status in RAN else spent
    if row.is_cut_off:  # tried in vain and then refused: refused once, and a run that failed
        failed = Tally(tally.count, tally.total_s, tally.within)
        yield NodeKey(row.workflow, row.path, NodeStatus.ERROR.value), failed


def _tally(row: Row[Any], bounds: Sequence[float]) -> Tally:
    return Tally(
        count=row.ended,
        total_s=float(row.total_s),
        within=tuple(int(getattr(row, f"within_{n}")) for n in range(len(bounds))),
        tokens=int(getattr(row, "tokens", 0)),
        cost=float(getattr(row, "cost", 0.0)),
    )


_RUNS_BY_WORKFLOW = (
    select(runs.c.workflow, func.count())
    .where(runs.c.status == bindparam("status"))
    .group_by(runs.c.workflow)
    .order_by(runs.c.workflow)
    .limit(MAX_ROWS)
)
_CARDS_BY_WORKFLOW = (
    select(approvals.c.workflow, func.count())
    .where(approvals.c.status == "pending")
    .group_by(approvals.c.workflow)
    .order_by(approvals.c.workflow)
    .limit(MAX_ROWS)
)
_OLDEST_CARD = select(func.min(approvals.c.asked_at)).where(approvals.c.status == "pending")
_JOBS = (
    select(jobs.c.status, func.count())
    .where(jobs.c.status.in_(("todo", "doing")))
    .group_by(jobs.c.status)
)
_OLDEST_DUE = select(func.min(jobs.c.run_at)).where(
    jobs.c.status == "todo", jobs.c.run_at <= bindparam("now")
)
_WORKERS = (
    select(workers.c.status, func.count().label("ended"), func.sum(workers.c.concurrency))
    .where(workers.c.heartbeat_at >= bindparam("since"))
    .group_by(workers.c.status)
)
_BREAKERS = (
    select(breakers.c.name, breakers.c.state, breakers.c.short_circuited)
    .order_by(breakers.c.name)
    .limit(MAX_ROWS)
)
_ENTRIES = select(
    func.count().label("ended"),
    func.coalesce(func.sum(cache_entries.c.size_bytes), 0).label("size"),
)
_ALERTS = (
    select(alerts.c.severity, func.count())
    .where(alerts.c.status != "resolved")
    .group_by(alerts.c.severity)
)
_NAMES = select(workflows.c.name).order_by(workflows.c.name).limit(MAX_ROWS)
_HOLDS = select(func.count()).select_from(holds)


def fetch_standing(conn: Connection, *, now: datetime, alive_s: float) -> Standing:
    """What stands at this moment; workers count that gave a sign of life within `alive_s`."""
    alive = conn.execute(_WORKERS, {"since": now - timedelta(seconds=alive_s)}).all()
    entries = conn.execute(_ENTRIES).one()
    none = dict.fromkeys(conn.execute(_NAMES).scalars(), 0)
    return Standing(
        running=none | _counts(conn, _RUNS_BY_WORKFLOW, status=RunStatus.RUNNING.value),
        queued=none | _counts(conn, _RUNS_BY_WORKFLOW, status=RunStatus.QUEUED.value),
        waiting=none | _counts(conn, _CARDS_BY_WORKFLOW),
        jobs={"todo": 0, "doing": 0} | _counts(conn, _JOBS),
        oldest_due_s=_age_s(conn.execute(_OLDEST_DUE, {"now": now}).scalar(), now),
        oldest_waiting_s=_age_s(conn.execute(_OLDEST_CARD).scalar(), now),
        workers={row.status: row.ended for row in alive},
        slots=sum(int(row[2]) for row in alive),
        breakers=tuple(
            BreakerState(name=row.name, state=row.state, short_circuited=int(row.short_circuited))
            for row in conn.execute(_BREAKERS)
        ),
        tools=tool_totals.fetch(conn),
        cache_entries=entries.ended,
        cache_bytes=int(entries.size),
        alerts=_counts(conn, _ALERTS),
        holds=conn.execute(_HOLDS).scalar_one(),
    )


def _counts(conn: Connection, statement: Any, **given: Any) -> dict[str, int]:
    return {str(name): count for name, count in conn.execute(statement, given)}


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
