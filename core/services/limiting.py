"""
Limits that all processes share: each start is counted in the transaction that lets it through.

What is counted of nodes, tools and models goes by the database's clock, as hosts' own may differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.errors import InvalidInput, RateLimited
from interlock.core.model.key_ring import KeyState
from interlock.core.model.policies import ModelRules
from interlock.core.model.rates import LONGEST_S, Limit, limit_of_model, limits_of_launch
from interlock.core.model.workflows import Workflow
from interlock.core.services.context import App, fetch_now
from interlock.core.store import engine, limits
from interlock.core.types import Json

CALL_LEASE = timedelta(seconds=60)  # then the calls of a dead worker are no longer under way
IN_FLIGHT_S = 0.25  # between two looks whether another call has ended


def take(app: App, wanted: Sequence[Limit]) -> None:
    """
    Count a start towards its limits; all of them or, if it is refused, none.

    Raises:
        RateLimited: One of them is used up; it says for how long.
    """
    with engine.write(app.engine) as conn:
        count(conn, wanted, now=fetch_now(app, conn))


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


def enter_model(app: App, model: str, rules: ModelRules, call_id: str) -> float | None:
    """
    Let a call to a model through, of all workers' together, if its limits allow.

    Returns:
        None if it may start. Else the seconds after which to ask again.
    """
    with engine.write(app.engine) as conn:
        limits.lock_model(conn, model)
        now = fetch_now(app, conn)
        if rules.in_flight is not None:
            if limits.count_calls(conn, model, now=now) >= rules.in_flight:
                return IN_FLIGHT_S
            limits.add_call(conn, model, call_id, until=now + CALL_LEASE)
        limit = limit_of_model(rules, model)
        if limit is None:
            return None
        wait_s = limits.take(conn, limit, now_ms=round(now.timestamp() * 1000))
        if wait_s is not None:
            limits.end_calls(conn, [call_id])
        return wait_s


def keep_calls(app: App, call_ids: Sequence[str], ended: Sequence[str] = ()) -> None:
    """Say which calls to models still go on, and which ended."""
    with engine.write(app.engine) as conn:
        limits.end_calls(conn, ended)
        limits.renew_calls(conn, call_ids, until=fetch_now(app, conn) + CALL_LEASE)


def tell_key(
    app: App,
    model: str,
    variable: str,
    *,
    blocked_until: datetime | None,
    quota: Mapping[str, Json],
) -> None:
    """Keep what a provider last said of a key."""
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        limits.tell_key(conn, model, variable, blocked_until=blocked_until, quota=quota, now=now)


def list_keys(app: App, model: str | None = None) -> list[KeyState]:
    """What was last heard of the keys of a model, or of all; never the keys themselves."""
    with engine.read(app.engine) as conn:
        found = limits.fetch_keys(conn)
    return [each for each in found if model is None or each.model == model]


def count_calls(app: App) -> dict[str, int]:
    """How many calls to models that are bounded are under way, by model."""
    with engine.read(app.engine) as conn:
        return limits.count_all_calls(conn, now=fetch_now(app, conn))


def clear(app: App) -> None:
    """Forget what counts towards nothing any more."""
    with engine.write(app.engine) as conn:
        now = fetch_now(app, conn)
        before = now - timedelta(seconds=LONGEST_S)
        limits.clear(conn, before_ms=round(before.timestamp() * 1000), now=now)
