"""The list of threads, from which a history is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.thread_lists import ThreadLine
from interlock.core.model.threads import Origin
from interlock.core.model.workflows import WorkflowName
from interlock.core.types import ThreadId
from interlock.dashboard.palette import Look, Tone, look_of_run
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    format_ago,
    format_bytes,
    format_count,
    format_plural,
    short_id,
)
from interlock.dashboard.views.notices import Empty, offer_launch

PAGE_COUNT = 50
ORIGINS = {
    Origin.OWN: "",
    Origin.COPY: "a copy",
    Origin.IMPORT: "from a file",
    Origin.ATTACHED: "another application's",
    Origin.SIMULATED: "simulated",
}
_NO_RUN = Look(Tone.QUIET, "no run", ":material/radio_button_unchecked:")


@dataclass(frozen=True, kw_only=True)
class ThreadRow:
    """One thread of the list."""

    thread_id: ThreadId
    short: str
    workflow: str
    look: Look
    waiting: str
    points: str
    size: str
    moved: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class ThreadList:
    """One page of threads; `next_id` pages on, None where there is nothing older."""

    rows: tuple[ThreadRow, ...]
    ids: tuple[ThreadId, ...]
    next_id: ThreadId | None
    empty: Empty | None


def build(
    found: Sequence[ThreadLine],
    *,
    is_filtered: bool,
    workflows: Sequence[WorkflowName],
    now: datetime,
) -> ThreadList:
    """
    Put one page together.

    Args:
        found: The one that moved last first, one more than a page where there is an older page.
        is_filtered: Whether only some were asked for.
        workflows: What could be launched to fill an empty list.
        now: Aware UTC time.
    """
    shown = found[:PAGE_COUNT]
    empty = None
    if not shown:
        text = "No thread fits. Choose other words, or all workflows."
        empty = Empty(text) if is_filtered else offer_launch("There are no threads yet.", workflows)
    return ThreadList(
        rows=tuple(_row(line, now) for line in shown),
        ids=tuple(line.thread.thread_id for line in shown),
        next_id=shown[-1].thread.thread_id if len(found) > PAGE_COUNT else None,
        empty=empty,
    )


def _row(line: ThreadLine, now: datetime) -> ThreadRow:
    thread = line.thread
    more = "" if line.is_counted else "+"  # else only its newest points were read so far
    notes = [show_hidden(thread.trouble or "").removesuffix("."), ORIGINS[thread.origin]]
    return ThreadRow(
        thread_id=thread.thread_id,
        short=show_hidden(short_id(thread.thread_id)),
        workflow=show_hidden(thread.workflow),
        look=look_of_run(line.status) if line.status is not None else _NO_RUN,
        waiting=format_plural(line.waiting_count, "card") if line.waiting_count else "",
        points=format_count(line.point_count) + more,
        size=format_bytes(line.size_bytes) + more,
        moved=format_ago(thread.updated_at, now),
        notes=", ".join(note for note in notes if note),
    )
