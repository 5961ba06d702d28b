"""
A thread of another application, of which only the head was read: the points before it, read once.

Whoever looks at a thread may ask for them, as often as a page is drawn. A worker is asked once for
each head; what became of that is kept with its job, so all processes know it.
"""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from interlock.core.errors import InterlockError
from interlock.core.model.threads import Origin, Thread
from interlock.core.queue.port import ERRAND_PRIORITY, JobKind, NewJob
from interlock.core.services import observing, reading
from interlock.core.services.context import App
from interlock.core.store import attached, engine, threads
from interlock.core.types import JobId, Json, ThreadId

WHAT = "history"
BEING_READ = "They are being read."
NOT_READ = "Its older points are not read yet. {}"
ONCE = "It is tried again when the thread moves, or in an hour."


def complete(app: App, thread_id: str, *, wait_s: float = 10.0, is_patient: bool = True) -> str:
    """
    See that the index of a thread goes back to its first checkpoint.

    Args:
        app: The parts.
        thread_id: The thread.
        wait_s: How long to wait for a worker.
        is_patient: Wait also for what somebody else asked for; a page that is drawn again and again
            does not.

    Returns:
        Why it does not, in a sentence to be shown; empty if it does.
    """
    thread = _find_incomplete(app, thread_id)
    if thread is None:
        return ""
    try:
        return _ask(app, thread, wait_s=wait_s, is_patient=is_patient)
    except InterlockError as exc:
        return NOT_READ.format(exc.message)


def begin(app: App, thread_id: str) -> JobId | None:
    """The errand of a worker after which `complete` is; None where nothing is to be waited for."""
    thread = _find_incomplete(app, thread_id)
    if thread is None or not observing.list_workers(app):
        return None
    return _send(app, thread)[0]


def _find_incomplete(app: App, thread_id: str) -> Thread | None:
    with engine.read(app.engine) as conn:
        thread = threads.fetch(conn, ThreadId(thread_id))
        if thread is None or thread.origin is not Origin.ATTACHED:
            return None
        return None if attached.is_index_whole(conn, thread.thread_id) else thread


def _ask(app: App, thread: Thread, *, wait_s: float, is_patient: bool) -> str:
    reading.require_worker(app, what=WHAT)
    job_id, before = _send(app, thread)
    if before is not None and before[0] == "failed":
        return NOT_READ.format(f"The {WHAT} could not be read: {before[1]} {ONCE}")
    if before is not None and before[0] != "done" and not is_patient:
        return NOT_READ.format(BEING_READ)
    reading.wait_for(app, job_id, what=WHAT, wait_s=wait_s)
    return ""


def _send(app: App, thread: Thread) -> tuple[JobId, tuple[str, Json] | None]:
    """The errand, sent unless it was before, and what became of it then."""
    job_id = JobId(str(uuid5(NAMESPACE_OID, f"{thread.thread_id}:{thread.head_checkpoint_id}")))
    with engine.write(app.engine) as conn:
        threads.lock(conn, thread.thread_id)
        before = app.queue.fetch_result(conn, job_id)
        if before is None:
            payload = {"thread_id": thread.thread_id}
            job = NewJob(
                job_id=job_id,
                kind=JobKind.INDEX,
                payload=payload,
                priority=ERRAND_PRIORITY,
                workflow=thread.workflow,
            )
            app.queue.enqueue(conn, job, now=app.clock.now())
    return job_id, before
