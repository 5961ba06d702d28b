"""Lists of threads: what screens and command line show before one of them is opened."""

from __future__ import annotations

from interlock.core.errors import NotFound
from interlock.core.model.thread_lists import ThreadFilter, ThreadLine
from interlock.core.services.context import App
from interlock.core.store import engine, thread_lists, threads
from interlock.core.types import ThreadId

ALL = ThreadFilter()


def list_threads(
    app: App, wanted: ThreadFilter = ALL, *, limit: int = 100, before: str | None = None
) -> list[ThreadLine]:
    """
    One page of threads, the one that moved last first.

    Args:
        app: The parts.
        wanted: Which threads.
        limit: At most so many.
        before: Only those that moved before this thread did, to page on.

    Raises:
        NotFound: There is no thread `before`.
    """
    with engine.read(app.engine) as conn:
        last = threads.fetch(conn, ThreadId(before)) if before is not None else None
        if before is not None and last is None:
            raise NotFound("thread", before, hint="`interlock thread list` names them.")
        return thread_lists.fetch_page(conn, wanted, limit=limit, before=last)
