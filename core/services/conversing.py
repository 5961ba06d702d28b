"""A thread as a conversation: what its state holds, and what was sent and is not in it yet."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.runs import Run, RunKind
from interlock.core.services.context import App
from interlock.core.store import approvals, engine, runs, snapshots, threads
from interlock.core.types import Json, ThreadId

MAX_RUNS = 20  # that may have ended without a state of their own since the last that had one
MAX_CARDS = 20


@dataclass(frozen=True, kw_only=True)
class Talk:
    """
    Where a thread stands.

    `values` is the state it last came to, None where it has none yet; `sent` is the input of the newest
    run as long as that run has no state of its own; `cards` wait for a human.
    """

    thread_id: ThreadId
    workflow: str
    run: Run
    values: Json
    sent: Json
    cards: tuple[ApprovalSummary, ...]


def read_talk(app: App, thread_id: str) -> Talk | None:
    """The conversation of a thread; None if there is no such thread, or nothing ran on it."""
    with engine.read(app.engine) as conn:
        thread = threads.fetch(conn, ThreadId(thread_id))
        found = runs.fetch_many(conn, thread_id=ThreadId(thread_id), limit=MAX_RUNS)
        run = runs.fetch(conn, found[0].run_id) if found else None
        if thread is None or run is None:
            return None
        snapshot = None
        for each in found:
            if each.end_checkpoint_id is not None:
                snapshot = snapshots.fetch(conn, thread.thread_id, each.end_checkpoint_id)
            if snapshot is not None:
                break
        cards = approvals.fetch_summaries(conn, thread_id=thread.thread_id, limit=MAX_CARDS)
    is_new = run.kind is RunKind.START and run.end_checkpoint_id is None
    return Talk(
        thread_id=thread.thread_id,
        workflow=thread.workflow,
        run=run,
        values=None if snapshot is None else snapshot.values,
        sent=run.input if is_new else None,
        cards=tuple(cards),
    )
