"""
Deleting threads for good: by age, by number, by name; never one that somebody waits for.

A worker deletes a thread's checkpoints first, then all the rest in one transaction. Whoever is killed
between leaves a thread that says so and that nothing can be begun with; pruning it again ends it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.errors import InvalidInput, NotFound, NoWorker
from interlock.core.model.flags import Flag
from interlock.core.model.people import Permission
from interlock.core.model.pruning import (
    WHY,
    Hold,
    Kept,
    Pruning,
    Retention,
    Standing,
    find_hold,
)
from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadLine
from interlock.core.queue.port import Job, JobKind, NewJob
from interlock.core.services import flagging, forgetting, observing
from interlock.core.services.context import App
from interlock.core.services.forgetting import BY_SETTINGS
from interlock.core.services.permitting import command
from interlock.core.settings import Settings
from interlock.core.store import audit, engine, runs, thinning, thread_lists, threads, topics
from interlock.core.store import pruning as store
from interlock.core.types import CheckpointId, JobId, Json, ThreadId, new_id

MOST = 10_000  # threads looked at in one pass, those that moved first
AT_ONCE = 20  # threads that a worker is handed together: the runs come first
IN_PASSING = 200  # threads that go at a time by what the settings say
BEING_DELETED = "Its checkpoints are being deleted, or were, when a worker died. Prune it again."


def retention_of(settings: Settings) -> Retention:
    """What the settings say."""
    return Retention(
        older_than=timedelta(days=settings.retention_days) if settings.retention_days else None,
        most=settings.retention_max_threads_per_workflow or None,
        statuses=tuple(RunStatus(status) for status in settings.retention_statuses),
    )


def plan(
    app: App, retention: Retention, *, limit: int = MOST, is_unattended: bool = False
) -> Pruning:
    """
    Say which threads would go and which would not, and why; nothing is changed.

    `is_unattended`: nobody is told of those that stay as somebody waits for them.

    Raises:
        InvalidInput: Nothing says which.
        NotFound: A thread that was named is not there.
    """
    if retention.is_empty:
        raise InvalidInput(
            "Nothing says which threads go.",
            hint="Give an age, a number or threads, or set INTERLOCK_RETENTION_DAYS.",
        )
    going: list[ThreadLine] = []
    kept: list[Kept] = []
    with engine.read(app.engine) as conn:
        found = store.find(
            conn, retention, now=app.clock.now(), limit=limit, with_live=not is_unattended
        )
        known = {line.thread.thread_id for line in found}
        for missing in (each for each in retention.thread_ids if each not in known):
            raise NotFound("thread", missing, hint="`interlock thread list` names them.")
        lines = _thin(conn, found, retention)
        for line, standing in zip(lines, _read(app, conn, lines, retention), strict=True):
            hold = find_hold(standing, retention)
            if hold is None:
                going.append(line)
            else:
                kept.append(Kept(thread_id=line.thread.thread_id, why=WHY[hold]))
    count = 0 if is_unattended else forgetting.count_what_ifs(app, retention)
    return Pruning(threads=tuple(going), kept=tuple(kept), what_if_count=count)


@command(Permission.ADMINISTER)
def prune(
    app: App, retention: Retention, *, actor: str, reason: str = "", wait_s: float = 60.0
) -> Pruning:
    """
    Delete the threads that fit, and wait until a worker has.

    Args:
        app: The parts.
        retention: Which threads.
        actor: Who does it.
        reason: Why.
        wait_s: The longest that nothing happens.

    Returns:
        The threads that went; those that stayed, also where it turned out on the way.

    Raises:
        InvalidInput: Nothing says which.
        NotFound: A thread that was named is not there.
        NoWorker: No worker is alive, or none came to it in time.
        SwitchedOff: Pruning is.
    """
    flagging.require(app, Flag.PRUNING)
    planned = plan(app, retention)
    if planned.threads and not observing.list_workers(app):
        raise NoWorker(
            "A worker is needed to delete threads, and none is alive.",
            hint="Start `interlock up`.",
        )
    gone: list[ThreadLine] = []
    kept = list(planned.kept)
    for first in range(0, len(planned.threads), AT_ONCE):
        lines = planned.threads[first : first + AT_ONCE]
        asked = hand_out(app, retention, lines, actor=actor, reason=reason)
        for line, job_id in zip(lines, asked, strict=True):
            why = _wait(app, job_id, wait_s)
            if why is None:
                gone.append(line)
            else:
                kept.append(Kept(thread_id=line.thread.thread_id, why=why))
    count = forgetting.forget_what_ifs(app, retention, actor=actor, reason=reason)
    return Pruning(threads=tuple(gone), kept=tuple(kept), what_if_count=count)


def retain(app: App) -> int:
    """
    Hand out what the settings say goes; how many threads. Without such settings, none is read.

    Closed what-ifs go by their age whatever the settings say. Nothing goes while pruning is switched off.
    """
    if not flagging.is_on(app, Flag.PRUNING):
        return 0
    retention = retention_of(app.settings)
    forgetting.forget_what_ifs(app, retention, most=IN_PASSING, actor=BY_SETTINGS)
    if retention.is_empty or app.settings.attach is not None:
        return 0
    lines = plan(app, retention, limit=IN_PASSING, is_unattended=True).threads
    return len(hand_out(app, retention, lines, actor=BY_SETTINGS, reason=""))


@command(Permission.ADMINISTER)
def hand_out(
    app: App, retention: Retention, lines: Sequence[ThreadLine], *, actor: str, reason: str
) -> list[JobId]:
    """Ask a worker to delete these threads, each by itself; it looks again whether each may go."""
    asked: list[JobId] = []
    with engine.write(app.engine) as conn:
        for line in lines:
            payload: dict[str, Json] = {
                "thread_id": line.thread.thread_id,
                "updated_at": line.thread.updated_at.isoformat(),
                "statuses": [str(status) for status in retention.statuses],
                "is_named": bool(retention.thread_ids),
                "points": retention.points,
                "actor": actor,
                "reason": reason,
            }
            job = NewJob(
                job_id=JobId(new_id()),
                kind=JobKind.PRUNE,
                lock=line.thread.thread_id,
                payload=payload,
            )
            app.queue.enqueue(conn, job, now=app.clock.now())
            asked.append(job.job_id)
    return asked


def begin(app: App, job: Job) -> list[ThreadId] | None:
    """
    See once more whether the thread of a job may go; from then on nothing is begun with it.

    Returns:
        The threads of the checkpoint database to be deleted: itself, and copies of what-ifs. None if
        it stays; then the job is closed and says why.
    """
    thread_id = ThreadId(str(job.payload["thread_id"]))
    with engine.write(app.engine) as conn:
        hold = _look_again(app, conn, job, thread_id)
        if hold is not None:
            app.queue.finish(conn, job.job_id, result=WHY[hold])
            return None
        store.mark(conn, thread_id, BEING_DELETED)
        return [*store.find_sandboxes(conn, thread_id), thread_id]


def _look_again(app: App, conn: Connection, job: Job, thread_id: ThreadId) -> Hold | None:
    thread = threads.lock(conn, thread_id)
    if thread is None:
        return Hold.GONE
    if thread.updated_at != datetime.fromisoformat(job.payload["updated_at"]):
        return Hold.MOVED
    wanted = Retention(
        statuses=tuple(RunStatus(status) for status in job.payload["statuses"]),
        thread_ids=(thread_id,) if job.payload["is_named"] else (),
        points=job.payload["points"],
    )
    run = runs.fetch(conn, thread.last_run_id) if thread.last_run_id is not None else None
    (line,) = thread_lists.add_up(conn, [(thread, None if run is None else run.status.value)])
    (standing,) = _read(app, conn, [line], wanted, but=job.job_id)
    return find_hold(standing, wanted)


def _read(
    app: App,
    conn: Connection,
    lines: Sequence[ThreadLine],
    retention: Retention,
    *,
    but: JobId | None = None,
) -> list[Standing]:
    """How threads stand, those with deltas where that matters."""
    found = store.read_standings(conn, [(line.thread, line.status) for line in lines], but=but)
    if app.settings.attach is not None:  # the checkpoints of all threads are in that database
        return [replace(standing, is_foreign=True) for standing in found]
    if retention.points is None:
        return found
    return [
        replace(standing, has_deltas=_has_deltas(app, conn, line.thread.thread_id))
        for line, standing in zip(lines, found, strict=True)
    ]


def _has_deltas(app: App, conn: Connection, thread_id: ThreadId) -> bool:
    if app.settings.is_embedded:
        return thinning.has_deltas_in_file(app.settings.checkpoints_path, thread_id)
    return thinning.has_deltas(conn, thread_id)


def _thin(
    conn: Connection, lines: Sequence[ThreadLine], retention: Retention
) -> Sequence[ThreadLine]:
    """Where points go and not threads: those of which some go, with what goes."""
    if retention.points is None:
        return lines
    found = [
        (line, thinning.weigh(conn, line.thread.thread_id, retention.points))
        for line in lines
        if line.point_count > retention.points
    ]
    return [
        replace(line, point_count=gone.gone_count, size_bytes=gone.gone_bytes)
        for line, gone in found
    ]


def begin_points(app: App, job: Job) -> tuple[CheckpointId, ...] | None:
    """
    See once more whether points of the thread of a job may go.

    Returns:
        The points that stay. None if all do; then the job is closed and says why.
    """
    thread_id = ThreadId(str(job.payload["thread_id"]))
    with engine.write(app.engine) as conn:
        hold = _look_again(app, conn, job, thread_id)
        if hold is not None:
            app.queue.finish(conn, job.job_id, result=WHY[hold])
            return None
        return thinning.weigh(conn, thread_id, int(job.payload["points"])).kept


def finish_points(app: App, job: Job, kept: Sequence[CheckpointId]) -> None:
    """Take the points out of the index whose checkpoints are gone, and close the job."""
    thread_id = ThreadId(str(job.payload["thread_id"]))
    with engine.write(app.engine) as conn:
        threads.lock(conn, thread_id)
        gone = thinning.weigh(conn, thread_id, len(kept))
        thinning.delete_points(conn, thread_id, kept)
        app.queue.finish(conn, job.job_id)
        topics.bump(conn, "runs", "threads")
        audit.append(
            conn,
            at=app.clock.now(),
            actor=str(job.payload["actor"]),
            action="prune:points",
            object_=f"thread:{thread_id}",
            before={"points": len(kept) + gone.gone_count},
            after={"points": len(kept), "oldest": kept[-1], "bytes_gone": gone.gone_bytes},
            reason=str(job.payload["reason"]),
        )


def finish(app: App, job: Job) -> None:
    """Delete all that is left of a thread whose checkpoints are gone, and close its job."""
    thread_id = ThreadId(str(job.payload["thread_id"]))
    with engine.write(app.engine) as conn:
        thread = threads.lock(conn, thread_id)
        if thread is not None:
            (line,) = thread_lists.add_up(conn, [(thread, None)])
            store.delete_thread(conn, thread_id)
        app.queue.finish(conn, job.job_id)
        topics.bump(conn, "inbox", "runs", "threads")
        if thread is not None:
            audit.append(
                conn,
                at=app.clock.now(),
                actor=str(job.payload["actor"]),
                action="prune",
                object_=f"thread:{thread_id}",
                before={
                    "workflow": thread.workflow,
                    "updated_at": thread.updated_at.isoformat(),
                    "last_run_id": thread.last_run_id,
                    "points": line.point_count,
                    "bytes": line.size_bytes,
                },
                reason=str(job.payload["reason"]),
            )


def _wait(app: App, job_id: JobId, wait_s: float) -> str | None:
    """Why a thread was not deleted; None if it was."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        with engine.read(app.engine) as conn:
            ended = app.queue.fetch_result(conn, job_id)
        if ended is not None and ended[0] in ("done", "failed"):
            return None if ended[1] is None else str(ended[1])
        time.sleep(observing.POLL_S)
    raise NoWorker(
        f"No worker came to it within {wait_s:g} s; what was asked for is done when one does."
    )
