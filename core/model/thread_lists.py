"""Which threads a list holds, and what it says of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from interlock.core.model.approvals import Approval
from interlock.core.model.runs import RunStatus
from interlock.core.model.threads import Origin, Snapshot, Thread
from interlock.core.types import Json, ThreadId


@dataclass(frozen=True, kw_only=True)
class ThreadFilter:
    """
    Which threads are wanted; what is empty leaves it free.

    `statuses`: of the run that moved it last; `words`: all of them, as a search finds its runs.
    """

    workflow: str | None = None
    statuses: tuple[RunStatus, ...] = ()
    origins: tuple[Origin, ...] = ()
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class ThreadLine:
    """
    One thread of a list.

    `status` is that of its last run, None where no run moved it; `waiting_count` are its open cards;
    `point_count` are its checkpoints and `size_bytes` what these weigh, each with its whole state. There
    may be more where `is_counted` is false: of another application's thread that nobody opened yet.
    """

    thread: Thread
    status: RunStatus | None
    waiting_count: int
    point_count: int
    size_bytes: int
    is_counted: bool = True


class ThreadOrder(StrEnum):
    """By what a search puts threads in order; the id decides between equals."""

    UPDATED = "updated_at"
    CREATED = "created_at"
    ID = "thread_id"


@dataclass(frozen=True, kw_only=True)
class ThreadSearch:
    """
    A window of the threads that fit, as clients ask for it.

    `ids` None means any; `or_unused`: those that nothing ran on fit whatever statuses are wanted;
    `data`: each of these fields was said of it.
    """

    wanted: ThreadFilter = field(default_factory=ThreadFilter)
    ids: tuple[ThreadId, ...] | None = None
    or_unused: bool = False
    data: Mapping[str, Json] = field(default_factory=dict)
    order: ThreadOrder = ThreadOrder.UPDATED
    newest_first: bool = True
    limit: int = 10
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class ThreadFound:
    """
    One thread with what clients want of it.

    `snapshot` is the state it stands at, None where that was not kept; `cards` are its open ones, whole;
    `data` is what a client said of it.
    """

    thread: Thread
    status: RunStatus | None
    snapshot: Snapshot | None
    cards: tuple[Approval, ...]
    data: Mapping[str, Json]
