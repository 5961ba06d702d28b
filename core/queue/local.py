"""
The job queue inside the store's own tables, for one worker on SQLite.

It holds on Postgres too (the contract suite runs there), where claims take turns.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
    insert,
    or_,
    select,
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
from interlock.core.store import dialect
from interlock.core.store.schema import holds, jobs
from interlock.core.types import JobId, Json, WorkerId

# A job that is due need not wait until a clock that was set back, or another host's, has caught up.
AT_ONCE = datetime.fromtimestamp(0, UTC)

_other = jobs.alias("other")
_IS_EARLIER = or_(
    _other.c.priority > jobs.c.priority,
    and_(
        _other.c.priority == jobs.c.priority,
        or_(
            _other.c.created_at < jobs.c.created_at,
            and_(_other.c.created_at == jobs.c.created_at, _other.c.job_id < jobs.c.job_id),
        ),
    ),
)
_IS_BLOCKED = exists().where(
    _other.c.lock == jobs.c.lock,
    or_(
        _other.c.status == "doing",
        and_(_other.c.status == "todo", _other.c.run_at <= bindparam("now"), _IS_EARLIER),
    ),
)
_IS_HELD = and_(
    jobs.c.kind == JobKind.RUN.value,
    exists().where(or_(holds.c.scope == EVERYTHING, holds.c.scope == jobs.c.workflow)),
)
_WAITS = and_(jobs.c.status == "todo", jobs.c.run_at <= bindparam("now"))
_DUE = and_(_WAITS, ~_IS_HELD)
_FREE = (
    select(jobs.c.job_id)
    .where(_DUE, ~_IS_BLOCKED)
    .order_by(jobs.c.priority.desc(), jobs.c.created_at, jobs.c.job_id)
    .limit(bindparam("limit"))
    .with_for_update(of=jobs, skip_locked=True)
)
# By their priority, which the index serves: they stand before all runs.
_IS_ERRAND = and_(jobs.c.priority >= ERRAND_PRIORITY, jobs.c.kind != JobKind.RUN.value)
_FREE_ERRANDS = _FREE.where(_IS_ERRAND)
_IS_SERVED = jobs.c.workflow.in_(bindparam("served", expanding=True))
_FREE_SERVED = _FREE.where(_IS_SERVED)
_FREE_ERRANDS_SERVED = _FREE_ERRANDS.where(_IS_SERVED)
_CLAIM = (
    update(jobs)
    .where(jobs.c.job_id.in_(bindparam("job_ids", expanding=True)))
    .values(status="doing", claimed_by=bindparam("worker_id"), deliveries=jobs.c.deliveries + 1)
    .returning(jobs)
)
_ENQUEUE = insert(jobs)
_FINISH = (
    update(jobs)
    .where(jobs.c.job_id == bindparam("of_id"), jobs.c.status == "doing")
    .values(status=bindparam("new_status"), result=bindparam("new_result"))
)
_NOTE_PROGRESS = (
    update(jobs)
    .where(jobs.c.job_id == bindparam("of_id"))
    .values(progress=bindparam("new_progress"))
)
_HAND_BACK = (
    update(jobs)
    .where(jobs.c.job_id == bindparam("of_id"), jobs.c.status == "doing")
    .values(status="todo", claimed_by=None)
)
_DROP = delete(jobs).where(
    jobs.c.job_id == bindparam("of_id"), jobs.c.status == "todo", jobs.c.deliveries == 0
)
_PUT_BACK = (
    update(jobs)
    .where(
        jobs.c.claimed_by == bindparam("worker_id"),
        jobs.c.status == "doing",
        jobs.c.job_id.not_in(bindparam("but", expanding=True)),
    )
    .values(status="todo", claimed_by=None)
    .returning(jobs.c.job_id)
)
_IS_CLAIMED = select(
    exists().where(
        jobs.c.job_id == bindparam("of_id"),
        jobs.c.status == "doing",
        jobs.c.claimed_by == bindparam("worker_id"),
        jobs.c.deliveries == bindparam("deliveries"),
    )
)
_RESULT = select(jobs.c.status, jobs.c.result).where(jobs.c.job_id == bindparam("of_id"))
_ANY_DUE = select(exists().where(_DUE))
_ANY_ERRAND_DUE = select(exists().where(_DUE, _IS_ERRAND))
_ANY_SERVED_DUE = select(exists().where(_DUE, _IS_SERVED))
_ANY_SERVED_ERRAND_DUE = select(exists().where(_DUE, _IS_ERRAND, _IS_SERVED))
_COUNT_DUE = select(func.count()).where(_WAITS)
_CLEAR = delete(jobs).where(
    jobs.c.status.in_(("done", "failed")), jobs.c.created_at < bindparam("before")
)


class LocalQueue(JobQueue):
    """Jobs as rows: claimed in one transaction, ordered by priority and age, one a lock."""

    def enqueue(self, conn: Connection, job: NewJob, *, now: datetime) -> None:
        """Add a job within the caller's transaction; nobody sees it before the commit."""
        conn.execute(
            _ENQUEUE,
            {
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
            },
        )

    def claim(
        self,
        conn: Connection,
        *,
        worker_id: WorkerId,
        limit: int,
        now: datetime,
        only_errands: bool = False,
        serves: Serves = SERVES_ALL,
    ) -> Sequence[Job]:
        """Take up to `limit` due jobs, highest priority first, then oldest, one per lock."""
        # A statement sees what was committed before it began: two claims at once could each take
        # a job of one lock.
        dialect.lock_all(conn, dialect.Lock.CLAIM)
        wanted: dict[str, Any] = {"now": now, "limit": limit}
        if serves.workflows is None:
            free = _FREE_ERRANDS if only_errands else _FREE
        else:
            free = _FREE_ERRANDS_SERVED if only_errands else _FREE_SERVED
            wanted["served"] = _served(serves.workflows)
        found = list(conn.execute(free, wanted).scalars())
        if not found:
            return []
        rows = conn.execute(_CLAIM, {"job_ids": found, "worker_id": worker_id})
        claimed = {row.job_id: _from_row(row) for row in rows}
        return [claimed[job_id] for job_id in found]

    def finish(
        self, conn: Connection, job_id: JobId, *, failed: bool = False, result: Json = None
    ) -> None:
        """Close a claimed job; its lock is free from the commit on."""
        status = "failed" if failed else "done"
        conn.execute(_FINISH, {"of_id": job_id, "new_status": status, "new_result": result})

    def finish_many(self, conn: Connection, jobs: Sequence[tuple[JobId, bool]]) -> None:
        """Close claimed jobs at once, each with whether it failed."""
        rows = [
            {"of_id": job_id, "new_status": "failed" if failed else "done", "new_result": None}
            for job_id, failed in jobs
        ]
        if rows:
            conn.execute(_FINISH, rows)

    def note_progress(self, conn: Connection, job_id: JobId, *, progress: str) -> None:
        """Remember how far the job came, to tell a job that moves from one that kills its worker."""
        conn.execute(_NOTE_PROGRESS, {"of_id": job_id, "new_progress": progress})

    def hand_back(self, conn: Connection, job_id: JobId) -> None:
        """Let a claimed job be claimed anew, by whichever worker."""
        conn.execute(_HAND_BACK, {"of_id": job_id})

    def drop(self, conn: Connection, job_id: JobId) -> bool:
        """Remove a job that nobody has claimed yet; False if it was claimed or is unknown."""
        return conn.execute(_DROP, {"of_id": job_id}).rowcount == 1

    def put_back(
        self, conn: Connection, *, worker_id: WorkerId, but: Collection[JobId] = ()
    ) -> Sequence[JobId]:
        """Hand back all that this (dead or stopping) worker had claimed but these; which those were."""
        found = conn.execute(_PUT_BACK, {"worker_id": worker_id, "but": list(but)})
        return list(found.scalars())

    def is_claimed(self, conn: Connection, job: Job, *, worker_id: WorkerId) -> bool:
        """Whether this worker still has a job, as it was handed out to it and not anew."""
        wanted = {"of_id": job.job_id, "worker_id": worker_id, "deliveries": job.deliveries}
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
        wanted: dict[str, Any] = {"now": now}
        if serves.workflows is None:
            due = _ANY_ERRAND_DUE if only_errands else _ANY_DUE
        else:
            due = _ANY_SERVED_ERRAND_DUE if only_errands else _ANY_SERVED_DUE
            wanted["served"] = _served(serves.workflows)
        return bool(conn.execute(due, wanted).scalar_one())

    def clear_finished(self, conn: Connection, *, before: datetime) -> int:
        """Delete finished jobs enqueued before this moment; the number deleted."""
        return conn.execute(_CLEAR, {"before": before}).rowcount


def _served(workflows: Collection[str]) -> list[str]:
    """The workflows of which a worker takes jobs, in one order; what needs no workflow is anybody's."""
    return ["", *sorted(workflows)]


def _from_row(row: Row[Any]) -> Job:
    return Job(
        job_id=row.job_id,
        kind=JobKind(row.kind),
        lock=row.lock,
        payload=row.payload,
        priority=row.priority,
        deliveries=row.deliveries,
        progress=row.progress,
        created_at=row.created_at,
    )
