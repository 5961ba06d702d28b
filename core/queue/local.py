"""The job queue inside the store's own tables, for the one worker of a SQLite file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import (
    Connection,
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

from interlock.core.queue import book
from interlock.core.queue.book import DUE, IS_AS_CLAIMED, IS_ERRAND, TOLD, Book
from interlock.core.queue.port import SERVES_ALL, Job, JobKind, NewJob, Serves
from interlock.core.queue.sharing import Waiting, choose
from interlock.core.store import dialect
from interlock.core.store.schema import jobs
from interlock.core.types import JobId, Json, WorkerId

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
_FREE = (
    select(jobs.c.job_id, jobs.c.kind, jobs.c.workflow, jobs.c.priority, jobs.c.created_at)
    .where(DUE, ~_IS_BLOCKED, jobs.c.workflow == bindparam("of_workflow"))
    .order_by(jobs.c.priority.desc(), jobs.c.created_at, jobs.c.job_id)
    .limit(bindparam("limit"))
    .with_for_update(of=jobs, skip_locked=True)
)
_FREE_ERRANDS = _FREE.where(IS_ERRAND)
# From one workflow to the next by the index, however many jobs of each wait.
_FIRST = (
    select(func.min(jobs.c.workflow).label("workflow"))
    .where(jobs.c.status == "todo")
    .cte("lanes", recursive=True)
)
_NEXT = (
    select(func.min(jobs.c.workflow))
    .where(jobs.c.status == "todo", jobs.c.workflow > _FIRST.c.workflow)
    .scalar_subquery()
)
_LANES = _FIRST.union_all(select(_NEXT).where(_FIRST.c.workflow.is_not(None)))
_WORKFLOWS = select(_LANES.c.workflow).where(_LANES.c.workflow.is_not(None))
_CLAIM = (
    update(jobs)
    .where(jobs.c.job_id.in_(bindparam("job_ids", expanding=True)))
    .values(status="doing", claimed_by=bindparam("worker_id"), deliveries=jobs.c.deliveries + 1)
    .returning(*TOLD)
)
_ENQUEUE = insert(jobs)
_FINISH = (
    update(jobs)
    .where(jobs.c.job_id == bindparam("of_id"), jobs.c.status == "doing")
    .values(status=bindparam("new_status"), result=bindparam("new_result"))
)
_HAND_BACK = update(jobs).where(IS_AS_CLAIMED).values(status="todo", claimed_by=None)
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


class LocalQueue(Book):
    """Jobs as rows: claimed in one transaction, ordered by priority, shares and age, one a lock."""

    def enqueue(self, conn: Connection, job: NewJob, *, now: datetime) -> None:
        """Add a job within the caller's transaction; nobody sees it before the commit."""
        conn.execute(_ENQUEUE, book.as_row(job, now))

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
        """Take up to `limit` due jobs, one per lock, by priority, fair shares and age."""
        # A statement sees what was committed before it began: two claims at once could each take
        # a job of one lock.
        dialect.lock_all(conn, dialect.Lock.CLAIM)
        free = _FREE_ERRANDS if only_errands else _FREE
        waiting = [
            Waiting(
                workflow=row.workflow,
                priority=row.priority,
                age=(row.created_at, row.job_id),
                ref=row.job_id,
                is_run=row.kind == JobKind.RUN,
            )
            for workflow in _served_lanes(conn, serves)
            for row in conn.execute(free, {"now": now, "limit": limit, "of_workflow": workflow})
        ]
        if not waiting:
            return []
        running = book.count_running(conn)
        found = [w.ref for w in choose(waiting, running=running, serves=serves, limit=limit)]
        rows = conn.execute(_CLAIM, {"job_ids": found, "worker_id": worker_id})
        claimed = {row.job_id: book.from_row(row) for row in rows}
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

    def hand_back(self, conn: Connection, job: Job) -> None:
        """Let a claimed job be claimed anew, unless it was since."""
        conn.execute(_HAND_BACK, book.as_claimed(job))

    def drop(self, conn: Connection, job_id: JobId) -> bool:
        """Remove a job that nobody has claimed yet; False if it was claimed or is unknown."""
        return conn.execute(_DROP, {"of_id": job_id}).rowcount == 1

    def put_back(
        self, conn: Connection, *, worker_id: WorkerId, but: Collection[JobId] = ()
    ) -> Sequence[JobId]:
        """Hand back all that this (dead or stopping) worker had claimed but these; which those were."""
        found = conn.execute(_PUT_BACK, {"worker_id": worker_id, "but": list(but)})
        return list(found.scalars())


def _served_lanes(conn: Connection, serves: Serves) -> list[str]:
    return [lane for lane in conn.execute(_WORKFLOWS).scalars() if serves.takes(lane)]
