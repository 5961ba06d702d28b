"""Whether something of a thread was done here, or came along in a file that says so."""

from __future__ import annotations

from sqlalchemy import Connection

from interlock.core.model.runs import Run
from interlock.core.model.threads import Origin
from interlock.core.store import threads
from interlock.core.types import ThreadId


def is_from_elsewhere(conn: Connection, thread_id: ThreadId, carrier: Run | None) -> bool:
    """
    Whether a decision of a thread came from a file, by the run that was to carry it.

    Nobody here gave it, so no graph gets it (law 1): the question is asked anew. All that a file
    brings is older than its thread here, whose row is made last.
    """
    thread = threads.fetch(conn, thread_id)
    if thread is None or thread.origin is not Origin.IMPORT:
        return False
    return (
        carrier is None or carrier.thread_id != thread_id or carrier.created_at < thread.created_at
    )
