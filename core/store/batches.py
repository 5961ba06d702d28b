"""
What a worker moves for many runs at once, when it claims them and when they end.

Each function is one statement however many runs it is given; twenty runs that end together cost
what one costs. The single moves stand with their nouns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select, update

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.runs import HELD, OPEN, Failure, Run, RunStatus
from interlock.core.model.usage import NO_USAGE, Usage
from interlock.core.store import searching
from interlock.core.store.schema import approvals, checkpoints_index, runs, threads
from interlock.core.store.searching import About
from interlock.core.types import CheckpointId, RunId, ThreadId

_THREADS: Any = bindparam("thread_ids", expanding=True)


def _is_any(statuses: Collection[RunStatus]) -> ColumnElement[bool]:
    """`status IN (…)` spelled out, as a statement for many rows takes no list."""
    return or_(*(runs.c.status == status.value for status in sorted(statuses)))


_START = (
    update(runs)
    .where(runs.c.run_id == bindparam("id"), _is_any(OPEN))
    .values(
        status=RunStatus.RUNNING.value,
        started_at=bindparam("at"),
        deliveries=bindparam("count"),
    )
)
_END = (
    update(runs)
    .where(
        runs.c.run_id == bindparam("id"),
        _is_any({RunStatus.RUNNING, *HELD}),
    )
    .values(
        status=bindparam("to"),
        ended_at=bindparam("at"),
        error=bindparam("failure"),
        error_type=bindparam("failure_type"),
        end_checkpoint_id=bindparam("head"),
    )
)
_DEGRADE = update(runs).where(runs.c.run_id == bindparam("id")).values(degraded=True)
_ADD_USAGE = (
    update(runs)
    .where(runs.c.run_id == bindparam("id"))
    .values(
        tokens_in=runs.c.tokens_in + bindparam("more_in"),
        tokens_out=runs.c.tokens_out + bindparam("more_out"),
        cost=runs.c.cost + bindparam("more_cost"),
    )
)
_LIVE = (
    select(runs.c.thread_id, runs.c.run_id)
    .where(runs.c.thread_id.in_(_THREADS), _is_any(OPEN | HELD))
    .order_by(runs.c.thread_id, runs.c.run_id)
)
_LOCK = (
    select(threads.c.thread_id)
    .where(threads.c.thread_id.in_(_THREADS))
    .order_by(threads.c.thread_id)  # in one order everywhere: nobody waits for each other
    .with_for_update()
)
_TOUCH = (
    update(threads)
    .where(threads.c.thread_id == bindparam("id"))
    .values(
        head_checkpoint_id=func.coalesce(bindparam("head"), threads.c.head_checkpoint_id),
        updated_at=bindparam("at"),
    )
)
_CLOSE_CARDS = (
    update(approvals)
    .where(approvals.c.thread_id.in_(_THREADS), approvals.c.status == ApprovalStatus.PENDING.value)
    .values(status=bindparam("to"), closed_at=bindparam("at"))
)
_NEWEST = (
    select(
        checkpoints_index.c.thread_id,
        func.max(checkpoints_index.c.checkpoint_id).label("newest"),
    )
    .where(checkpoints_index.c.thread_id.in_(_THREADS))
    .group_by(checkpoints_index.c.thread_id)
)


@dataclass(frozen=True, kw_only=True)
class End:
    """How a run ended, and where its thread stood."""

    run_id: RunId
    thread_id: ThreadId
    status: RunStatus
    failure: Failure | None
    head: CheckpointId | None
    is_degraded: bool = False


def start_runs(conn: Connection, started: Sequence[Run]) -> None:
    """Note that runs are carried: since when, and for the how-many-th time."""
    rows = [{"id": r.run_id, "at": r.started_at, "count": r.deliveries} for r in started]
    _execute(conn, _START, rows)


def end_runs(conn: Connection, ends: Sequence[End], *, at: datetime) -> None:
    """End runs that are carried or hold; one that has ended already stays as it is."""
    rows = [
        {
            "id": end.run_id,
            "to": end.status,
            "at": at,
            "failure": None if end.failure is None else end.failure.as_json(),
            "failure_type": None if end.failure is None else end.failure.type,
            "head": end.head,
        }
        for end in ends
    ]
    _execute(conn, _END, rows)
    _execute(conn, _DEGRADE, [{"id": end.run_id} for end in ends if end.is_degraded])
    by_content = searching.is_by_content(conn)
    failed = [(e.run_id, _words(e.failure, by_content)) for e in ends if e.failure]
    searching.add(conn, About.RUN, failed)
    touched = [{"id": end.thread_id, "head": end.head, "at": at} for end in ends]
    _execute(conn, _TOUCH, touched)


def _words(failure: Failure, by_content: bool) -> str:  # noqa: FBT001
    return f"{failure.type} {failure.message}" if by_content else failure.type


def add_usage(conn: Connection, used: Sequence[tuple[RunId, Usage]]) -> None:
    """Add to runs what their model calls took; most took nothing."""
    rows = [
        {
            "id": run_id,
            "more_in": usage.tokens_in,
            "more_out": usage.tokens_out,
            "more_cost": usage.cost or 0.0,
        }
        for run_id, usage in used
        if usage != NO_USAGE
    ]
    _execute(conn, _ADD_USAGE, rows)


def find_live(
    conn: Connection, thread_ids: Collection[ThreadId]
) -> dict[ThreadId, tuple[RunId, ...]]:
    """The runs of each thread that have not ended."""
    found: dict[ThreadId, tuple[RunId, ...]] = {}
    if thread_ids:
        for thread_id, run_id in conn.execute(_LIVE, {"thread_ids": list(thread_ids)}):
            found[thread_id] = (*found.get(thread_id, ()), run_id)
    return found


def lock_threads(conn: Connection, thread_ids: Collection[ThreadId]) -> None:
    """Keep threads from other writers until the transaction ends; SQLite has one writer anyway."""
    if thread_ids and conn.dialect.name == "postgresql":
        conn.execute(_LOCK, {"thread_ids": list(thread_ids)})


def close_cards(
    conn: Connection,
    thread_ids: Collection[ThreadId],
    *,
    status: ApprovalStatus,
    at: datetime,
) -> None:
    """Close whatever is pending on these threads."""
    if thread_ids:
        conn.execute(_CLOSE_CARDS, {"thread_ids": list(thread_ids), "to": status, "at": at})


def newest_checkpoints(
    conn: Connection, thread_ids: Collection[ThreadId]
) -> dict[ThreadId, CheckpointId]:
    """The newest indexed checkpoint of each thread that has one."""
    if not thread_ids:
        return {}
    rows = conn.execute(_NEWEST, {"thread_ids": list(thread_ids)}).all()
    return {row.thread_id: row.newest for row in rows}


def _execute(conn: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        conn.execute(statement, rows)
