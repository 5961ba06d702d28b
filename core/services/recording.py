"""
Writing what workers saw: many runs' records in one transaction, a run's end all at once.

Who sees a run `done` or `waiting` sees its nodes, its events, its checkpoints and its cards, because
they are committed together (DESIGN.md section 6).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.model.delivery import HANDED_OVER, Head
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.runs import HELD, Failure, Run, RunStatus
from interlock.core.model.threads import CheckpointEntry, Snapshot
from interlock.core.queue.port import Job
from interlock.core.services.carding import Levelled, level_cards, withdraw_cards
from interlock.core.services.context import App
from interlock.core.store import (
    checkpoints,
    engine,
    events,
    nodes,
    runs,
    snapshots,
    threads,
    topics,
)
from interlock.core.types import CheckpointId, Json, RunId, ThreadId


@dataclass(frozen=True, kw_only=True)
class Ending:
    """
    How a delivery of a run ended.

    `job` is None for a run that held and was found elsewhere (`leveling`); `status` is running
    if the run is handed over to another worker. `entries` are the thread's
    checkpoints that the index does not hold yet, oldest first; their branch is set here.
    `keeps_lock`: nothing else may run on the thread before its job is released.
    """

    run: Run
    job: Job | None
    status: RunStatus
    head: Head | None = None
    snapshot: Snapshot | None = None
    failure: Failure | None = None
    reason: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    entries: tuple[CheckpointEntry, ...] = ()
    keeps_lock: bool = False


@dataclass(frozen=True)
class Batch:
    """Records of any number of runs, each run's in order."""

    nodes: Sequence[NodeRun] = ()
    events: Sequence[RunEvent] = ()
    endings: Sequence[Ending] = ()


def record(app: App, batch: Batch) -> dict[RunId, RunStatus]:
    """
    Write a batch.

    Returns:
        What each ended run became; `continued` where a later decision already queued the next.
    """
    now = app.clock.now()
    ended: dict[RunId, RunStatus] = {}
    with engine.write(app.engine) as conn:
        if batch.nodes:
            nodes.upsert_many(conn, _newest_only(batch.nodes))
        if batch.events:
            events.insert_many(conn, batch.events)
        last_events: list[RunEvent] = []
        for ending in batch.endings:
            ended[ending.run.run_id] = _end(app, conn, ending, now, last_events)
        if last_events:
            events.insert_many(conn, last_events)
        topics.bump(conn, *_topics(batch))
    return ended


def _newest_only(records: Sequence[NodeRun]) -> list[NodeRun]:
    """One row an attempt: a start and its end within a batch are one write."""
    newest = {(r.run_id, r.delivery, r.task_id, r.attempt): r for r in records}
    return list(newest.values())


def _topics(batch: Batch) -> tuple[str, ...]:
    return ("runs", "inbox") if batch.endings else ("figures",)


def _end(
    app: App, conn: Connection, ending: Ending, now: datetime, last_events: list[RunEvent]
) -> RunStatus:
    """End one delivery; its last events go to `last_events`, written for all endings at once."""
    run = ending.run
    index_checkpoints(conn, run.thread_id, ending.entries)
    if ending.status is RunStatus.RUNNING and ending.job is not None:
        app.queue.note_progress(conn, ending.job.job_id, progress=HANDED_OVER)
        runs.move(conn, run.run_id, from_={RunStatus.RUNNING}, to=RunStatus.QUEUED)
        nodes.close_open(conn, run.run_id, status=NodeStatus.CANCELLED, ended_at=now)
        return RunStatus.QUEUED
    if ending.snapshot is not None:
        snapshots.put(conn, ending.snapshot)
    threads.lock(conn, run.thread_id)
    levelled = Levelled((), 0)
    if ending.status is RunStatus.CANCELLED:
        withdraw_cards(conn, run.thread_id, now=now)
    elif ending.head is not None:
        levelled = level_cards(
            conn,
            run,
            head=ending.head,
            status=ending.status,
            refused=ending.refused,
            now=now,
        )
    status = _settle(conn, run, ending.status)
    if run.deliveries > 1:  # a delivery closes its own attempts; one that died left them open
        nodes.close_open(conn, run.run_id, status=NodeStatus.CANCELLED, ended_at=now)
    runs.move(
        conn,
        run.run_id,
        from_={RunStatus.RUNNING, *HELD},
        to=status,
        ended_at=now,
        error=ending.failure,
        end_checkpoint_id=ending.head.checkpoint_id if ending.head else None,
    )
    threads.touch(
        conn,
        run.thread_id,
        head_checkpoint_id=ending.head.checkpoint_id if ending.head else None,
        now=now,
    )
    seq = events.last_seq(conn, run.run_id)
    last_events += _describe_end(ending, status, levelled, seq=seq, now=now)
    if ending.job is not None and not ending.keeps_lock:
        app.queue.finish(conn, ending.job.job_id, failed=status is RunStatus.FAILED)
    return status


def release(app: App, job: Job) -> None:
    """Close the job of a run whose end kept the lock, so that the thread goes on."""
    with engine.write(app.engine) as conn:
        app.queue.finish(conn, job.job_id)


def _settle(conn: Connection, run: Run, status: RunStatus) -> RunStatus:
    """A run that holds although the thread's next run is queued already has been continued."""
    if status not in {RunStatus.WAITING, RunStatus.PAUSED}:
        return status
    later = [r for r in runs.find_open_or_held(conn, run.thread_id) if r.run_id != run.run_id]
    return RunStatus.CONTINUED if later else status


def _describe_end(
    ending: Ending, status: RunStatus, levelled: Levelled, *, seq: int, now: datetime
) -> list[RunEvent]:
    entries: list[tuple[str, str, Json]] = [
        ("warning", "", {"text": f"The answer was refused: {reason}"})
        for reason in ending.refused.values()
    ]
    entries += [
        ("interrupt", card.node, {"approval_id": card.approval_id, "title": card.title})
        for card in levelled.asked
    ]
    data: dict[str, Json] = {"status": str(status)}
    if ending.failure is not None:
        data["error"] = f"{ending.failure.type}: {ending.failure.message}"
    if ending.reason:
        data["reason"] = ending.reason
    entries.append(("status", "", data))
    return [
        RunEvent(run_id=ending.run.run_id, seq=seq + n, kind=kind, path=path, at=now, data=value)
        for n, (kind, path, value) in enumerate(entries, start=1)
    ]


def index_checkpoints(
    conn: Connection, thread_id: ThreadId, entries: Collection[CheckpointEntry]
) -> None:
    """
    Add checkpoints to a thread's index, oldest first, each on its branch.

    The first child of a checkpoint goes on with its branch, any later one starts another
    (LangGraph's head is the newest checkpoint, never a notion of a branch: measured).
    """
    if not entries:
        return
    newest_id = checkpoints.newest_id(conn, thread_id)
    newest = checkpoints.fetch(conn, thread_id, newest_id) if newest_id is not None else None
    branches = {newest.checkpoint_id: newest.branch} if newest is not None else {}
    parents: set[CheckpointId] = set()  # of entries placed here
    placed: list[CheckpointEntry] = []
    for entry in entries:
        branch = _find_branch(conn, entry, branches, parents)
        if branch is None:
            own = max(branches.values(), default=-1) + 1
            branch = max(own, checkpoints.next_branch(conn, thread_id))
        placed.append(replace(entry, branch=branch))
        branches[entry.checkpoint_id] = branch
        if entry.parent_id is not None:
            parents.add(entry.parent_id)
    checkpoints.insert_many(conn, placed)


def _find_branch(
    conn: Connection,
    entry: CheckpointEntry,
    branches: Mapping[CheckpointId, int],
    parents: Collection[CheckpointId],
) -> int | None:
    """The branch a checkpoint goes on with; None if it starts one."""
    parent_id = entry.parent_id
    if parent_id is None:
        return None if branches else 0
    if parent_id in parents:
        return None
    if parent_id in branches:
        return branches[parent_id]
    parent = checkpoints.fetch(conn, entry.thread_id, parent_id)
    if parent is None or checkpoints.has_child(conn, entry.thread_id, parent_id):
        return None
    return parent.branch
