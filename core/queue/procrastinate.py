"""
The job queue on Postgres, for any number of workers: Procrastinate decides who gets which job.

Its functions are called on the caller's connection, so that a job is deferred, fetched, finished and
retried in the same transaction as what causes it. Our book keeps what a job is and became; a job there
knows its number in Procrastinate's table, which holds nothing but the order, the locks and that id.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    delete,
    exists,
    insert,
    select,
    text,
    update,
)

from interlock.core.errors import Conflict
from interlock.core.queue import book
from interlock.core.queue.book import IS_AS_CLAIMED, TOLD, Book
from interlock.core.queue.lanes import Wanted, find_queues, queue_of
from interlock.core.queue.port import SERVES_ALL, Job, JobKind, NewJob, Serves
from interlock.core.store.schema import jobs
from interlock.core.types import JobId, Json, WorkerId

RECONCILE_EVERY = timedelta(seconds=5)  # by who claims; what is missed is found so late at most
MAX_RECONCILED = 1000
ASIDE_S = (
    1  # until a job is looked at again that an older program's job of the same lock keeps back
)

# Its three steps of a job, by the functions that the package's own queries call (a test compares them).
DEFER = """(procrastinate_defer_jobs_v1(ARRAY[ROW(
    CAST(:d_queue AS varchar), 'interlock', CAST(:d_priority AS integer), CAST(:d_lock AS text), NULL,
    jsonb_build_object('job_id', CAST(:d_job_id AS text)), NULL
    )::procrastinate_job_to_defer_v1]))[1]"""
FETCH = """SELECT (taken.job).id AS dispatch_id, (taken.job).args ->> 'job_id' AS job_id FROM (
    SELECT procrastinate_fetch_job_v2(ARRAY[wanted.queue]::varchar[], NULL) AS job
    FROM unnest(CAST(:queues AS varchar[])) WITH ORDINALITY AS wanted (queue, place)
    ORDER BY wanted.place OFFSET 0) AS taken WHERE (taken.job).id IS NOT NULL"""
FINISH = """SELECT procrastinate_finish_job_v1(found.id, 'succeeded', true) FROM (
    SELECT id FROM procrastinate_jobs WHERE id = ANY(:ids) AND status IN ('todo', 'doing')
    ORDER BY id FOR UPDATE) AS found"""
RETRY = """SELECT procrastinate_retry_job_v2(found.id, {at}, NULL, NULL, NULL) FROM (
    SELECT id FROM procrastinate_jobs WHERE id = ANY(:ids) AND status = 'doing'
    ORDER BY id FOR UPDATE) AS found"""
CANCEL = "SELECT procrastinate_cancel_job_v1(:id, false, true)"

_FETCH, _FINISH, _CANCEL = text(FETCH), text(FINISH), text(CANCEL)
_RETRY = text(RETRY.format(at="NULL"))
_SET_ASIDE = text(RETRY.format(at=f"now() + interval '{ASIDE_S} s'"))

_ENQUEUE = insert(jobs).values(dispatch_id=text(DEFER))
_WRITE_DOWN = insert(jobs)
_DEFER_MANY = text("""
SELECT procrastinate_defer_jobs_v1(ARRAY(
    SELECT ROW(queue, 'interlock', priority, lock, NULL, jsonb_build_object('job_id', job_id), NULL
        )::procrastinate_job_to_defer_v1
    FROM unnest(CAST(:queues AS varchar[]), CAST(:priorities AS integer[]), CAST(:locks AS text[]),
        CAST(:job_ids AS text[])) WITH ORDINALITY AS due (queue, priority, lock, job_id, place)
    ORDER BY place))""")
_NUMBERS = text(
    "SELECT id AS number, args ->> 'job_id' AS of_id FROM procrastinate_jobs WHERE id = ANY(:ids)"
)
_NUMBER = (
    update(jobs).where(jobs.c.job_id == bindparam("of_id")).values(dispatch_id=bindparam("number"))
)
_other = jobs.alias("other")
_CLAIM = (
    update(jobs)
    .where(
        jobs.c.job_id.in_(bindparam("job_ids", expanding=True)),
        jobs.c.status == "todo",
        # Of a program from before Procrastinate, which claims from the book alone.
        ~exists().where(_other.c.lock == jobs.c.lock, _other.c.status == "doing"),
    )
    .values(status="doing", claimed_by=bindparam("worker_id"), deliveries=jobs.c.deliveries + 1)
    .returning(*TOLD)
)
_IS_TODO = select(jobs.c.job_id).where(
    jobs.c.job_id.in_(bindparam("job_ids", expanding=True)), jobs.c.status == "todo"
)
_FORGET = (
    update(jobs)
    .where(jobs.c.dispatch_id.in_(bindparam("ids", expanding=True)))
    .values(dispatch_id=None)
)
_CLOSE = (
    update(jobs)
    .where(jobs.c.job_id.in_(bindparam("of_ids", expanding=True)), jobs.c.status == "doing")
    .values(status=bindparam("new_status"), result=bindparam("new_result"))
    .returning(jobs.c.dispatch_id)
)
_HAND_BACK = (
    update(jobs)
    .where(IS_AS_CLAIMED)
    .values(status="todo", claimed_by=None)
    .returning(jobs.c.job_id, jobs.c.dispatch_id)
)
_PUT_BACK = (
    update(jobs)
    .where(
        jobs.c.claimed_by == bindparam("worker_id"),
        jobs.c.status == "doing",
        jobs.c.job_id.not_in(bindparam("but", expanding=True)),
    )
    .values(status="todo", claimed_by=None)
    .returning(jobs.c.job_id, jobs.c.dispatch_id)
)
_UNTOUCHED = select(jobs.c.dispatch_id).where(
    jobs.c.job_id == bindparam("of_id"), jobs.c.status == "todo", jobs.c.deliveries == 0
)
_DROP = delete(jobs).where(
    jobs.c.job_id == bindparam("of_id"), jobs.c.status == "todo", jobs.c.deliveries == 0
)
_UNDISPATCHED = (
    select(jobs.c.job_id, jobs.c.kind, jobs.c.workflow, jobs.c.priority, jobs.c.lock)
    .where(jobs.c.status == "todo", jobs.c.dispatch_id.is_(None), jobs.c.run_at <= bindparam("now"))
    .order_by(jobs.c.priority.desc(), jobs.c.created_at, jobs.c.job_id)
    .limit(MAX_RECONCILED)
    .with_for_update(skip_locked=True)
)
# Fetched by this program, and handed back or ended by one that knows the book alone.
_ASTRAY = text("""
SELECT gone.id, book.status = 'todo' AS is_todo FROM procrastinate_jobs AS gone
LEFT JOIN jobs AS book ON book.job_id = gone.args ->> 'job_id' AND book.dispatch_id = gone.id
WHERE gone.status = 'doing' AND (book.job_id IS NULL OR book.status <> 'doing')
ORDER BY gone.id LIMIT 1000""")


class ProcrastinateQueue(Book):
    """Jobs in our book, dealt out by Procrastinate's functions: its locks, priorities and order."""

    def __init__(self) -> None:
        self._reconciled_at: datetime | None = None

    def enqueue(self, conn: Connection, job: NewJob, *, now: datetime) -> None:
        """
        Write a job down and defer it within the caller's transaction.

        One that is not due yet is deferred when it is: there it would keep back all others of its lock.
        """
        if job.run_at is not None and job.run_at > now:
            conn.execute(_WRITE_DOWN, book.as_row(job, now))
        else:
            conn.execute(_ENQUEUE, {**book.as_row(job, now), **_deferral(job)})

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
        is_level = self._is_due(now)
        if is_level:
            self._reconcile(conn, now)
        wanted = Wanted(worker_id, limit, only_errands, serves)
        claimed = _claim(conn, wanted)
        if not claimed and not is_level and _defer_undispatched(conn, now):
            return _claim(conn, wanted)
        return claimed

    def finish(
        self, conn: Connection, job_id: JobId, *, failed: bool = False, result: Json = None
    ) -> None:
        """Close a claimed job; its lock is free from the commit on."""
        _finish(conn, [job_id], failed=failed, result=result)

    def finish_many(self, conn: Connection, jobs: Sequence[tuple[JobId, bool]]) -> None:
        """Close claimed jobs at once, each with whether it failed."""
        for as_failed in (False, True):
            _finish(
                conn, [job_id for job_id, failed in jobs if failed is as_failed], failed=as_failed
            )

    def hand_back(self, conn: Connection, job: Job) -> None:
        """Let a claimed job be claimed anew, unless it was since."""
        _defer_anew(conn, conn.execute(_HAND_BACK, book.as_claimed(job)).all())

    def drop(self, conn: Connection, job_id: JobId) -> bool:
        """Remove a job that nobody has claimed yet; False if it was claimed or is unknown."""
        untouched = conn.execute(_UNTOUCHED, {"of_id": job_id}).one_or_none()
        if untouched is None:
            return False
        # Its row there before ours, as who claims it locks them: neither waits for the other for ever.
        number = untouched.dispatch_id
        if number is not None and conn.execute(_CANCEL, {"id": number}).scalar_one() is None:
            return False
        return conn.execute(_DROP, {"of_id": job_id}).rowcount == 1

    def put_back(
        self, conn: Connection, *, worker_id: WorkerId, but: Collection[JobId] = ()
    ) -> Sequence[JobId]:
        """Hand back all that this (dead or stopping) worker had claimed but these; which those were."""
        found = conn.execute(_PUT_BACK, {"worker_id": worker_id, "but": list(but)}).all()
        _defer_anew(conn, found)
        return [row.job_id for row in found]

    def _is_due(self, now: datetime) -> bool:
        last = self._reconciled_at
        return last is None or not last <= now < last + RECONCILE_EVERY

    def _reconcile(self, conn: Connection, now: datetime) -> None:
        """Bring level what a program that knows the book alone has written, or carried."""
        self._reconciled_at = now
        _defer_undispatched(conn, now)
        astray = conn.execute(_ASTRAY).all()
        if back := [row.id for row in astray if row.is_todo]:
            conn.execute(_RETRY, {"ids": back})
        if gone := [row.id for row in astray if not row.is_todo]:
            conn.execute(_FORGET, {"ids": gone})
            conn.execute(_FINISH, {"ids": gone})


def _claim(conn: Connection, wanted: Wanted) -> list[Job]:
    try:
        with conn.begin_nested():
            return _take(conn, wanted)
    except Conflict:
        # A more urgent job of a lock came while another worker took one of it, which goes first.
        return []


def _take(conn: Connection, wanted: Wanted) -> list[Job]:
    queues = find_queues(conn, wanted)
    fetched = conn.execute(_FETCH, {"queues": queues}).all() if queues else []
    if not fetched:
        return []
    job_ids = [row.job_id for row in fetched]
    rows = conn.execute(_CLAIM, {"job_ids": job_ids, "worker_id": wanted.worker_id})
    claimed = {row.job_id: book.from_row(row) for row in rows}
    if len(claimed) < len(job_ids):
        _let_go(conn, {row.job_id: row.dispatch_id for row in fetched if row.job_id not in claimed})
    return [claimed[job_id] for job_id in job_ids if job_id in claimed]


def _let_go(conn: Connection, numbers: dict[str, int]) -> None:
    """Of what was fetched and is not to be had: keep for later what waits still, forget the rest."""
    todo = set(conn.execute(_IS_TODO, {"job_ids": list(numbers)}).scalars())
    if later := [number for job_id, number in numbers.items() if job_id in todo]:
        conn.execute(_SET_ASIDE, {"ids": later})
    if gone := [number for job_id, number in numbers.items() if job_id not in todo]:
        conn.execute(_FORGET, {"ids": gone})
        conn.execute(_FINISH, {"ids": gone})


def _defer_anew(conn: Connection, handed_back: Sequence[Any]) -> None:
    """What was claimed from the book alone has no number, and is deferred when it is found."""
    numbers = [row.dispatch_id for row in handed_back if row.dispatch_id is not None]
    if numbers:
        conn.execute(_RETRY, {"ids": numbers})


def _defer_undispatched(conn: Connection, now: datetime) -> bool:
    rows = conn.execute(_UNDISPATCHED, {"now": now}).all()
    if not rows:
        return False
    due = {
        "queues": [queue_of(JobKind(row.kind), row.workflow, row.priority) for row in rows],
        "priorities": [row.priority for row in rows],
        "locks": [row.lock for row in rows],
        "job_ids": [row.job_id for row in rows],
    }
    ids = conn.execute(_DEFER_MANY, due).scalar_one()
    numbers = conn.execute(_NUMBERS, {"ids": ids}).mappings()
    conn.execute(_NUMBER, [dict(each) for each in numbers])
    return True


def _finish(
    conn: Connection, job_ids: Sequence[JobId], *, failed: bool, result: Json = None
) -> None:
    if not job_ids:
        return
    closing = {
        "of_ids": list(job_ids),
        "new_status": "failed" if failed else "done",
        "new_result": result,
    }
    numbers = list(conn.execute(_CLOSE, closing).scalars())
    conn.execute(_FINISH, {"ids": [number for number in numbers if number is not None]})


def _deferral(job: NewJob) -> dict[str, Any]:
    return {
        "d_queue": queue_of(job.kind, job.workflow, job.priority),
        "d_priority": job.priority,
        "d_lock": job.lock,
        "d_job_id": job.job_id,
    }
