"""The checkpoint database of another application, and what it takes to show its threads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, distinct, func, select, update

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.history import AttachedSource
from interlock.core.model.runs import RunStatus
from interlock.core.model.threads import Origin, Thread
from interlock.core.store import dialect, threads
from interlock.core.store.schema import approvals, checkpoints_index, runs
from interlock.core.store.schema import threads as threads_table
from interlock.core.store.schema_history import attached_sources
from interlock.core.types import CheckpointId, RunId, ThreadId

_THREADS: Any = bindparam("thread_ids", expanding=True)
_PUT = dialect.upsert(attached_sources)
_NEWEST = select(attached_sources).order_by(attached_sources.c.looked_at.desc()).limit(1)
_ADDRESSES = select(attached_sources.c.address).distinct()
_NOT_ATTACHED = (
    select(threads_table.c.thread_id)
    .where(threads_table.c.origin != Origin.ATTACHED.value)
    .limit(1)
)
_FOLLOWED = select(threads_table.c.thread_id).where(
    threads_table.c.origin == Origin.ATTACHED.value,
    func.coalesce(threads_table.c.trouble, "") != bindparam("but_for"),
)
_FETCH_THREADS = select(threads_table).where(threads_table.c.thread_id.in_(_THREADS))
_ENDS = select(runs.c.run_id, runs.c.status, runs.c.end_checkpoint_id).where(
    runs.c.run_id.in_(bindparam("run_ids", expanding=True))
)
_SET_TROUBLE = (
    update(threads_table)
    .where(threads_table.c.thread_id == bindparam("id"))
    .values(workflow=bindparam("its_workflow"), trouble=bindparam("why"))
)
_CLEAR_INDEX = delete(checkpoints_index).where(
    checkpoints_index.c.thread_id == bindparam("of_thread")
)
_OLDEST = (
    select(checkpoints_index.c.parent_id)
    .where(checkpoints_index.c.thread_id == bindparam("of_thread"))
    .order_by(checkpoints_index.c.checkpoint_id)
    .limit(1)
)
_DOUBLES = (
    select(checkpoints_index.c.parent_id, func.max(checkpoints_index.c.checkpoint_id))
    .where(
        checkpoints_index.c.thread_id == bindparam("of_thread"),
        checkpoints_index.c.source == "loop",
        checkpoints_index.c.parent_id.is_not(None),
    )
    .group_by(checkpoints_index.c.parent_id)
    .having(func.count(distinct(checkpoints_index.c.checkpoint_id)) > 1)
    .order_by(checkpoints_index.c.parent_id)
    .limit(100)
)
_RUNS_AFTER = select(checkpoints_index.c.run_id).where(
    checkpoints_index.c.thread_id == bindparam("of_thread"),
    checkpoints_index.c.source == "loop",
    checkpoints_index.c.parent_id == bindparam("of_parent"),
)
_PENDING = select(approvals.c.thread_id, approvals.c.interrupt_id).where(
    approvals.c.thread_id.in_(_THREADS), approvals.c.status == ApprovalStatus.PENDING.value
)


@dataclass(frozen=True)
class Double:
    """A checkpoint that nodes led on from twice, and the runs that did; None is another's."""

    parent_id: CheckpointId
    run_ids: frozenset[RunId | None]


def put_source(conn: Connection, source: AttachedSource) -> None:
    """Keep how a source was found; it replaces what was known of it."""
    conn.execute(_PUT.on(conn), [vars(source)])


def fetch_source(conn: Connection) -> AttachedSource | None:
    """The source that was looked at last."""
    row = conn.execute(_NEWEST).one_or_none()
    return None if row is None else AttachedSource(**row._mapping)  # noqa: SLF001


def fetch_addresses(conn: Connection) -> set[str]:
    """The addresses of all sources that were ever looked at, without their passwords."""
    return set(conn.execute(_ADDRESSES).scalars())


def has_threads_of_others(conn: Connection) -> bool:
    """Whether there is a thread that was not found in an attached database."""
    return conn.execute(_NOT_ATTACHED).first() is not None


def fetch_followed(conn: Connection, *, but_for: str) -> set[ThreadId]:
    """All threads that were found in an attached database, without those of this trouble."""
    return set(conn.execute(_FOLLOWED, {"but_for": but_for}).scalars())


def fetch_threads(conn: Connection, ids: Collection[ThreadId]) -> dict[ThreadId, Thread]:
    """Those of these threads that are known."""
    rows = conn.execute(_FETCH_THREADS, {"thread_ids": list(ids)})
    return {row.thread_id: threads.from_row(row) for row in rows}


def fetch_ends(
    conn: Connection, run_ids: Collection[RunId]
) -> dict[RunId, tuple[RunStatus, CheckpointId | None]]:
    """What these runs are doing or became, and where."""
    rows = conn.execute(_ENDS, {"run_ids": list(run_ids)})
    return {row.run_id: (RunStatus(row.status), row.end_checkpoint_id) for row in rows}


def fetch_asked(conn: Connection, ids: Collection[ThreadId]) -> dict[ThreadId, set[str | None]]:
    """The interrupt ids of the pending cards of these threads; None for one of a breakpoint."""
    asked: dict[ThreadId, set[str | None]] = {}
    for thread_id, interrupt_id in conn.execute(_PENDING, {"thread_ids": list(ids)}):
        asked.setdefault(thread_id, set()).add(interrupt_id)
    return asked


def set_trouble(
    conn: Connection, thread_id: ThreadId, *, workflow: str, trouble: str | None
) -> None:
    """Note the workflow of a thread and why it can be read only, or that it can be run."""
    conn.execute(_SET_TROUBLE, {"id": thread_id, "its_workflow": workflow, "why": trouble})


def clear_index(conn: Connection, thread_id: ThreadId) -> None:
    """Take a thread's checkpoints out of the index, to put all of them in anew."""
    conn.execute(_CLEAR_INDEX, {"of_thread": thread_id})


def is_index_whole(conn: Connection, thread_id: ThreadId) -> bool:
    """Whether the oldest checkpoint of a thread's index is its first."""
    row = conn.execute(_OLDEST, {"of_thread": thread_id}).one_or_none()
    return row is None or row.parent_id is None


def find_doubles(conn: Connection, thread_id: ThreadId) -> Sequence[Double]:
    """The checkpoints of a thread that nodes led on from more than once; forks are none."""
    found = conn.execute(_DOUBLES, {"of_thread": thread_id}).all()
    return [
        Double(
            row.parent_id,
            frozenset(
                conn.execute(
                    _RUNS_AFTER, {"of_thread": thread_id, "of_parent": row.parent_id}
                ).scalars()
            ),
        )
        for row in found
    ]
