"""The guided tour: its steps in order, what each waits for, and how far a person is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from interlock.core.types import ApprovalId, RunId, ThreadId


class TourStatus(StrEnum):
    """Where a tour stands: under way, left to be resumed, or taken to its end."""

    OPEN = "open"
    LEFT = "left"
    DONE = "done"


class TourStep(StrEnum):
    """What a step shows, in the order in which it is shown."""

    LAUNCH = "launch"
    DECIDE = "decide"
    FIGURES = "figures"
    BREAKER = "breaker"
    CACHE = "cache"
    REWIND = "rewind"
    COMPARE = "compare"


STEPS = tuple(TourStep)


@dataclass(frozen=True, kw_only=True)
class Tour:
    """One person's tour. `seen` are the steps that were passed by a click, done or not."""

    actor: str
    status: TourStatus
    step: TourStep
    begun_at: datetime
    seen: frozenset[TourStep] = frozenset()


@dataclass(frozen=True, kw_only=True)
class TourFacts:
    """
    What is there to point at now, and what the person has done since the tour began.

    `done` are the steps whose deed was seen. `card` is a pending card; `question` one whose answers
    can be tried on copies; `thread` one that ended and can be set back, `run` its last run.
    """

    done: frozenset[TourStep] = frozenset()
    card: ApprovalId | None = None
    question: ApprovalId | None = None
    thread: ThreadId | None = None
    run: RunId | None = None


def begin(actor: str, *, now: datetime) -> Tour:
    """A tour at its first step; what was done before does not count."""
    return Tour(actor=actor, status=TourStatus.OPEN, step=STEPS[0], begun_at=now)


def show(tour: Tour, step: TourStep) -> Tour:
    """Turn to a step, forwards or back; a tour that was left or done is under way again."""
    return replace(tour, status=TourStatus.OPEN, step=step)


def go_on(tour: Tour) -> Tour:
    """Pass the step that is shown; after the last one the tour is done."""
    passed = replace(tour, seen=tour.seen | {tour.step})
    later = STEPS[STEPS.index(tour.step) + 1 :]
    return show(passed, later[0]) if later else replace(passed, status=TourStatus.DONE)


def leave(tour: Tour) -> Tour:
    """Put it away; it can be resumed at the step that was shown."""
    return replace(tour, status=TourStatus.LEFT)
