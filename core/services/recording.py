"""
Writing what workers saw: many runs' records in one transaction, a run's end all at once.

Who sees a run `done` or `waiting` sees its nodes, its events, its checkpoints and its cards, because
they are committed together (DESIGN.md section 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.delivery import HANDED_OVER, Head
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.runs import HELD, REFUSED, Failure, Run, RunStatus
from interlock.core.model.threads import CheckpointEntry, Snapshot
from interlock.core.model.usage import NO_USAGE, Usage
from interlock.core.queue.port import Job
from interlock.core.services import deciding, figuring, replaying, undoing
from interlock.core.services.carding import Levelled, level_cards, withdraw_cards
from interlock.core.services.context import App
from interlock.core.services.deciding import Decided
from interlock.core.services.placing import index_checkpoints, place_checkpoints
from interlock.core.store import (
    batches,
    checkpoints,
    engine,
    events,
    nodes,
    runs,
    snapshots,
    topics,
)
from interlock.core.store.batches import End
from interlock.core.types import CheckpointId, Json, RunId, ThreadId

NOTHING_ASKED = Levelled((), 0)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """
    How a delivery of a run ended.

    `job` is None for a run that held and was found elsewhere (`leveling`); `status` is running
    if the run is handed over to another worker. `entries` are the thread's
    checkpoints that the index does not hold yet, oldest first; their branch is set here.
    `keeps_lock`: nothing else may run on the thread before its job is released. `is_first`: nothing
    of the thread was indexed before. `last_seq` is the number of the run's newest event, None if the
    database has to be asked. `is_degraded`: something served in a node's place; `asks`: a policy has
    a human asked about its failure; `usage`: what the model calls of this delivery took. `newest` is
    the thread's newest checkpoint, told where nobody could read its head.
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
    is_first: bool = False
    last_seq: int | None = None
    is_degraded: bool = False
    asks: bool = False
    usage: Usage = NO_USAGE
    newest: CheckpointId | None = None

    @property
    def may_leave_open(self) -> bool:
        """
        Whether attempts may have been left open: a delivery closes its own, but not one that died,
        nor what a thread that was cancelled still began.
        """
        is_cut_off = self.keeps_lock or self.status is RunStatus.CANCELLED
        return self.run.deliveries > 1 or is_cut_off

    @property
    def may_ask(self) -> bool:
        """Whether the run failed at a place that it can go on from, and shall ask then."""
        has_place = self.head is not None and bool(self.head.due)
        is_failed = self.status is RunStatus.FAILED and self.failure is not None
        is_stale = self.failure is not None and self.failure.type == REFUSED
        asks = self.asks or self.run.options.asks_on_failure
        return asks and is_failed and has_place and not is_stale

    @property
    def place(self) -> CheckpointId | None:
        """Where the worker found the thread in the end, if it could look."""
        return self.head.checkpoint_id if self.head is not None else None

    @property
    def stands_at(self) -> CheckpointId | None:
        """The thread's newest checkpoint, also where its graph could not be asked for its head."""
        return self.place or self.newest

    @property
    def is_handed_over(self) -> bool:
        """Whether another worker goes on with the run."""
        return self.status is RunStatus.RUNNING and self.job is not None


@dataclass(frozen=True)
class Batch:
    """Records of any number of runs, each run's in order."""

    nodes: Sequence[NodeRun] = ()
    events: Sequence[RunEvent] = ()
    endings: Sequence[Ending] = ()


def record(app: App, batch: Batch, *, again: bool = False) -> dict[RunId, RunStatus]:
    """
    Write a batch.

    Args:
        app: The parts.
        batch: What to write.
        again: It may be written already: the database went away while it was.

    Returns:
        What each ended run became; `continued` where a later decision already queued the next.
    """
    with engine.write(app.engine) as conn:
        return record_in(app, conn, batch, again=again)


def record_in(
    app: App, conn: Connection, batch: Batch, *, again: bool = False
) -> dict[RunId, RunStatus]:
    """Write a batch in the caller's transaction; see `record`."""
    now = app.clock.now()
    written = _find_written(conn, batch.endings) if again else {}
    batch = replace(batch, endings=[e for e in batch.endings if e.run.run_id not in written])
    nodes.upsert_many(conn, _newest_only(batch.nodes))
    handed_over = [e for e in batch.endings if e.is_handed_over]
    ends = [e for e in batch.endings if not e.is_handed_over]
    ended = {e.run.run_id: _hand_over(app, conn, e, now) for e in handed_over}
    settled, last_events, decided = _end(app, conn, ends, now)
    events.insert_many(conn, [*batch.events, *last_events])
    batches.add_usage(conn, [(e.run.run_id, e.usage) for e in batch.endings])
    figuring.mark_late(conn, (node.ended_at for node in batch.nodes), now=now)
    topics.bump(conn, *_topics(batch))
    for each in decided:
        deciding.tell(conn, each)
    return written | ended | settled


def _find_written(conn: Connection, endings: Sequence[Ending]) -> dict[RunId, RunStatus]:
    """Those deliveries that have ended already: their run stands elsewhere, or is carried anew."""
    found = runs.fetch_by_ids(conn, [e.run.run_id for e in endings])
    return {
        e.run.run_id: run.status
        for e in endings
        if (run := found.get(e.run.run_id)) is not None
        and (run.status is not RunStatus.RUNNING or run.deliveries != e.run.deliveries)
    }


def _newest_only(records: Sequence[NodeRun]) -> list[NodeRun]:
    """One row an attempt: a start and its end within a batch are one write."""
    newest = {(r.run_id, r.delivery, r.task_id, r.attempt): r for r in records}
    return list(newest.values())


def _topics(batch: Batch) -> tuple[str, ...]:
    return ("runs", "inbox") if batch.endings else ("figures",)


def _hand_over(app: App, conn: Connection, ending: Ending, now: datetime) -> RunStatus:
    run, job = ending.run, ending.job
    assert job is not None
    index_checkpoints(conn, run.thread_id, ending.entries)
    app.queue.note_progress(conn, job.job_id, progress=HANDED_OVER)
    if not ending.keeps_lock:
        app.queue.hand_back(conn, job)
    runs.move(conn, run.run_id, from_={RunStatus.RUNNING}, to=RunStatus.QUEUED)
    nodes.close_open(conn, run.run_id, status=NodeStatus.CANCELLED, ended_at=now)
    return RunStatus.QUEUED


def _end(
    app: App, conn: Connection, endings: Sequence[Ending], now: datetime
) -> tuple[dict[RunId, RunStatus], list[RunEvent], list[Decided]]:
    """
    End deliveries, all with the same few statements.

    Returns:
        What each run became, its last events, and what was decided with it, to be told of last.
    """
    if not endings:
        return {}, [], []
    entries = [
        entry
        for e in endings
        for entry in place_checkpoints(conn, e.run.thread_id, e.entries, is_first=e.is_first)
    ]
    checkpoints.insert_many(conn, entries)
    snapshots.put_many(conn, [e.snapshot for e in endings if e.snapshot is not None])
    batches.lock_threads(conn, [e.run.thread_id for e in endings])
    endings = _ask(conn, endings)
    levelled = _level(conn, endings, now)
    replayed = {
        e.run.run_id: replaying.answer_planned(
            conn, app, e.run, levelled.get(e.run.run_id, NOTHING_ASKED).asked, status=e.status
        )
        for e in endings
    }
    statuses = _settle(conn, endings)
    for run in (e.run for e in endings if e.may_leave_open):
        nodes.close_open(conn, run.run_id, status=NodeStatus.CANCELLED, ended_at=now)
    batches.end_runs(conn, [_describe(e, statuses[e.run.run_id]) for e in endings], at=now)
    last_events: list[RunEvent] = []
    for e in endings:
        run_id = e.run.run_id
        seq = e.last_seq if e.last_seq is not None else events.last_seq(conn, run_id)
        cards = levelled.get(run_id, NOTHING_ASKED)
        remarks = replayed[run_id].remarks
        last_events += _tell(e, statuses[run_id], cards, remarks, seq=seq, now=now)
    app.queue.finish_many(
        conn,
        [
            (e.job.job_id, statuses[e.run.run_id] is RunStatus.FAILED)
            for e in endings
            if e.job is not None and not e.keeps_lock
        ],
    )
    return statuses, last_events, [d for each in replayed.values() for d in each.decided]


def _ask(conn: Connection, endings: Sequence[Ending]) -> Sequence[Ending]:
    """A run that failed is paused where a human shall decide, unless its thread goes on already."""
    asking = {e.run.thread_id for e in endings if e.may_ask}
    if not asking:
        return endings
    live = batches.find_live(conn, asking)
    return [
        replace(e, status=RunStatus.PAUSED)
        if e.may_ask and not {*live.get(e.run.thread_id, ())} - {e.run.run_id}
        else e
        for e in endings
    ]


def _level(conn: Connection, endings: Sequence[Ending], now: datetime) -> dict[RunId, Levelled]:
    """Make the threads' cards say what their heads ask; most ask nothing."""
    levelled: dict[RunId, Levelled] = {}
    silent: list[ThreadId] = []
    for e in endings:
        if _may_be_in_vain(e) and undoing.put_back(conn, e.run, head=e.stands_at, now=now):
            continue
        if e.status is RunStatus.CANCELLED:
            withdraw_cards(conn, e.run.thread_id, now=now)
        elif e.head is not None and not e.head.interrupts and e.status is not RunStatus.PAUSED:
            silent.append(e.run.thread_id)
        elif e.head is not None:
            levelled[e.run.run_id] = level_cards(
                conn,
                e.run,
                head=e.head,
                status=e.status,
                refused=e.refused,
                now=now,
                failure=e.failure if e.status is RunStatus.PAUSED else None,
            )
    batches.close_cards(conn, silent, status=ApprovalStatus.SUPERSEDED, at=now)
    return levelled


def _may_be_in_vain(ending: Ending) -> bool:
    """Whether a run may have left its thread as it was; where that is not known, it may not."""
    is_over = ending.status in {RunStatus.FAILED, RunStatus.CANCELLED} and not ending.keeps_lock
    return is_over and ending.stands_at is not None


def _settle(conn: Connection, endings: Sequence[Ending]) -> dict[RunId, RunStatus]:
    """A run that holds although the thread's next run is queued already has been continued."""
    holding = {e.run.thread_id for e in endings if e.status in HELD}
    live = batches.find_live(conn, holding)
    return {
        e.run.run_id: RunStatus.CONTINUED
        if e.status in HELD and {*live.get(e.run.thread_id, ())} - {e.run.run_id}
        else e.status
        for e in endings
    }


def _describe(ending: Ending, status: RunStatus) -> End:
    return End(
        run_id=ending.run.run_id,
        thread_id=ending.run.thread_id,
        status=status,
        failure=ending.failure,
        head=ending.place,
        is_degraded=ending.is_degraded,
    )


def hand_back(app: App, job: Job) -> None:
    """Let the job of a run that was handed over be claimed, whose end kept the lock."""
    with engine.write(app.engine) as conn:
        app.queue.hand_back(conn, job)


def release(app: App, job: Job) -> None:
    """Close the job of a run whose end kept the lock, so that the thread goes on."""
    with engine.write(app.engine) as conn:
        app.queue.finish(conn, job.job_id)


def _tell(
    ending: Ending,
    status: RunStatus,
    levelled: Levelled,
    remarks: Sequence[str],
    *,
    seq: int,
    now: datetime,
) -> list[RunEvent]:
    entries: list[tuple[str, str, Json]] = [
        ("warning", "", {"text": f"The answer was refused: {reason}"})
        for reason in ending.refused.values()
    ]
    entries += [
        ("interrupt", card.node, {"approval_id": card.approval_id, "title": card.title})
        for card in levelled.asked
    ]
    entries += [("warning", "", {"text": remark}) for remark in remarks]
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
