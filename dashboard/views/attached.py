"""What has to be said of threads that another application moves as well: law 1 has bounds there."""

from __future__ import annotations

from datetime import datetime

from interlock.core.model.history import AttachedSource
from interlock.core.model.threads import Origin, Thread
from interlock.dashboard.views.formatting import format_ago, format_count, format_plural
from interlock.dashboard.views.notices import Notice

SHARED = (
    "Another application may answer this, too. The thread is read just before your answer is sent:"
    " if it was answered there first, yours is refused. Answered by both in the same moment, what"
    " follows may run twice."
)
READ_ONLY = "This thread can be read, but not answered, set back or run here."
NOT_READ = "The other application's database cannot be read."
NOT_YET = "Attached to another application's database, which was not looked at yet."


def say_of_thread(thread: Thread | None, *, is_open: bool) -> Notice | None:
    """What a page about a thread says; `is_open`: something is asked that can be answered here."""
    if thread is not None and thread.trouble is not None:
        why = (
            f"{thread.trouble[:1].upper()}{thread.trouble[1:]}"  # it is kept as part of a sentence
        )
        return Notice("warning", READ_ONLY, why)
    is_theirs = thread is not None and thread.origin is Origin.ATTACHED
    return Notice("info", SHARED) if is_theirs and is_open else None


def say_of_source(source: AttachedSource | None, *, now: datetime) -> Notice:
    """What the page of the system says of the database that this Interlock is attached to."""
    if source is None:
        return Notice("info", NOT_YET)
    if source.error is not None:
        return Notice("error", NOT_READ, source.error)
    count = format_plural(source.thread_count, "thread")
    unknown = (
        f" Of {format_count(source.unknown_count)} the graph is not known: they can be read only."
        if source.unknown_count
        else ""
    )
    text = (
        f"Attached to another application's database: {count}, looked at"
        f" {format_ago(source.looked_at, now)} in {source.took_ms:.0f} ms.{unknown}"
        " Among the operators here one answer wins; the other application may still answer by itself."
    )
    return Notice("info", text, source.address)


def say_shortly(source: AttachedSource | None) -> str:
    """The same in a few words, beside every page."""
    if source is None:
        return "Attached to another application."
    if source.error is not None:
        return NOT_READ
    return f"Attached: {format_plural(source.thread_count, 'thread')} of another application."
