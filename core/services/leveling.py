"""Which threads' indexes are behind the checkpoint database, and filling them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from interlock.core.model.runs import Run
from interlock.core.model.threads import CheckpointEntry
from interlock.core.services.context import App
from interlock.core.services.placing import index_checkpoints
from interlock.core.services.recording import Batch, Ending, record
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


def store(app: App, thread_id: ThreadId, entries: Collection[CheckpointEntry]) -> None:
    """Add checkpoints, oldest first, and move the thread's head to the last."""
    if not entries:
        return
    last = list(entries)[-1]
    with engine.write(app.engine) as conn:
        index_checkpoints(conn, thread_id, entries)
        threads.touch(conn, thread_id, head_checkpoint_id=last.checkpoint_id, now=app.clock.now())


def settle(app: App, ending: Ending) -> None:
    """Bring a run that held level with a head that another hand has moved, and its cards with it."""
    record(app, Batch(endings=[ending]))
