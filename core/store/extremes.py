"""The worst that the newest threads of a workflow have shown: the longest run, the largest state."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select

from interlock.core.model.runs import RunStatus
from interlock.core.model.workflow_checks import Extremes
from interlock.core.store.schema import checkpoints_index, runs, threads

NEWEST_THREADS = 200  # each has its points read; older ones tell of older code
NEWEST_FAILED = 200
_LIMIT_ERROR = "GraphRecursionError"

_POINTS = checkpoints_index.c
_NEWEST = (
    select(threads.c.thread_id)
    .where(threads.c.workflow == bindparam("of_workflow"))
    .order_by(threads.c.updated_at.desc(), threads.c.thread_id.desc())
    .limit(NEWEST_THREADS)
)
_OF_NEWEST = checkpoints_index.join(
    (newest := _NEWEST.subquery()), newest.c.thread_id == _POINTS.thread_id
)
_COUNT = select(func.count()).select_from(_NEWEST.subquery())
_LARGEST = (
    select(_POINTS.thread_id, _POINTS.checkpoint_id, _POINTS.size_bytes)
    .select_from(_OF_NEWEST)
    .order_by(_POINTS.size_bytes.desc(), _POINTS.checkpoint_id.desc())
    .limit(1)
)
_LONGEST = (
    select(_POINTS.run_id, (steps := func.count()).label("steps"))
    .select_from(_OF_NEWEST)
    .where(_POINTS.source == "loop", _POINTS.step > 0, _POINTS.run_id.is_not(None))
    .group_by(_POINTS.run_id)
    .order_by(steps.desc(), _POINTS.run_id.desc())
    .limit(1)
)
_FAILED = (
    select(runs.c.error_type)
    .where(runs.c.workflow == bindparam("of_workflow"), runs.c.status == RunStatus.FAILED.value)
    .order_by(runs.c.created_at.desc(), runs.c.run_id.desc())
    .limit(NEWEST_FAILED)
    .subquery()
)
_AT_LIMIT = select(func.count()).where(_FAILED.c.error_type == _LIMIT_ERROR)


def fetch(conn: Connection, workflow: str) -> Extremes:
    """What its newest threads and failed runs have shown."""
    of = {"of_workflow": workflow}
    largest = conn.execute(_LARGEST, of).one_or_none()
    longest = conn.execute(_LONGEST, of).one_or_none()
    return Extremes(
        threads_count=conn.execute(_COUNT, of).scalar_one(),
        most_steps=longest.steps if longest else 0,
        most_steps_run_id=longest.run_id if longest else None,
        limit_hits=conn.execute(_AT_LIMIT, of).scalar_one(),
        largest_bytes=largest.size_bytes if largest else 0,
        largest_thread_id=largest.thread_id if largest else None,
        largest_checkpoint_id=largest.checkpoint_id if largest else None,
    )
