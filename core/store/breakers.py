"""Breakers and what happened to them; every move is one conditional UPDATE (STYLE.md section 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from interlock.core.model.breaker import Breaker, BreakerEvent, BreakerState, Served, start_probe
from interlock.core.model.policies import BreakerRules
from interlock.core.store import dialect
from interlock.core.store.schema_sight import breaker_counters, breaker_events, breakers
from interlock.core.types import Json

MAX_COUNTS = 20_000  # breakers x spans

_INSERT = dialect.insert_new(breakers)
_DESCRIBE = (
    update(breakers)
    .where(breakers.c.name == bindparam("of_name"))
    .values(rules=bindparam("new_rules"), serves=bindparam("new_serves"))
)
_FETCH = select(breakers).where(breakers.c.name == bindparam("name"))
_LOCK = _FETCH.with_for_update()
_FETCH_ALL = select(breakers).order_by(breakers.c.name).limit(bindparam("limit"))
_HAS_NO_PROBE = or_(breakers.c.probe_by.is_(None), breakers.c.probe_until <= bindparam("now"))
_MAY_PROBE = or_(
    and_(breakers.c.state == BreakerState.OPEN.value, breakers.c.retry_at <= bindparam("now")),
    and_(breakers.c.state == BreakerState.HALF_OPEN.value, _HAS_NO_PROBE),
)
_MOVED: dict[str, Any] = {
    "state": bindparam("new_state"),
    "forced": bindparam("new_forced"),
    "failures": bindparam("new_failures"),
    "opened_at": bindparam("new_opened_at"),
    "retry_at": bindparam("new_retry_at"),
    "probe_by": bindparam("new_probe_by"),
    "probe_until": bindparam("new_probe_until"),
    "epoch": bindparam("new_epoch"),
    "updated_at": bindparam("new_updated_at"),
}
_OF_NAME = update(breakers).where(breakers.c.name == bindparam("of_name"))
_MOVE = _OF_NAME.where(
    breakers.c.epoch == bindparam("of_epoch"),
    breakers.c.probe_by.is_not_distinct_from(bindparam("of_probe")),
).values(_MOVED)
_PROBE = _OF_NAME.where(breakers.c.forced == "", _MAY_PROBE).values(_MOVED)
_RENEW = _OF_NAME.where(
    breakers.c.state == BreakerState.HALF_OPEN.value, breakers.c.probe_by == bindparam("of_probe")
).values(probe_until=bindparam("until"))
_REFUSED = _OF_NAME.values(short_circuited=breakers.c.short_circuited + bindparam("more"))
_INSERT_EVENT = insert(breaker_events)
_EVENTS = (
    select(breaker_events)
    .where(breaker_events.c.at >= bindparam("since"))
    .order_by(breaker_events.c.at.desc(), breaker_events.c.event_id.desc())
    .limit(bindparam("limit"))
)

_COUNTED = ("calls", "errors", "refused")
_COUNTS = (
    select(breaker_counters)
    .where(breaker_counters.c.start >= bindparam("since"))
    .order_by(breaker_counters.c.start, breaker_counters.c.name)
    .limit(MAX_COUNTS)
)
_FORGET = delete(breaker_counters).where(breaker_counters.c.start < bindparam("before"))


def _adding(insert_: Any) -> Any:
    return insert_.on_conflict_do_update(
        index_elements=("start", "name"),
        set_={name: breaker_counters.c[name] + insert_.excluded[name] for name in _COUNTED},
    )


_ADD = dialect.PerDialect(
    {name: _adding(make(breaker_counters)) for name, make in dialect.ROW_BY_ROW.items()}
)


def enlist(
    conn: Connection,
    name: str,
    *,
    rules: BreakerRules,
    serves: Sequence[Served],
    now: datetime,
) -> None:
    """Make a breaker known, closed if it is new; one that is there keeps its state."""
    described = {"rules": rules.model_dump(mode="json"), "serves": _as_json(serves)}
    new = _as_row(Breaker(name=name, rules=rules, updated_at=now)) | described
    conn.execute(_INSERT.on(conn), {"name": name, "short_circuited": 0, **new})
    conn.execute(
        _DESCRIBE,
        {"of_name": name, "new_rules": described["rules"], "new_serves": described["serves"]},
    )


def fetch(conn: Connection, name: str) -> Breaker | None:
    """The breaker of this name."""
    return _one(conn.execute(_FETCH, {"name": name}).one_or_none())


def lock(conn: Connection, name: str) -> Breaker | None:
    """The breaker of this name, kept from other writers until the transaction ends."""
    return _one(conn.execute(_LOCK, {"name": name}).one_or_none())


def fetch_all(conn: Connection, *, limit: int = 1000) -> list[Breaker]:
    """All breakers, by name."""
    return [_from_row(row) for row in conn.execute(_FETCH_ALL, {"limit": limit})]


def move(conn: Connection, before: Breaker, after: Breaker) -> bool:
    """Write `after` over `before`; False, and nothing changes, if somebody else was faster."""
    found = {"of_name": before.name, "of_epoch": before.epoch, "of_probe": before.probe_by}
    return conn.execute(_MOVE, _new(after) | found).rowcount == 1


def claim_probe(conn: Connection, breaker: Breaker, probe: str, *, now: datetime) -> Breaker | None:
    """Make this call the one probe of a breaker; None if another is, or none is due."""
    after = start_probe(breaker, probe, now)
    values = _new(after) | {"of_name": breaker.name, "now": now}
    return after if conn.execute(_PROBE, values).rowcount == 1 else None


def renew_probe(conn: Connection, name: str, probe: str, *, until: datetime) -> bool:
    """Say that a probe still runs; False if it decides nothing any more."""
    values = {"of_name": name, "of_probe": probe, "until": until}
    return conn.execute(_RENEW, values).rowcount == 1


def count_refusals(conn: Connection, counts: Mapping[str, int]) -> None:
    """Add to how many calls were short-circuited, by name."""
    # In one order everywhere, so that two transactions never wait for each other.
    rows = [{"of_name": name, "more": counts[name]} for name in sorted(counts)]
    if rows:
        conn.execute(_REFUSED, rows)


def insert_event(conn: Connection, happened: BreakerEvent) -> None:
    """Keep a change of state."""
    conn.execute(_INSERT_EVENT, vars(happened))


def fetch_events(conn: Connection, *, since: datetime, limit: int) -> list[BreakerEvent]:
    """Changes of state, newest first."""
    rows = conn.execute(_EVENTS, {"since": since, "limit": limit})
    return [_event(row) for row in rows]


def add_counts(conn: Connection, counts: Mapping[tuple[str, datetime], Sequence[int]]) -> None:
    """Add to the calls, errors and refusals of breakers by span, in one order everywhere."""
    rows = [
        {"name": name, "start": start, "calls": calls, "errors": errors, "refused": refused}
        for (name, start), (calls, errors, refused) in sorted(counts.items(), key=_by_start)
    ]
    if rows:
        conn.execute(_ADD.on(conn), rows)


def fetch_counts(conn: Connection, *, since: datetime) -> list[Row[Any]]:
    """The counts of spans from this one on: name, start, calls, errors and refused."""
    return list(conn.execute(_COUNTS, {"since": since}))


def forget_counts(conn: Connection, *, before: datetime) -> None:
    """Delete the counts of older spans."""
    conn.execute(_FORGET, {"before": before})


def _by_start(count: tuple[tuple[str, datetime], Sequence[int]]) -> tuple[datetime, str]:
    (name, start), _ = count
    return start, name


def _as_row(breaker: Breaker) -> dict[str, Any]:
    return {
        "state": breaker.state.value,
        "forced": "" if breaker.forced is None else breaker.forced.value,
        "failures": [at.isoformat() for at in breaker.failures],
        "opened_at": breaker.opened_at,
        "retry_at": breaker.retry_at,
        "probe_by": breaker.probe_by,
        "probe_until": breaker.probe_until,
        "epoch": breaker.epoch,
        "updated_at": breaker.updated_at,
    }


def _new(breaker: Breaker) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in _as_row(breaker).items()}


def _as_json(serves: Sequence[Served]) -> Json:
    return [[place.workflow, place.path, place.tool] for place in serves]


def _one(row: Row[Any] | None) -> Breaker | None:
    return None if row is None else _from_row(row)


def _from_row(row: Row[Any]) -> Breaker:
    return Breaker(
        name=row.name,
        rules=BreakerRules.model_validate(row.rules),
        serves=tuple(Served(*place) for place in row.serves),
        state=BreakerState(row.state),
        forced=BreakerState(row.forced) if row.forced else None,
        failures=tuple(datetime.fromisoformat(at) for at in row.failures),
        opened_at=row.opened_at,
        retry_at=row.retry_at,
        probe_by=row.probe_by,
        probe_until=row.probe_until,
        short_circuited=row.short_circuited,
        epoch=row.epoch,
        updated_at=row.updated_at,
    )


def _event(row: Row[Any]) -> BreakerEvent:
    return BreakerEvent(
        event_id=row.event_id,
        name=row.name,
        at=row.at,
        before=BreakerState(row.before),
        after=BreakerState(row.after),
        cause=row.cause,
        actor=row.actor,
        run_id=row.run_id,
    )
