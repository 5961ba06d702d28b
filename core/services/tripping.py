"""
Breakers: what a worker tells of its calls, and what an operator orders.

Called by workers only for what is no healthy call: a failure, a probe, a refusal. The time is the
database's: leases and waits must not depend on which worker's clock is ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from interlock.core.errors import NotFound
from interlock.core.model.breaker import (
    PROBE_LEASE_S,
    Breaker,
    BreakerEvent,
    Order,
    Outcome,
    Pass,
    Served,
    conclude,
    join_served,
    obey,
    say_cause,
)
from interlock.core.model.people import Permission
from interlock.core.model.policies import BreakerRules
from interlock.core.services.context import App, fetch_now
from interlock.core.services.permitting import command, is_of_house, is_seen, require_house
from interlock.core.store import audit, breakers, engine, topics
from interlock.core.types import new_id

TOPIC = "breakers"
SPANS_COUNT, SPAN_S = 12, 10  # two minutes, which is what a tile shows
EVENTS_COUNT = 500
COUNTS_KEPT = timedelta(hours=1)


@dataclass(frozen=True)
class Wanted:
    """A breaker as policies ask for it."""

    name: str
    rules: BreakerRules
    serves: tuple[Served, ...]


@dataclass(frozen=True)
class Known:
    """The breakers as they were at the moment `at`; `head` moves with every change to them."""

    head: int
    breakers: Mapping[str, Breaker]
    at: datetime


class Traffic(NamedTuple):
    """What came to a breaker in one span of time: calls that ended, failed, or were refused."""

    calls: int = 0
    errors: int = 0
    refused: int = 0

    def __add__(self, other: tuple[int, ...]) -> Traffic:  # type: ignore[override]
        """Both together."""
        calls, errors, refused = other
        return Traffic(self.calls + calls, self.errors + errors, self.refused + refused)


Counts = Mapping[tuple[str, datetime], Traffic]  # by the breaker's name and the start of the span


@dataclass(frozen=True, kw_only=True)
class Board:
    """All breakers as a screen shows them, their traffic by span, oldest first, and what happened."""

    breakers: Sequence[Breaker]
    traffic: Mapping[str, Sequence[Traffic]]
    events: Sequence[BreakerEvent]


def enlist(app: App, wanted: Sequence[Wanted], *, is_all: bool = False) -> Known:
    """
    Make breakers known before their first call.

    Args:
        app: The parts.
        wanted: What policies ask for.
        is_all: Whether they are all there are: the others serve nothing any more.
    """
    with engine.write(app.engine) as conn:
        now = fetch_now(app, conn)
        found = {each.name: each for each in breakers.fetch_all(conn)}
        changed: dict[str, tuple[BreakerRules, tuple[Served, ...]]] = {}
        for each in wanted:
            old = found.get(each.name)
            kept = () if is_all or old is None else old.serves
            serves = join_served(kept, each.serves)
            if old is None or (old.rules, old.serves) != (each.rules, serves):
                changed[each.name] = each.rules, serves
        for name in set(found) - {each.name for each in wanted} if is_all else ():
            if found[name].serves:
                changed[name] = found[name].rules, ()
        for name, (rules, serves) in sorted(changed.items()):  # in one order: all lock their rows
            breakers.enlist(conn, name, rules=rules, serves=serves, now=now)
        if changed:
            topics.bump(conn, TOPIC)
    with engine.read(app.engine) as conn:  # its head moves with the commit
        return _read_known(app, conn)


def read_known(app: App, *, head: int = -1) -> Known | None:
    """The breakers; None if their head has not moved since."""
    with engine.read(app.engine) as conn:
        if topics.fetch_heads(conn).get(TOPIC, 0) == head:
            return None
        return _read_known(app, conn)


def claim_probe(app: App, name: str, *, run_id: str | None = None) -> tuple[Pass | None, Breaker]:
    """
    Let one call through as the probe, of all that want to be at this moment on all workers.

    Returns:
        What it goes through with, or None; and the breaker as it is now.
    """
    with engine.write(app.engine) as conn:
        before = _lock(conn, name)
        probe = new_id()
        after = breakers.claim_probe(conn, before, probe, now=fetch_now(app, conn))
        if after is None:
            return None, before
        _note(conn, before, after, run_id=run_id)
        topics.bump(conn, TOPIC)
        return Pass(after.epoch, probe), after


def renew_probe(app: App, name: str, passed: Pass) -> bool:
    """Say that a probe still runs; False if it decides nothing any more."""
    with engine.write(app.engine) as conn:
        until = fetch_now(app, conn) + timedelta(seconds=PROBE_LEASE_S)
        return breakers.renew_probe(conn, name, passed.probe or "", until=until)


def tell(
    app: App,
    name: str,
    passed: Pass,
    outcome: Outcome,
    *,
    run_id: str | None = None,
    on_change: Callable[[Breaker, str], None] | None = None,
) -> Breaker:
    """
    Tell how a call ended that was a failure or a probe; the breaker as it is now.

    `on_change` is called with the breaker and the cause in words if this call changed its state.
    """
    with engine.write(app.engine) as conn:
        before = _lock(conn, name)
        after = conclude(before, passed, outcome, fetch_now(app, conn))
        if after is before or not breakers.move(conn, before, after):
            return before
        _note(conn, before, after, run_id=run_id)
        topics.bump(conn, TOPIC)
    if on_change is not None and after.state is not before.state:
        on_change(after, say_cause(before, after))
    return after


def count_refusals(app: App, counts: Mapping[str, int]) -> None:
    """Add to how many calls were refused, by breaker."""
    with engine.write(app.engine) as conn:
        breakers.count_refusals(conn, counts)
        topics.bump(conn, TOPIC)


def count_calls(app: App, counts: Counts) -> None:
    """
    Add to what came to breakers, and forget what is older than anybody shows.

    Raises:
        StoreUnavailable: The database does not answer; nothing was added.
    """
    with engine.write(app.engine) as conn:
        breakers.add_counts(conn, counts)
        breakers.forget_counts(conn, before=fetch_now(app, conn) - COUNTS_KEPT)


@command(Permission.GUARD)
def order(app: App, name: str, wanted: Order, *, actor: str, reason: str = "") -> Breaker:
    """
    Hold a breaker open or closed, or give it back to its rules, closed and with nothing counted.

    Raises:
        NotFound: No such breaker; the message lists those there are.
    """
    with engine.write(app.engine) as conn:
        before = _lock(conn, name)
        if not _is_seen(app, before):
            require_house(app, f"The breaker {name}")
        now = fetch_now(app, conn)
        after = obey(before, wanted, now)
        breakers.move(conn, before, after)
        cause = f"{_CAUSES[wanted]}{f': {reason}' if reason else ''}"
        _note(conn, before, after, actor=actor, cause=cause)
        topics.bump(conn, TOPIC)
        audit.append(
            conn,
            at=now,
            actor=actor,
            action=f"breaker {wanted}",
            object_=f"breaker:{name}",
            before=_say(before),
            after=_say(after),
            reason=reason,
        )
        return after


def list_breakers(app: App) -> list[Breaker]:
    """All breakers that serve something, by name, with what they refused."""
    with engine.read(app.engine) as conn:
        return [each for each in breakers.fetch_all(conn) if each.serves and _is_seen(app, each)]


def list_events(app: App, *, since: datetime) -> list[BreakerEvent]:
    """What happened to breakers, newest first."""
    with engine.read(app.engine) as conn:
        events = breakers.fetch_events(conn, since=since, limit=EVENTS_COUNT)
        return _seen_of(app, events, breakers.fetch_all(conn))


def read_board(app: App, *, since: datetime) -> Board:
    """Everything a screen shows of breakers; `since` bounds what happened to them."""
    with engine.read(app.engine) as conn:
        found = [each for each in breakers.fetch_all(conn) if each.serves and _is_seen(app, each)]
        # Spans begin at whole ten seconds of the database's clock; the newest one is under way.
        last = int(fetch_now(app, conn).timestamp()) // SPAN_S
        first = last - SPANS_COUNT + 1
        counted = breakers.fetch_counts(conn, since=datetime.fromtimestamp(first * SPAN_S, UTC))
        events = breakers.fetch_events(conn, since=since, limit=EVENTS_COUNT)
    events = _seen_of(app, events, found)
    traffic = {each.name: [Traffic()] * SPANS_COUNT for each in found}
    for row in counted:
        number = int(row.start.timestamp()) // SPAN_S - first
        if row.name in traffic and number < SPANS_COUNT:
            traffic[row.name][number] += (row.calls, row.errors, row.refused)
    return Board(breakers=found, traffic=traffic, events=events)


def _is_seen(app: App, breaker: Breaker) -> bool:
    """Whether somebody sees all that a breaker serves: one name may serve several tenants."""
    return all(is_seen(app, place.workflow) for place in breaker.serves)


def _seen_of(app: App, events: list[BreakerEvent], among: Iterable[Breaker]) -> list[BreakerEvent]:
    if is_of_house(app):
        return events
    names = {each.name for each in among if _is_seen(app, each)}
    return [each for each in events if each.name in names]


_CAUSES = {
    Order.OPEN: "held open by an operator",
    Order.CLOSE: "held closed by an operator",
    Order.RESET: "reset by an operator",
}


def _read_known(app: App, conn: Connection) -> Known:
    head = topics.fetch_heads(conn).get(TOPIC, 0)
    found = {each.name: each for each in breakers.fetch_all(conn)}
    return Known(head, found, fetch_now(app, conn))


def _lock(conn: Connection, name: str) -> Breaker:
    found = breakers.lock(conn, name)
    if found is None:
        names = [each.name for each in breakers.fetch_all(conn)]
        raise NotFound("breaker", name, hint=f"There are: {', '.join(names) or 'none'}.")
    return found


def _note(
    conn: Connection,
    before: Breaker,
    after: Breaker,
    *,
    actor: str = "",
    cause: str = "",
    run_id: str | None = None,
) -> None:
    """Keep a change of state, and whatever an operator did."""
    if before.state is after.state and not actor:
        return
    assert after.updated_at is not None  # every change says when it was
    breakers.insert_event(
        conn,
        BreakerEvent(
            event_id=new_id(),
            name=after.name,
            at=after.updated_at,
            before=before.state,
            after=after.state,
            cause=cause or say_cause(before, after),
            actor=actor,
            run_id=run_id,
        ),
    )


def _say(breaker: Breaker) -> dict[str, str]:
    held = "" if breaker.forced is None else breaker.forced.value
    return {"state": breaker.state.value, "held": held}
