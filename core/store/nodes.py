"""What the nodes did: one row an attempt of a task, written in batches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, or_, select, update

from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.runs import RunStatus
from interlock.core.store import bulk
from interlock.core.store.schema import node_runs, runs
from interlock.core.types import RunId, ThreadId

# A batch that is written again, or late, must not turn an ended attempt into a running one.
_UPSERT = bulk.upsert(
    node_runs,
    where=lambda new: or_(
        new.status != NodeStatus.RUNNING.value, node_runs.c.status == NodeStatus.RUNNING.value
    ),
)
_FOR_RUNS = (
    select(node_runs)
    .where(node_runs.c.run_id.in_(bindparam("run_ids", expanding=True)))
    .order_by(
        node_runs.c.started_at, node_runs.c.task_id, node_runs.c.attempt, node_runs.c.delivery
    )
    .limit(bindparam("limit"))
)
_FOR_TASKS = (
    select(node_runs)
    .where(
        node_runs.c.thread_id == bindparam("thread_id"),
        node_runs.c.task_id.in_(bindparam("task_ids", expanding=True)),
    )
    .order_by(node_runs.c.started_at, node_runs.c.task_id, node_runs.c.attempt)
)
_STEP = (
    select(node_runs)
    .where(
        node_runs.c.thread_id == bindparam("thread_id"), node_runs.c.step == bindparam("of_step")
    )
    .order_by(node_runs.c.started_at, node_runs.c.task_id, node_runs.c.attempt)
    .limit(bindparam("limit"))
)
_OF_THREAD = (
    select(node_runs)
    .where(
        node_runs.c.thread_id == bindparam("thread_id"),
        node_runs.c.started_at >= bindparam("since"),
    )
    .order_by(node_runs.c.started_at.desc(), node_runs.c.task_id, node_runs.c.attempt)
    .limit(bindparam("limit"))
)
_NEWEST_RUNNING = (
    select(runs.c.run_id)
    .where(runs.c.workflow == bindparam("of_workflow"), runs.c.status == RunStatus.RUNNING.value)
    .order_by(runs.c.created_at.desc(), runs.c.run_id.desc())
    .limit(bindparam("runs_limit"))
)
_RUNNING = (
    select(node_runs.c.path, func.count().label("how_many"))
    .where(
        node_runs.c.run_id.in_(_NEWEST_RUNNING.scalar_subquery()),
        node_runs.c.status == NodeStatus.RUNNING.value,
    )
    .group_by(node_runs.c.path)
    .order_by(node_runs.c.path)
    .limit(bindparam("limit"))
)
_OPEN = select(
    node_runs.c.delivery, node_runs.c.task_id, node_runs.c.attempt, node_runs.c.started_at
).where(node_runs.c.run_id == bindparam("run_id"), node_runs.c.status == NodeStatus.RUNNING.value)
_CLOSE = (
    update(node_runs)
    .where(
        node_runs.c.run_id == bindparam("of_run"),
        node_runs.c.delivery == bindparam("of_delivery"),
        node_runs.c.task_id == bindparam("of_task"),
        node_runs.c.attempt == bindparam("of_attempt"),
    )
    .values(
        status=bindparam("new_status"),
        duration_ms=bindparam("new_duration_ms"),
        ended_at=bindparam("new_ended_at"),
    )
)


def upsert_many(conn: Connection, node_runs: Sequence[NodeRun]) -> None:
    """Record attempts; one that is there already is brought up to date."""
    _UPSERT.run(conn, [vars(node_run) for node_run in node_runs])


def fetch_for_runs(
    conn: Connection, run_ids: Sequence[RunId], *, limit: int = 2000
) -> list[NodeRun]:
    """The attempts of these runs, in the order they started."""
    rows = conn.execute(_FOR_RUNS, {"run_ids": list(run_ids), "limit": limit})
    return [_from_row(row) for row in rows]


def fetch_for_tasks(
    conn: Connection, thread_id: ThreadId, task_ids: Sequence[str]
) -> list[NodeRun]:
    """All attempts of these tasks of a thread, whichever run made them."""
    rows = conn.execute(_FOR_TASKS, {"thread_id": thread_id, "task_ids": list(task_ids)})
    return [_from_row(row) for row in rows]


def fetch_step(
    conn: Connection, thread_id: ThreadId, step: int, *, limit: int = 1000
) -> list[NodeRun]:
    """All attempts at a step of a thread, whichever run made them; looks through the whole thread."""
    rows = conn.execute(_STEP, {"thread_id": thread_id, "of_step": step, "limit": limit})
    return [_from_row(row) for row in rows]


def fetch_for_thread(
    conn: Connection, thread_id: ThreadId, *, since: datetime, limit: int
) -> list[NodeRun]:
    """The newest attempts of a thread that began at `since` or later, whichever run made them."""
    given = {"thread_id": thread_id, "since": since, "limit": limit}
    return [_from_row(row) for row in conn.execute(_OF_THREAD, given)]


def count_running(
    conn: Connection, workflow: str, *, runs_limit: int = 100, limit: int = 1000
) -> dict[str, int]:
    """How many tasks run at each node path now, looking at the newest of its running runs."""
    given = {"of_workflow": workflow, "runs_limit": runs_limit, "limit": limit}
    return {row.path: row.how_many for row in conn.execute(_RUNNING, given)}


def close_open(conn: Connection, run_id: RunId, *, status: NodeStatus, ended_at: datetime) -> int:
    """End the attempts of a run that are still running, as when their worker is gone; how many."""
    found = conn.execute(_OPEN, {"run_id": run_id}).all()
    if found:
        conn.execute(_CLOSE, [_closing(run_id, row, status, ended_at) for row in found])
    return len(found)


def _closing(
    run_id: RunId, row: Row[Any, Any, Any, Any], status: NodeStatus, ended_at: datetime
) -> dict[str, Any]:
    return {
        "of_run": run_id,
        "of_delivery": row.delivery,
        "of_task": row.task_id,
        "of_attempt": row.attempt,
        "new_status": status,
        "new_ended_at": ended_at,
        "new_duration_ms": max(0.0, (ended_at - row.started_at) / timedelta(milliseconds=1)),
    }


def _from_row(row: Row[Any]) -> NodeRun:
    return NodeRun(
        run_id=row.run_id,
        thread_id=row.thread_id,
        workflow=row.workflow,
        task_id=row.task_id,
        attempt=row.attempt,
        delivery=row.delivery,
        node=row.node,
        path=row.path,
        namespace=row.namespace,
        step=row.step,
        status=NodeStatus(row.status),
        started_at=row.started_at,
        duration_ms=row.duration_ms,
        error_type=row.error_type,
        error_message=row.error_message,
        ended_at=row.ended_at,
        is_final=row.is_final,
        variant=row.variant,
        retry_wait_ms=row.retry_wait_ms,
        error_kind=row.error_kind,
        tokens_in=row.tokens_in,
        tokens_out=row.tokens_out,
        cost=row.cost,
        origin=row.origin,
    )
