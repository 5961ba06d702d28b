"""Which threads are deleted for good, and why one that fits stays. Nothing here deletes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadLine
from interlock.core.types import ThreadId

AT_REST = (RunStatus.DONE, RunStatus.FAILED, RunStatus.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Retention:
    """
    Which threads go; what is None or empty asks for nothing.

    A thread goes that has not moved for `older_than`, or that is not among the `most` of its workflow
    that moved last, if its last run has one of the `statuses`. `thread_ids` go whenever they moved.
    With `points` no thread goes: of each so many points stay, the newest on the way to its head.
    """

    older_than: timedelta | None = None
    most: int | None = None
    statuses: tuple[RunStatus, ...] = AT_REST
    workflow: str | None = None
    thread_ids: tuple[ThreadId, ...] = ()
    points: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes by it."""
        return self.older_than is None and self.most is None and not self.thread_ids

    def since(self, now: datetime) -> datetime | None:
        """Threads that moved before this moment are too old."""
        return None if self.older_than is None else now - self.older_than


class Hold(StrEnum):
    """Why a thread stays that would go."""

    WAITS = "waits"
    OPEN = "open"
    HELD = "held"
    BUSY = "busy"
    STATUS = "status"
    FOREIGN = "foreign"
    TRIED = "tried"
    COUNTED = "counted"
    DELTAS = "deltas"
    MOVED = "moved"
    GONE = "gone"


WHY: Mapping[Hold, str] = {
    Hold.WAITS: "It waits for a human.",
    Hold.OPEN: "A run of it is queued or running.",
    Hold.HELD: "It is held before a card.",
    Hold.BUSY: "Something is being done with it.",
    Hold.STATUS: "Its last run did not end as those that go.",
    Hold.FOREIGN: "It is in another application's database: Interlock deletes nothing there.",
    Hold.TRIED: "A what-if of it is running.",
    Hold.COUNTED: "Its runs are not yet in the figures; they are a few minutes after their end.",
    Hold.DELTAS: "A channel of it keeps only what changed, so that it needs all its points.",
    Hold.MOVED: "It has moved since.",
    Hold.GONE: "It is gone already.",
}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a thread is asked before it goes."""

    status: RunStatus | None
    is_foreign: bool = False
    has_card: bool = False
    is_open: bool = False
    is_held: bool = False
    is_busy: bool = False
    is_tried: bool = False
    is_counted: bool = True
    has_deltas: bool = False


def find_hold(standing: Standing, retention: Retention) -> Hold | None:
    """Why a thread stays; None if it goes. One that was named goes whatever its last run became."""
    if standing.is_foreign:
        return Hold.FOREIGN
    if standing.has_card:
        return Hold.WAITS
    if standing.is_held:
        return Hold.HELD
    if standing.is_open:
        return Hold.OPEN
    if standing.is_busy:
        return Hold.BUSY
    if standing.is_tried:
        return Hold.TRIED
    if not retention.thread_ids and standing.status not in retention.statuses:
        return Hold.STATUS
    if retention.points is not None:
        return Hold.DELTAS if standing.has_deltas else None
    return None if standing.is_counted else Hold.COUNTED


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A thread that stays although it fits, and why."""

    thread_id: ThreadId
    why: str


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """Which threads go, oldest first, or went, and which stay; with them go closed what-ifs."""

    threads: tuple[ThreadLine, ...] = ()
    kept: tuple[Kept, ...] = ()
    what_if_count: int = 0
