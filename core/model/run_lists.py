"""Which runs a list holds, how many there are, and what became of an act upon many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.runs import RunStatus, RunSummary
from interlock.core.types import RunId, ThreadId

COUNT_LIMIT = 10_000  # runs of one status that are counted; there may be millions


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """
    Which runs are wanted; what is empty leaves it free.

    `words`: all of them, as in a search; `is_degraded`: only where a fallback served.
    """

    statuses: tuple[RunStatus, ...] = ()
    workflow: str | None = None
    thread_id: ThreadId | None = None
    error_type: str | None = None
    words: str = ""
    is_degraded: bool = False


@dataclass(frozen=True)
class RunCount:
    """How many runs there are; where `is_all` is false there are more."""

    count: int
    is_all: bool


@dataclass(frozen=True, kw_only=True)
class FailureGroup:
    """Failed runs that nobody has gone on with yet, by the class of their error; `newest` is one of them."""

    error_type: str
    count: int
    newest_at: datetime
    newest: RunSummary


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came of an act upon one run of many: the run that goes on with it, or why nothing was done."""

    run_id: RunId
    new_run_id: RunId | None = None
    refusal: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it was done."""
        return not self.refusal


def add_up(counts: Mapping[RunStatus, RunCount], statuses: Sequence[RunStatus]) -> RunCount:
    """How many runs are in any of these statuses; none given means all."""
    wanted = [counts[status] for status in statuses or counts]
    return RunCount(sum(c.count for c in wanted), all(c.is_all for c in wanted))
