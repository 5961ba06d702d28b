"""
Threads that another application moves, as they are kept here: found, followed, told of.

Nothing here touches that application's database; what was found there comes in from the worker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.errors import Conflict
from interlock.core.masking import mask_text
from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.attached import ANOTHER
from interlock.core.model.delivery import Head
from interlock.core.model.history import AttachedSource
from interlock.core.model.nodes import RunEvent
from interlock.core.model.runs import HELD, Failure, Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import CheckpointEntry, Origin, Snapshot, Thread
from interlock.core.services.carding import ask_first, level_cards
from interlock.core.services.context import App
from interlock.core.services.placing import index_checkpoints, place_checkpoints
from interlock.core.settings import Settings
from interlock.core.store import (
    attached,
    batches,
    checkpoints,
    engine,
    events,
    runs,
    snapshots,
    threads,
    topics,
)
from interlock.core.types import CheckpointId, RunId, ThreadId, new_id

GONE = "Its checkpoints are no longer in the database of the other application."
TWICE = (
    "Another application went on from the same checkpoint {}, too: what is due there ran twice, and"
    " the thread has two branches."
)


@dataclass(frozen=True, kw_only=True)
class Known:
    """
    What is known of a thread: its row, how far it is indexed, what its last run became and where.

    `held` is the run that holds it before a card, `asked` the ids of what its cards ask; `is_open`:
    a worker has to do something for it.
    """

    thread: Thread
    indexed_to: CheckpointId | None
    last_status: RunStatus | None
    last_end: CheckpointId | None
    held: Run | None
    asked: frozenset[str | None]
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class Finding:
    """
    A thread as it stands in the other application's database.

    `status` is None while the other application is at work on it: then nobody is asked. `entries`
    are checkpoints that the index does not hold yet, oldest first. `last_run_id` is the thread's as it
    was known when it was looked at.
    """

    thread_id: ThreadId
    workflow: str
    trouble: str | None
    at: datetime  # its newest checkpoint's time
    head: Head
    status: RunStatus | None
    entries: tuple[CheckpointEntry, ...]
    failure: Failure | None = None
    snapshot: Snapshot | None = None
    last_run_id: RunId | None = None


def look_up(app: App, thread_ids: Collection[ThreadId]) -> dict[ThreadId, Known]:
    """What is known of these threads."""
    with engine.read(app.engine) as conn:
        found = attached.fetch_threads(conn, thread_ids)
        indexed = batches.newest_checkpoints(conn, found)
        live = batches.find_live(conn, found)
        held = runs.fetch_by_ids(conn, [ids[-1] for ids in live.values()])
        last = [t.last_run_id for t in found.values() if t.last_run_id is not None]
        ends = attached.fetch_ends(conn, last)
        asked = attached.fetch_asked(conn, found)
    known: dict[ThreadId, Known] = {}
    for thread_id, thread in found.items():
        run = held.get(live.get(thread_id, ("",))[-1])  # type: ignore[arg-type]
        status, end = ends.get(thread.last_run_id or RunId(""), (None, None))
        known[thread_id] = Known(
            thread=thread,
            indexed_to=indexed.get(thread_id),
            last_status=status,
            last_end=end,
            asked=frozenset(asked.get(thread_id, ())),
            held=run if run is not None and run.is_held else None,
            is_open=run is not None and run.is_open,
        )
    return known


def store(app: App, findings: Sequence[Finding]) -> None:
    """
    Keep threads that were found, or that no run of ours holds: each with a run of its own kind and
    its cards. A thread that a run of ours has taken meanwhile is left to that.
    """
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        ids = [f.thread_id for f in findings]
        batches.lock_threads(conn, ids)
        known = attached.fetch_threads(conn, ids)
        fresh = [f for f in findings if f.thread_id not in known]
        threads.insert_many(conn, [_thread_of(f) for f in fresh])
        live = batches.find_live(conn, ids)
        free = [f for f in findings if f.thread_id not in live and _is_current(f, known)]
        for finding in free:
            if finding.thread_id in known:
                _change(conn, known[finding.thread_id], finding, now)
        checkpoints.insert_many(
            conn, [e for f in free for e in _place(conn, f, is_new=f.thread_id not in known)]
        )
        snapshots.put_many(conn, [f.snapshot for f in free if f.snapshot is not None])
        made = {f.thread_id: _run_of(f, known.get(f.thread_id)) for f in free if f.status}
        runs.insert_many(conn, list(made.values()))
        threads.set_last_runs(conn, {key: run.run_id for key, run in made.items()})
        for finding in free:
            if finding.thread_id in known:
                _level(conn, finding, made.get(finding.thread_id))
        first = [(made[f.thread_id], f) for f in free if f.thread_id not in known and f.status]
        ask_first(conn, [(run, f.head) for run, f in first if run.status in HELD])
        topics.bump(conn, "inbox", "runs")


def _is_current(finding: Finding, known: Mapping[ThreadId, Thread]) -> bool:
    """Whether no run has moved the thread since it was looked at."""
    thread = known.get(finding.thread_id)
    return thread is None or thread.last_run_id == finding.last_run_id


def _thread_of(finding: Finding) -> Thread:
    return Thread(
        thread_id=finding.thread_id,
        workflow=finding.workflow,
        head_checkpoint_id=finding.head.checkpoint_id,
        last_run_id=None,
        created_at=finding.at,
        updated_at=finding.at,
        origin=Origin.ATTACHED,
        trouble=finding.trouble,
    )


def _change(conn: Connection, thread: Thread, finding: Finding, now: datetime) -> None:
    threads.touch(conn, thread.thread_id, head_checkpoint_id=finding.head.checkpoint_id, now=now)
    if (thread.workflow, thread.trouble) != (finding.workflow, finding.trouble):
        attached.set_trouble(
            conn, thread.thread_id, workflow=finding.workflow, trouble=finding.trouble
        )


def _place(conn: Connection, finding: Finding, *, is_new: bool) -> Sequence[CheckpointEntry]:
    if is_new:  # its head alone: the branches before it are told when its history is opened
        return finding.entries
    return place_checkpoints(conn, finding.thread_id, finding.entries)


def _run_of(finding: Finding, known: Thread | None) -> Run:
    assert finding.status is not None
    return Run(
        run_id=RunId(new_id()),
        thread_id=finding.thread_id,
        workflow=finding.workflow,
        kind=RunKind.ATTACHED,
        status=finding.status,
        input=None,
        context=None,
        options=RunOptions(),
        priority=0,
        created_at=finding.at,
        created_by=ANOTHER,
        started_at=finding.at,
        ended_at=finding.at,
        error=finding.failure,
        end_checkpoint_id=finding.head.checkpoint_id,
        previous_run_id=known.last_run_id if known is not None else None,
    )


def _level(conn: Connection, finding: Finding, run: Run | None) -> None:
    """Bring the thread's cards level with its head."""
    if run is None or run.status not in HELD:
        batches.close_cards(
            conn, [finding.thread_id], status=ApprovalStatus.SUPERSEDED, at=finding.at
        )
        return
    level_cards(conn, run, head=finding.head, status=run.status, refused={}, now=finding.at)


def list_followed(app: App) -> set[ThreadId]:
    """The threads that were there when the other application's database was looked at last."""
    with engine.read(app.engine) as conn:
        return attached.fetch_followed(conn, but_for=GONE)


def note_gone(app: App, thread_ids: Collection[ThreadId]) -> None:
    """Threads that are no longer there ask nothing any more, and say so."""
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        found = attached.fetch_threads(conn, thread_ids)
        gone = [t for t in found.values() if t.trouble != GONE]
        batches.lock_threads(conn, [t.thread_id for t in gone])
        for thread in gone:
            for run in runs.find_open_or_held(conn, thread.thread_id):
                runs.move(conn, run.run_id, from_=HELD, to=RunStatus.CANCELLED, ended_at=now)
            attached.set_trouble(conn, thread.thread_id, workflow=thread.workflow, trouble=GONE)
        batches.close_cards(
            conn, [t.thread_id for t in gone], status=ApprovalStatus.WITHDRAWN, at=now
        )
        if gone:
            topics.bump(conn, "inbox", "runs")


def warn_of_doubles(app: App, thread_id: ThreadId) -> int:
    """
    Tell, once, in the log of a run of ours that another application did the same work.

    Returns:
        How many checkpoints of the thread went on twice, once by us and once by another.
    """
    now = app.clock.now()
    count = 0
    with engine.write(app.engine) as conn:
        for double in attached.find_doubles(conn, thread_id):
            ours = runs.fetch_by_ids(conn, [r for r in double.run_ids if r is not None])
            if not ours or len(double.run_ids) == len(ours):
                continue
            count += 1
            run = max(ours.values(), key=lambda r: (r.created_at, r.run_id))
            text = TWICE.format(double.parent_id)
            told = events.fetch_newest(conn, run.run_id, kinds=["warning"])
            if any(event.data == {"text": text} for event in told):
                continue
            seq = events.last_seq(conn, run.run_id) + 1
            warning = RunEvent(
                run_id=run.run_id, seq=seq, kind="warning", path="", at=now, data={"text": text}
            )
            events.insert_many(conn, [warning])
            topics.bump(conn, "runs")
    return count


def require_own_folder(app: App) -> None:
    """
    See that what is kept here belongs to the database that is attached: ids of threads may be equal.

    Raises:
        Conflict: There are threads of another database here.
    """
    address = address_of(app.settings)
    if address is None:
        return
    with engine.read(app.engine) as conn:
        known = attached.fetch_addresses(conn)
        is_taken = not known and attached.has_threads_of_others(conn)
    others = sorted(known - {mask_text(address)})
    if others or is_taken:
        whose = f"of {others[0]}" if others else "of its own, from before it was attached"
        raise Conflict(
            f"What is kept here has threads {whose}; those of {mask_text(address)} would be mixed up"
            " with them.",
            hint="Give each attached database a folder of its own (--data-dir), or with --database"
            " a database of its own.",
        )


def address_of(settings: Settings) -> str | None:
    """The one name of the attached database, however its address was written; None without one."""
    path = settings.attached_path
    return settings.attached_url if path is None else str(path.resolve())


def source_id_of(address: str) -> str:
    """A name for a source that tells nothing of it."""
    return hashlib.sha256(address.encode()).hexdigest()


def note_source(app: App, source: AttachedSource) -> None:
    """Keep how the other application's database was found."""
    masked = replace(source, address=mask_text(source.address))
    with engine.write(app.engine) as conn:
        attached.put_source(conn, masked)
        topics.bump(conn, "runs")


def find_source(app: App) -> AttachedSource | None:
    """The other application's database; None if this Interlock is attached to none."""
    if app.settings.attach is None:
        return None
    with engine.read(app.engine) as conn:
        return attached.fetch_source(conn)


def find_thread(app: App, thread_id: str) -> Thread | None:
    """The thread of this id: whose it is, and why it can be read only where it can."""
    with engine.read(app.engine) as conn:
        return threads.fetch(conn, ThreadId(thread_id))


def store_index(app: App, thread_id: ThreadId, entries: Sequence[CheckpointEntry]) -> None:
    """
    Put all checkpoints of a thread into the index, in place of those that are there.

    The oldest is its first from then on: what was before may have been pruned there, and must not be
    looked for each time.
    """
    if entries:
        entries = [replace(entries[0], parent_id=None), *entries[1:]]
    with engine.write(app.engine) as conn:
        batches.lock_threads(conn, [thread_id])
        known = {
            e.checkpoint_id: e.next
            for e in checkpoints.fetch_for_thread(conn, thread_id, limit=10_000)
            if e.next
        }
        attached.clear_index(conn, thread_id)
        index_checkpoints(
            conn,
            thread_id,
            [replace(e, next=e.next or known.get(e.checkpoint_id, ())) for e in entries],
        )
        topics.bump(conn, "runs")
