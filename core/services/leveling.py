"""Which threads' indexes are behind the checkpoint database, and filling them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from interlock.core.model.runs import Run
from interlock.core.model.threads import CheckpointEntry
from interlock.core.services.context import App
from interlock.core.services.placing import index_checkpoints
from interlock.core.services.recording import Batch, Ending, record_in
from interlock.core.store import checkpoints, engine, runs, threads
from interlock.core.types import CheckpointId, ThreadId

PAGE = 500  # threads compared in one transaction


@dataclass(frozen=True)
class Behind:
    """A thread whose index ends before its head, and the run that holds it, if one does."""

    workflow: str
    indexed_to: CheckpointId | None
    held: Run | None


def find_behind(app: App, heads: Mapping[ThreadId, CheckpointId]) -> dict[ThreadId, Behind]:
    """Compare heads with the index; threads that are unknown or have an open run are left out."""
    found: dict[ThreadId, Behind] = {}
    with engine.read(app.engine) as conn:
        for thread_id, head in heads.items():
            thread = threads.fetch(conn, thread_id)
            newest = checkpoints.newest_id(conn, thread_id)
            if thread is None or newest == head:
                continue
            live = runs.find_open_or_held(conn, thread_id)
            if any(r.is_open for r in live):
                continue
            found[thread_id] = Behind(thread.workflow, newest, live[-1] if live else None)
    return found


def store(
    app: App, thread_id: ThreadId, behind: Behind, entries: Collection[CheckpointEntry]
) -> bool:
    """Add checkpoints, oldest first, and move the thread's head to the last; False if it has moved."""
    if not entries:
        return True
    last = list(entries)[-1]
    with engine.write(app.engine) as conn:
        if not _is_still(conn, thread_id, behind):
            return False
        index_checkpoints(conn, thread_id, entries)
        threads.touch(conn, thread_id, head_checkpoint_id=last.checkpoint_id, now=app.clock.now())
        return True


def settle(app: App, ending: Ending, behind: Behind | None = None) -> bool:
    """
    Bring a run that held level with a head that another hand has moved, and its cards with it.

    False if the thread has moved since it was found behind: another worker has a run of it, or had.
    """
    with engine.write(app.engine) as conn:
        if behind is not None and not _is_still(conn, ending.run.thread_id, behind):
            return False
        record_in(app, conn, Batch(endings=[ending]))
        return True


def _is_still(conn: Connection, thread_id: ThreadId, behind: Behind) -> bool:
    threads.lock(conn, thread_id)
    live = runs.find_open_or_held(conn, thread_id)
    held = behind.held.run_id if behind.held is not None else None
    is_held_so = [run.run_id for run in live] == ([held] if held is not None else [])
    return is_held_so and checkpoints.newest_id(conn, thread_id) == behind.indexed_to
