"""
Judging a thread before the database's writer is held, and acting on it if it still stands there.

A thread has thousands of points, and what is read of them to judge takes its time: nobody else could
write meanwhile. So it is read first, and under the lock only that the thread has not moved since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.runs import RunStatus
from interlock.core.model.threads import Thread
from interlock.core.services.context import App
from interlock.core.store import approvals, checkpoints, engine, runs, threads
from interlock.core.types import ApprovalId, CheckpointId, RunId, ThreadId

TRIES = 3  # before a thread that moves all the time is judged under the lock
MOST_CARDS = 1000

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a judgement of a thread at one of its points rests on."""

    thread: Thread | None
    newest_id: CheckpointId | None
    has_point: bool
    live: tuple[tuple[RunId, RunStatus], ...]
    asked: tuple[tuple[ApprovalId, int], ...]


class Judged(Protocol):
    """A judgement, and what it rests on."""

    @property
    def standing(self) -> Standing:
        """Where the thread stood that was judged."""


J = TypeVar("J", bound=Judged)


def read_standing(
    conn: Connection, thread_id: ThreadId, checkpoint_id: CheckpointId, *, thread: Thread | None
) -> Standing:
    """Where a thread stands; a judgement reads this first and all else after it."""
    live = runs.find_open_or_held(conn, thread_id)
    cards = approvals.fetch_summaries(
        conn, statuses=(ApprovalStatus.PENDING,), thread_id=thread_id, limit=MOST_CARDS
    )
    return Standing(
        thread=thread,
        newest_id=checkpoints.newest_id(conn, thread_id),
        has_point=checkpoints.fetch(conn, thread_id, checkpoint_id) is not None,
        live=tuple((run.run_id, run.status) for run in live),
        asked=tuple((card.approval_id, card.version) for card in cards),
    )


def act(
    app: App,
    thread_id: ThreadId,
    checkpoint_id: CheckpointId,
    *,
    judge: Callable[[Connection, Standing], J],
    carry_out: Callable[[Connection, J], R],
) -> R:
    """
    Judge, and carry out under the thread's lock what was judged of it as it stands then.

    Args:
        app: The parts.
        thread_id: The thread.
        checkpoint_id: The point that it is about.
        judge: Reads and refuses; writes nothing.
        carry_out: Writes, and reads only little.
    """
    for _ in range(TRIES):
        with engine.read(app.engine) as conn:
            thread = threads.fetch(conn, thread_id)
            standing = read_standing(conn, thread_id, checkpoint_id, thread=thread)
            judged = judge(conn, standing)
        with engine.write(app.engine) as conn:
            thread = threads.lock(conn, thread_id)
            if read_standing(conn, thread_id, checkpoint_id, thread=thread) == judged.standing:
                return carry_out(conn, judged)
    with engine.write(app.engine) as conn:
        thread = threads.lock(conn, thread_id)
        standing = read_standing(conn, thread_id, checkpoint_id, thread=thread)
        return carry_out(conn, judge(conn, standing))
