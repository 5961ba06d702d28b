"""Which threads a list holds, and what it says of each."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.model.runs import RunStatus
from interlock.core.model.threads import Origin, Thread


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
