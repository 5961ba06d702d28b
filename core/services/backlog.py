"""
Back-pressure: a launch is refused while too many runs wait for a worker; a decision never is.

What is counted is asked in the transaction that launches. Several that launch at once may each find the
last place free: the bound keeps a queue from growing without end, it is no exact number.
"""

from __future__ import annotations

import random
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.errors import InvalidInput, QueueFull
from interlock.core.model.backlog import Backlog
from interlock.core.services.context import App
from interlock.core.store import holds, runs

JITTER_RATIO = 0.25  # so that all who were refused do not come back at once


def require_room(
    app: App, conn: Connection, workflow: str, *, now: datetime, starts: int = 1
) -> None:
    """
    See that the queue takes so many more runs.

    Args:
        app: The parts.
        conn: The transaction that launches them.
        workflow: What they are runs of.
        now: The time.
        starts: How many.

    Raises:
        QueueFull: Too many wait already; it says when to try again.
        InvalidInput: So many at once are more than may ever wait.
    """
    most = app.settings.max_queue
    if not most:
        return
    if starts > most:
        raise InvalidInput(
            f"{starts} runs at once are more than may wait for a worker: {most} (INTERLOCK_MAX_QUEUE).",
            hint="Launch fewer at once, in several parts.",
        )
    found = look(conn, workflow, most=most, starts=starts)
    if not found.has_room(starts):
        wait_s = found.estimate_wait_s(starts, now=now) * random.uniform(1, 1 + JITTER_RATIO)  # noqa: S311
        raise QueueFull(most=most, now=now, wait_s=wait_s)


def is_full(app: App, conn: Connection) -> bool:
    """Whether launches are refused, of what is not held."""
    most = app.settings.max_queue
    return bool(most) and not look(conn, "", most=most).has_room(1)


def look(conn: Connection, workflow: str, *, most: int, starts: int = 1) -> Backlog:
    """
    What so many launches of a workflow would wait behind, of all tenants.

    What waits because its workflow is held keeps only launches of that workflow out.
    """
    found = Backlog(waiting=runs.count_queued(conn, at_most=most + 1), most=most)
    if found.has_room(starts):  # with what is held and all: nothing more has to be asked
        return found
    held = {each.scope for each in holds.fetch_all(conn)}
    if workflow in held:
        waiting = runs.count_queued(conn, workflow=workflow, at_most=most + 1)
        return Backlog(waiting=waiting, most=most)
    waiting = runs.count_queued(conn, but=held, at_most=most + 1)
    oldest_at = runs.oldest_queued_at(conn, of_all=True)
    return Backlog(waiting=waiting, most=most, oldest_at=oldest_at)
