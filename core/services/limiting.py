"""Limits that all processes share: each start is counted in the transaction that lets it through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.errors import InvalidInput, RateLimited
from interlock.core.model.rates import LONGEST_S, Limit, limits_of_launch
from interlock.core.model.workflows import Workflow
from interlock.core.services.context import App
from interlock.core.store import engine, limits


def take(app: App, wanted: Sequence[Limit]) -> None:
    """
    Count a start towards its limits; all of them or, if it is refused, none.

    Raises:
        RateLimited: One of them is used up; it says for how long.
    """
    with engine.write(app.engine) as conn:
        count(conn, wanted, now=app.clock.now())


def take_launch(
    conn: Connection, workflow: Workflow, *, actor: str, now: datetime, starts: int = 1
) -> None:
    """
    Count launches towards the limits of their workflow, in the transaction that writes them.

    Raises:
        RateLimited: It was started too often lately.
        InvalidInput: So many at once are more than it may be started in any window.
    """
    found = limits_of_launch(workflow.name, workflow.policy, user=actor)
    count(conn, found, now=now, starts=starts)


def count(conn: Connection, wanted: Sequence[Limit], *, now: datetime, starts: int = 1) -> None:
    """
    The same in the caller's transaction, which must end with the error where there is one.

    Raises:
        RateLimited: One of them is used up.
        InvalidInput: The starts are more than one of them.
    """
    now_ms = round(now.timestamp() * 1000)
    for limit in wanted:
        wait_s = limits.take(conn, limit, now_ms=now_ms, count=starts)
        if wait_s == limits.NEVER:
            raise InvalidInput(
                limit.refuse_ever(starts), hint="Launch fewer at once, in several parts."
            )
        if wait_s is not None:
            text = limit.refuse(wait_s=wait_s, now=now)
            raise RateLimited(text, name=limit.what, now=now, wait_s=wait_s)


def clear(app: App) -> None:
    """Forget what counts towards nothing any more."""
    before = app.clock.now() - timedelta(seconds=LONGEST_S)
    with engine.write(app.engine) as conn:
        limits.clear(conn, before_ms=round(before.timestamp() * 1000))
