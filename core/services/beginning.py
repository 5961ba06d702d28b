"""Who began what a card asks about: whom its policy may keep from deciding it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from interlock.core.model.approvals import Verb
from interlock.core.model.runs import FORKING, Run, RunKind
from interlock.core.store import decisions, runs, threads
from interlock.core.types import RunId

MAX_CHAIN = 1000  # runs that are followed back


def find_initiators(conn: Connection, run: Run) -> tuple[str, ...]:
    """
    Who launched what a run goes on with, who set it back or copied it, and who edited its state, each once.

    Deciding a card or trying a failed run again begins nothing.
    """
    return tuple(dict.fromkeys(_walk(conn, run)))


def _walk(conn: Connection, run: Run) -> Iterator[str]:
    at: Run | None = run
    for _ in range(MAX_CHAIN):
        if at is None:
            return
        if at.kind in {RunKind.START, *FORKING} or _edits(conn, at):
            yield at.created_by
        if at.kind is RunKind.START:
            return
        at = _before(conn, at)


def _before(conn: Connection, run: Run) -> Run | None:
    """The run that a run went on from; of a copy the last one of the thread that was copied."""
    previous: RunId | None = run.previous_run_id
    if run.kind is RunKind.COPY:
        thread = threads.fetch(conn, run.thread_id)
        source = thread.from_thread_id if thread is not None else None
        origin = threads.fetch(conn, source) if source is not None else None
        previous = origin.last_run_id if origin is not None else None
    return None if previous is None else runs.fetch(conn, previous)


def _edits(conn: Connection, run: Run) -> bool:
    """Whether it went on with a state that somebody had edited."""
    is_verb = run.kind is RunKind.PROCEED
    return is_verb and any(d.verb is Verb.EDIT for d in decisions.fetch_for_run(conn, run.run_id))
