"""
One thread as a file, and a file as a new thread.

A file is made read-only, straight from the databases. It is taken in by a worker: first the thread,
marked so that nothing is begun with it, then the checkpoints, which may be written twice, then in one
transaction its past and a run that stands where the thread stood. So whoever is killed between leaves
a thread that says so, and taking the file in again ends it.
"""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from sqlalchemy import Connection

from interlock.core import ciphers
from interlock.core.errors import Conflict, InvalidInput, NotFound, NoWorker
from interlock.core.model.flags import Flag
from interlock.core.model.history import Fork
from interlock.core.model.people import Permission
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import Origin, Thread
from interlock.core.queue.port import Job, JobKind, NewJob
from interlock.core.services import (
    checking,
    flagging,
    observing,
    transfer_files,
    transferred_past,
)
from interlock.core.services.context import App
from interlock.core.services.launching import job_for
from interlock.core.services.permitting import command
from interlock.core.store import (
    audit,
    engine,
    forks,
    runs,
    threads,
    topics,
    transferring,
    workflows,
)
from interlock.core.types import CheckpointId, JobId, Json, RunId, ThreadId, new_id

WHERE_THREADS_ARE = "`interlock thread list` names them."
ELSEWHERE = "The checkpoints are in another application's database."
BEING_TAKEN_IN = "It is being taken in from a file, or was, when a worker died. Take the file in again, or prune it."
OTHER = "The checkpoint database has other checkpoints under this id."


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What came of a file; `has_past`: its runs, cards and decisions came along."""

    thread_id: ThreadId
    run_id: RunId
    point_count: int
    has_past: bool


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A file that is being taken in."""

    data: bytes
    head: transfer_files.Head
    thread_id: ThreadId

    def point_rows(self) -> Iterator[tuple[str, Mapping[str, Json]]]:
        """Its rows of checkpoints, in its order."""
        for row in transfer_files.read_rows(self.data):
            if row.table not in transferring.RECORDS:
                yield row.table, row.values

    def point_ids(self) -> set[CheckpointId]:
        """The checkpoints of the thread itself."""
        return {
            CheckpointId(row["checkpoint_id"])
            for table, row in self.point_rows()
            if table == "checkpoints" and not row["checkpoint_ns"]
        }


def export(app: App, thread_id: str, target: BinaryIO) -> Counter[str]:
    """
    Write a thread as a file.

    Returns:
        How many rows of each table it has.

    Raises:
        NotFound: No such thread.
        Conflict: A run of it is queued or running, or it moved meanwhile.
        InvalidInput: It has no checkpoint, or they are another application's.
        SwitchedOff: Exports are.
    """
    with engine.read(app.engine) as conn:
        flagging.require_within(conn, Flag.EXPORTS)
        thread = _find_still(conn, ThreadId(thread_id))
        if app.settings.attach is not None:
            raise InvalidInput(ELSEWHERE)
        head: dict[str, Json] = {
            "layout": "sqlite" if app.settings.is_embedded else "postgres",
            "thread_id": thread.thread_id,
            "workflow": thread.workflow,
            "head_checkpoint_id": thread.head_checkpoint_id,
            "exported_at": app.clock.now().isoformat(),
        }
        counts = transfer_files.write(target, head, _read_all(app, conn, thread.thread_id))
    with engine.read(app.engine) as conn:
        if _find_still(conn, thread.thread_id) != thread:
            raise Conflict("The thread moved while it was read.", hint="Export it again.")
    return counts


def _find_still(conn: Connection, thread_id: ThreadId) -> Thread:
    thread = threads.fetch(conn, thread_id)
    if thread is None:
        raise NotFound("thread", thread_id, hint=WHERE_THREADS_ARE)
    if thread.origin is Origin.ATTACHED:
        raise InvalidInput("The checkpoints of this thread are another application's.")
    if any(run.is_open for run in runs.find_open_or_held(conn, thread_id)):
        raise Conflict("A run of this thread is queued or running.", hint="Wait for its end.")
    if thread.head_checkpoint_id is None:
        raise InvalidInput("The thread has no checkpoint yet.")
    return thread


def _read_all(app: App, conn: Connection, thread_id: ThreadId) -> transferring.Rows:
    head, has_head = threads.fetch(conn, thread_id), False
    if app.settings.is_embedded:
        rows = transferring.read_from_file(app.settings.checkpoints_path, thread_id)
    else:
        rows = transferring.read_from_database(conn, thread_id)
    for table, kept in rows:
        row = _opened(app, kept)
        if table == "checkpoints" and not row["checkpoint_ns"] and head is not None:
            has_head |= row["checkpoint_id"] == head.head_checkpoint_id
        yield table, row
    if not has_head:
        raise InvalidInput("The checkpoint that the thread stands at is not in this database.")
    yield from transferring.read_records(conn, thread_id)


def _opened(app: App, row: dict[str, Json]) -> dict[str, Json]:
    """A row of the checkpoints as a file has it: plain, so that it can be taken in elsewhere."""
    kind = row.get("type")
    if not kind or ciphers.KIND_MARK not in kind:
        return row
    name = "blob" if "blob" in row else "checkpoint"
    kind, data = ciphers.open_typed(app.cipher, kind, b64decode(row[name]))
    return {**row, "type": kind, name: b64encode(data).decode()}


@command(Permission.ADMINISTER)
def import_(
    app: App,
    data: bytes,
    *,
    as_thread: str | None = None,
    actor: str,
    reason: str = "",
    wait_s: float = 60.0,
) -> Imported:
    """
    Take a file in as a new thread, and wait until a worker has.

    Raises:
        InvalidInput: The file, or the id, is not as it must be; nothing was written.
        NotFound: Its workflow is not served here.
        Conflict: There is a thread of this id, or its past would change figures just being made.
        NoWorker: No worker is alive, or none came to it in time.
    """
    if len(data) > transfer_files.MAX_BYTES:
        raise InvalidInput(f"The file has more than {transfer_files.MAX_BYTES:,} bytes.")
    head = transfer_files.read_head(data)
    transfer_files.check(data)
    thread_id = ThreadId(as_thread or head.thread_id)
    problems = checking.check_thread_id(thread_id)
    if problems:
        raise InvalidInput("This cannot be a thread's id.", problems=problems)
    with engine.read(app.engine) as conn:
        _find_workflow(conn, head.workflow)
        _refuse_known(conn, thread_id, head)
    if not observing.list_workers(app):
        raise NoWorker(
            "A worker is needed to take a thread in, and none is alive.",
            hint="Start `interlock up`.",
        )
    job_id = hand_in(app, data, thread_id, actor=actor, reason=reason)
    return _wait(app, job_id, thread_id, wait_s)


@command(Permission.ADMINISTER)
def hand_in(app: App, data: bytes, thread_id: ThreadId, *, actor: str, reason: str) -> JobId:
    """Ask a worker to take a file in."""
    payload: dict[str, Json] = {
        "file": b64encode(data).decode(),
        "thread_id": thread_id,
        "actor": actor,
        "reason": reason,
    }
    job = NewJob(job_id=JobId(new_id()), kind=JobKind.IMPORT, lock=thread_id, payload=payload)
    with engine.write(app.engine) as conn:
        app.queue.enqueue(conn, job, now=app.clock.now())
    return job.job_id


def begin(app: App, job: Job) -> Arrival:
    """
    Look at all of a file before anything of it is written: its past is put in and taken out again.

    Raises:
        InvalidInput: It is not as it must be.
        Conflict: There is a thread of this id.
        NotFound: Its workflow is not served here.
    """
    data = b64decode(job.payload["file"])
    arrival = Arrival(
        data=data,
        head=transfer_files.read_head(data),
        thread_id=ThreadId(str(job.payload["thread_id"])),
    )
    if app.settings.attach is not None:
        raise InvalidInput(ELSEWHERE, hint="Take it in where Interlock has its own.")
    transfer_files.check(data)
    with engine.write(app.engine) as conn, conn.begin_nested() as trial:
        _add(app, conn, arrival, actor="", reason="")
        trial.rollback()
    return arrival


def mark(app: App, arrival: Arrival) -> bool:
    """
    Let nothing be begun with the thread while its checkpoints are written.

    Returns:
        Whether nobody began to take the file in before.

    Raises:
        Conflict: There is a thread of this id, by now.
    """
    with engine.write(app.engine) as conn:
        now = app.clock.now()
        marked = replace(_thread(arrival, now), trouble=BEING_TAKEN_IN)
        is_first = threads.insert(conn, marked)
        if not is_first:
            _refuse_known(conn, arrival.thread_id, arrival.head)
        topics.bump(conn, "threads")
    return is_first


def abandon(app: App, arrival: Arrival) -> None:
    """Nothing came of a file, and nothing of it is left: nor is its thread."""
    with engine.write(app.engine) as conn:
        thread = threads.lock(conn, arrival.thread_id)
        if thread is not None and _is_begun(thread, arrival.head):
            transferring.drop_thread(conn, arrival.thread_id)
            topics.bump(conn, "threads")


def finish(app: App, job: Job, arrival: Arrival) -> None:
    """
    Add the thread, once its checkpoints are there, and a run that says where it stands.

    Raises:
        Conflict: There is a thread of this id, by now.
    """
    actor, reason = str(job.payload["actor"]), str(job.payload["reason"])
    with engine.write(app.engine) as conn:
        run, has_past = _add(app, conn, arrival, actor=actor, reason=reason)
        count = len(arrival.point_ids())
        app.queue.finish(
            conn,
            job.job_id,
            result={"run_id": run.run_id, "points": count, "has_past": has_past},
        )
        app.queue.enqueue(conn, job_for(run), now=app.clock.now())
        topics.bump(conn, "inbox", "runs", "threads")
        audit.append(
            conn,
            at=app.clock.now(),
            actor=actor,
            action="import",
            object_=f"thread:{arrival.thread_id}",
            after={
                "workflow": arrival.head.workflow,
                "from_thread_id": arrival.head.thread_id,
                "exported_at": arrival.head.exported_at.isoformat(),
                "run_id": run.run_id,
                "points": count,
                "has_past": has_past,
            },
            reason=reason,
        )


def _add(
    app: App, conn: Connection, arrival: Arrival, *, actor: str, reason: str
) -> tuple[Run, bool]:
    now = app.clock.now()
    _find_workflow(conn, arrival.head.workflow)
    run_id = RunId(new_id())
    thread = replace(_thread(arrival, now), last_run_id=run_id)
    if not threads.insert(conn, thread):
        _refuse_known(conn, arrival.thread_id, arrival.head)
        transferring.settle_thread(conn, thread)
    last = transferred_past.add(app, conn, arrival.data, arrival.thread_id)
    run = Run(
        run_id=run_id,
        thread_id=thread.thread_id,
        workflow=thread.workflow,
        kind=RunKind.COPY,
        status=RunStatus.QUEUED,
        input=None,
        context=None,  # who the file says it runs for is nobody that asked here
        options=RunOptions(),
        priority=0,
        created_at=now,
        created_by=actor,
        previous_run_id=last.run_id if last is not None else None,
        reason=reason,
    )
    runs.insert(conn, run)
    fork = Fork(
        fork_id=new_id(),
        thread_id=thread.thread_id,
        run_id=run_id,
        verb=RewindVerb.COPY,
        target_id=CheckpointId(arrival.head.head_checkpoint_id),
        left_id=None,
        from_thread_id=ThreadId(arrival.head.thread_id),
        actor=actor,
        reason=reason,
        created_at=now,
    )
    forks.insert(conn, fork)
    return run, last is not None


def _thread(arrival: Arrival, now: datetime) -> Thread:
    return Thread(
        thread_id=arrival.thread_id,
        workflow=arrival.head.workflow,
        head_checkpoint_id=None,
        last_run_id=None,
        created_at=now,
        updated_at=now,
        origin=Origin.IMPORT,
        from_thread_id=ThreadId(arrival.head.thread_id),
        from_checkpoint_id=CheckpointId(arrival.head.head_checkpoint_id),
    )


def _find_workflow(conn: Connection, name: str) -> None:
    if workflows.fetch(conn, name) is None:
        raise NotFound(
            "workflow", name, hint="The file's thread is of it; serve its project first."
        )


def _is_begun(thread: Thread, head: transfer_files.Head) -> bool:
    """Whether a thread is what a worker left of this file."""
    told = (thread.trouble, thread.from_thread_id, thread.from_checkpoint_id, thread.workflow)
    return told == (BEING_TAKEN_IN, head.thread_id, head.head_checkpoint_id, head.workflow)


def _refuse_known(conn: Connection, thread_id: ThreadId, head: transfer_files.Head) -> None:
    thread = threads.fetch(conn, thread_id)
    if thread is not None and not _is_begun(thread, head):
        raise Conflict(
            f"There is a thread {thread_id} already.", hint="Give another id with --as-thread."
        )


def _wait(app: App, job_id: JobId, thread_id: ThreadId, wait_s: float) -> Imported:
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        with engine.read(app.engine) as conn:
            ended = app.queue.fetch_result(conn, job_id)
        if ended is not None and ended[0] == "done":
            return Imported(
                thread_id=thread_id,
                run_id=RunId(ended[1]["run_id"]),
                point_count=ended[1]["points"],
                has_past=ended[1]["has_past"],
            )
        if ended is not None and ended[0] == "failed":
            raise InvalidInput(f"The file was not taken in: {ended[1]}")
        time.sleep(observing.POLL_S)
    raise NoWorker(
        f"No worker came to it within {wait_s:g} s; it is taken in when one does.",
    )
