"""Whether runs go on: nobody carries them out, the queue stands still, or every place is taken (law 11)."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

from interlock.dashboard.views.formatting import format_age, format_plural
from interlock.dashboard.views.notices import Notice

if TYPE_CHECKING:
    from interlock.core.services.observing import Overview

LONG = timedelta(seconds=60)  # a free place is taken within a second
SOME = 5  # names of workflows in one notice
QUEUE_FULL = (
    "The queue is full: nothing more is launched until it is shorter (INTERLOCK_MAX_QUEUE)."
    " Decisions are taken, and go on."
)
START = " Start one with `interlock up` or `interlock worker`."


class Flow(IntEnum):
    """What becomes of a run that is launched now."""

    NO_WORKER = 0
    MOVING = 1
    FULL = 2
    STANDING = 3


def flow_of(seen: Overview) -> Flow:
    """Tell by what was seen whether queued runs start."""
    if not seen.workers_alive:
        return Flow.NO_WORKER
    if seen.oldest_due_at is None or seen.at - seen.oldest_due_at < LONG:
        return Flow.MOVING
    return Flow.FULL if seen.running >= seen.slots else Flow.STANDING


def find_flow_notice(seen: Overview) -> Notice | None:
    """Say what keeps runs from going on, and since when; None while they do."""
    flow = flow_of(seen)
    if flow is Flow.NO_WORKER:
        return _say_no_worker(seen)
    if flow is not Flow.STANDING and seen.is_queue_full:
        return Notice("warning", QUEUE_FULL)
    if seen.unserved:
        return _say_unserved(seen)
    if flow is Flow.MOVING:
        return None
    queued = f"{format_plural(seen.queued, 'run')} queued, the oldest for {format_age(seen.oldest_due_at, seen.at)}"
    if flow is Flow.FULL:
        places = format_plural(seen.slots, "place")
        return Notice(
            "info", f"All {places} of the worker taken: {queued}. They start as others end."
        )
    return Notice(
        "warning",
        f"The queue is not moving: {queued}, although the worker is alive and has free places."
        " Its log says what holds it up.",
    )


def find_foot_notice(seen: Overview) -> Notice | None:
    """The same in short, for every page; what only takes patience is left out."""
    flow = flow_of(seen)
    if flow is Flow.NO_WORKER:
        return Notice(
            "warning",
            "No worker has been seen for 40 s. Runs and answers are kept, but nothing moves."
            " Start one: `interlock worker`",
        )
    if flow is Flow.STANDING and seen.unserved:
        return _say_unserved(seen)
    if flow is Flow.STANDING:
        age = format_age(seen.oldest_due_at, seen.at)
        return Notice("warning", f"The queue is not moving: a run has been queued for {age}.")
    return None


def _say_unserved(seen: Overview) -> Notice:
    names = ", ".join(seen.unserved[:SOME])
    more = f" and {len(seen.unserved) - SOME} more" if len(seen.unserved) > SOME else ""
    return Notice(
        "warning",
        f"No worker serves {names}{more}: runs of it wait. Start one that does, without --workflows and"
        " --tenants or with the right ones.",
    )


def _say_no_worker(seen: Overview) -> Notice:
    due = seen.jobs_due
    waits = f" {format_plural(due, 'run')} will start when one is." if due else ""
    if seen.newest_heartbeat_at is None:
        return Notice("warning", f"No worker has started yet.{waits}{START}")
    age = format_age(seen.newest_heartbeat_at, seen.at)
    return Notice("error", f"No worker for {age}: nothing runs or resumes.{waits}{START}")
