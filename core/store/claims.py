"""Who has which card. A claim whose time is over counts for nothing, whatever still stands there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, select, update

from interlock.core.model.claims import Claim
from interlock.core.store import dialect
from interlock.core.store.schema import claims as table
from interlock.core.types import ApprovalId

KEPT = timedelta(days=1)  # after its time is over: then a row is only in the way
MOST = 10_000  # claims told of at once

_C = table.c
_TAKE = dialect.upsert(
    table, where=lambda new: (_C.until <= new.claimed_at) | (_C.person == new.person)
)
_GIVE = dialect.upsert(table)
_FETCH = select(table).where(_C.approval_id == bindparam("of_id"), _C.until > bindparam("now"))
_FETCH_MANY = (
    select(table)
    .where(_C.approval_id.in_(bindparam("of_ids", expanding=True)), _C.until > bindparam("now"))
    .order_by(_C.approval_id)
    .limit(MOST)
)
_REMOVE = delete(table).where(_C.approval_id == bindparam("of_id"))
_RENEW = (
    update(table)
    .where(
        _C.approval_id.in_(bindparam("of_ids", expanding=True)),
        _C.person == bindparam("of_person"),
        _C.until > bindparam("now"),
        _C.until < bindparam("new_until"),
    )
    .values(until=bindparam("new_until"))
)
_OVER = select(_C.approval_id).where(_C.until < bindparam("over"))
# Not those that somebody moves right now: two who wait for each other's would never end. SQLite has
# one writer at a time, and leaves the lock out.
_FORGET = delete(table).where(_C.approval_id.in_(_OVER.with_for_update(skip_locked=True)))


def take(conn: Connection, claim: Claim) -> bool:
    """Let somebody have a card that nobody else has; False if another person does."""
    taken = conn.execute(_TAKE.on(conn).returning(_C.approval_id), vars(claim))
    return taken.scalar_one_or_none() is not None  # psycopg counts no row of such an INSERT


def give(conn: Connection, claim: Claim) -> None:
    """Let somebody have a card, whoever has it."""
    conn.execute(_GIVE.on(conn), vars(claim))


def fetch(conn: Connection, approval_id: ApprovalId, *, now: datetime) -> Claim | None:
    """Who has a card."""
    row = conn.execute(_FETCH, {"of_id": approval_id, "now": now}).one_or_none()
    return None if row is None else _from_row(row)


def fetch_many(
    conn: Connection, approval_ids: Sequence[ApprovalId], *, now: datetime
) -> dict[ApprovalId, Claim]:
    """Who has which of these cards."""
    if not approval_ids:
        return {}
    rows = conn.execute(_FETCH_MANY, {"of_ids": list(approval_ids), "now": now})
    return {row.approval_id: _from_row(row) for row in rows}


def remove(conn: Connection, approval_id: ApprovalId) -> None:
    """Let nobody have a card."""
    conn.execute(_REMOVE, {"of_id": approval_id})


def renew(
    conn: Connection,
    approval_ids: Collection[ApprovalId],
    *,
    person: str,
    until: datetime,
    now: datetime,
) -> int:
    """Let somebody have longer those of these cards that they have still; how many."""
    given = {"of_ids": list(approval_ids), "of_person": person, "new_until": until, "now": now}
    return conn.execute(_RENEW, given).rowcount if approval_ids else 0


def forget(conn: Connection, *, now: datetime) -> None:
    """Remove what has been over for long."""
    conn.execute(_FORGET, {"over": now - KEPT})


def held(*, as_of: datetime) -> Select[Any]:
    """The cards that somebody has, to be sifted by."""
    return select(_C.approval_id).where(_C.until > as_of)


def held_by(person: str, *, as_of: datetime) -> Select[Any]:
    """Those that this person has."""
    return held(as_of=as_of).where(_C.person == person)


def held_by_others(person: str, *, as_of: datetime) -> Select[Any]:
    """Those that somebody else has."""
    return held(as_of=as_of).where(_C.person != person)


def _from_row(row: Row[Any]) -> Claim:
    return Claim(
        approval_id=row.approval_id,
        person=row.person,
        claimed_at=row.claimed_at,
        until=row.until,
        note=row.note,
        assigned_by=row.assigned_by,
    )
