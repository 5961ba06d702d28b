"""
The book of jobs: the store's own table, which says of every job what it is and how far it came.

Both queues keep it; they differ in who decides which job is next.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    type_coerce,
    update,
)

from interlock.core.model.holds import EVERYTHING
from interlock.core.queue.port import (
    ERRAND_PRIORITY,
    SERVES_ALL,
    Job,
    JobKind,
    JobQueue,
    NewJob,
    Serves,
)
from interlock.core.store.columns import SealedOrUnread, Unread
from interlock.core.store.schema import holds, jobs
from interlock.core.types import JobId, Json, WorkerId

# A job that is due need not wait until a clock that was set back, or another host's, has caught up.
AT_ONCE = datetime.fromtimestamp(0, UTC)

IS_HELD = and_(
    jobs.c.kind == JobKind.RUN.value,
    exists().where(or_(holds.c.scope == EVERYTHING, holds.c.scope == jobs.c.workflow)),
)
WAITS = and_(jobs.c.status == "todo", jobs.c.run_at <= bindparam("now"))
DUE = and_(WAITS, ~IS_HELD)
# By their priority, which the index serves: they stand before all runs.
IS_ERRAND = and_(jobs.c.priority >= ERRAND_PRIORITY, jobs.c.kind != JobKind.RUN.value)
IS_SERVED = jobs.c.workflow.in_(bindparam("served", expanding=True))
IS_NOT_LEFT = jobs.c.workflow.not_in(bindparam("left", expanding=True))
# As it was handed out to whoever asks; each handing out counts one more.
IS_AS_CLAIMED = and_(
    jobs.c.job_id == bindparam("of_id"),
    jobs.c.status == "doing",
    jobs.c.deliveries == bindparam("of_delivery"),
)
# What `from_row` reads. One job that cannot be decrypted must not keep those beside it from a worker.
TOLD = (
    *(c for c in jobs.columns if c.name not in {"payload", "result"}),
    type_coerce(jobs.c.payload, SealedOrUnread()).label("payload"),
)

# By whether it is for errands alone, for some workflows, and for all but some.
_ANY_DUE = {
    key: select(exists().where(*due))
    for key, due in {
        (False, False, False): (DUE,),
        (False, True, False): (DUE, IS_SERVED),
        (False, False, True): (DUE, IS_NOT_LEFT),
        (False, True, True): (DUE, IS_SERVED, IS_NOT_LEFT),
        (True, False, False): (DUE, IS_ERRAND),
        (True, True, False): (DUE, IS_ERRAND, IS_SERVED),
        (True, False, True): (DUE, IS_ERRAND, IS_NOT_LEFT),
        (True, True, True): (DUE, IS_ERRAND, IS_SERVED, IS_NOT_LEFT),
    }.items()
}
_RUNNING = (
    select(jobs.c.workflow, func.count().label("running"))
    .where(jobs.c.status == "doing", jobs.c.kind == JobKind.RUN.value)
    .group_by(jobs.c.workflow)
)
_NOTE_PROGRESS = (
    update(jobs)
    .where(jobs.c.job_id == bindparam("of_id"))
    .values(progress=bindparam("new_progress"))
)
_IS_CLAIMED = select(exists().where(IS_AS_CLAIMED, jobs.c.claimed_by == bindparam("worker_id")))
_RESULT = select(jobs.c.status, jobs.c.result).where(jobs.c.job_id == bindparam("of_id"))
_COUNT_DUE = select(func.count()).where(WAITS)
_CLEAR = delete(jobs).where(
    jobs.c.status.in_(("done", "failed")), jobs.c.created_at < bindparam("before")
)


class Book(JobQueue):
    """What is the same for every queue: all that only reads the book, or only writes into it."""

    def note_progress(self, conn: Connection, job_id: JobId, *, progress: str) -> None:
        """Remember how far the job came, to tell a job that moves from one that kills its worker."""
        conn.execute(_NOTE_PROGRESS, {"of_id": job_id, "new_progress": progress})

    def is_claimed(self, conn: Connection, job: Job, *, worker_id: WorkerId) -> bool:
        """Whether this worker still has a job, as it was handed out to it and not anew."""
        wanted = {**as_claimed(job), "worker_id": worker_id}
        return bool(conn.execute(_IS_CLAIMED, wanted).scalar_one())

    def fetch_result(self, conn: Connection, job_id: JobId) -> tuple[str, Json] | None:
        """Status and result of a job, None if it is unknown (or was cleared)."""
        row = conn.execute(_RESULT, {"of_id": job_id}).one_or_none()
        return None if row is None else (row.status, row.result)

    def count_due(self, conn: Connection, *, now: datetime) -> int:
        """How many jobs wait for a worker."""
        count: int = conn.execute(_COUNT_DUE, {"now": now}).scalar_one()
        return count

    def is_any_due(
        self,
        conn: Connection,
        *,
        now: datetime,
        only_errands: bool = False,
        serves: Serves = SERVES_ALL,
    ) -> bool:
        """Whether a claim could find something; may say yes too often, never no."""
        any_due = _ANY_DUE[only_errands, serves.workflows is not None, bool(serves.leaves)]
        return bool(conn.execute(any_due, {"now": now, **served_by(serves)}).scalar_one())

    def clear_finished(self, conn: Connection, *, before: datetime) -> int:
        """Delete finished jobs enqueued before this moment; the number deleted."""
        return conn.execute(_CLEAR, {"before": before}).rowcount


def count_running(conn: Connection) -> dict[str, int]:
    """How many runs of each workflow are carried at the moment, wherever."""
    return {row.workflow: row.running for row in conn.execute(_RUNNING)}


def as_claimed(job: Job) -> dict[str, Any]:
    """The parameters of a statement about a job that still `IS_AS_CLAIMED`."""
    return {"of_id": job.job_id, "of_delivery": job.deliveries}


def served_by(serves: Serves) -> dict[str, Any]:
    """The parameters of a statement that asks whether a job `IS_SERVED` and `IS_NOT_LEFT`."""
    served = {} if serves.workflows is None else {"served": list(taken_by(serves.workflows))}
    return served | ({"left": sorted(serves.leaves)} if serves.leaves else {})


def taken_by(workflows: Collection[str]) -> tuple[str, ...]:
    """The workflows of which a worker takes jobs, in one order; a job of none is anybody's."""
    return ("", *sorted(workflows))


def as_row(job: NewJob, now: datetime) -> dict[str, Any]:
    """A job as it is first written down."""
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "lock": job.lock,
        "payload": job.payload,
        "priority": job.priority,
        "status": "todo",
        "run_at": AT_ONCE if job.run_at is None else job.run_at,
        "created_at": now,
        "deliveries": 0,
        "result": None,
        "workflow": job.workflow,
    }


def from_row(row: Row[Any]) -> Job:
    """A job as it is handed out."""
    return Job(
        job_id=row.job_id,
        kind=JobKind(row.kind),
        lock=row.lock,
        payload={} if isinstance(row.payload, Unread) else row.payload,
        priority=row.priority,
        deliveries=row.deliveries,
        progress=row.progress,
        created_at=row.created_at,
        workflow=row.workflow,
        unread=row.payload.error if isinstance(row.payload, Unread) else None,
    )
