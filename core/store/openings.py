"""Who has which card open on a screen: rows that last some seconds, unless they are renewed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from interlock.core.model.claims import Opening
from interlock.core.store import dialect
from interlock.core.store.schema import card_openings as table
from interlock.core.types import ApprovalId

MOST = 10_000  # told of at once

_C = table.c
_PUT = dialect.upsert(table)
_OF_PLACE = delete(table).where(_C.place == bindparam("of_place"))
_OVER = delete(table).where(_C.seen_at <= bindparam("over"))
_ALL = (
    select(_C.approval_id, _C.person)
    .where(_C.seen_at > bindparam("since"))
    .distinct()
    .order_by(_C.approval_id, _C.person)
    .limit(MOST)
)
_OF_CARDS = _ALL.where(_C.approval_id.in_(bindparam("of_ids", expanding=True)))


def replace_all(
    conn: Connection,
    place: str,
    opened: Collection[Opening],
    *,
    now: datetime,
    over: datetime,
) -> None:
    """
    Say what is open at one place now, and remove what was said before `over`, wherever.

    Args:
        conn: The transaction.
        place: A process that serves screens.
        opened: All that is open there.
        now: As of when.
        over: What was not renewed since is over.
    """
    conn.execute(_OF_PLACE, {"of_place": place})
    conn.execute(_OVER, {"over": over})
    rows: list[dict[str, Any]] = [
        {"approval_id": card, "person": person, "place": place, "seen_at": now}
        for card, person in sorted(set(opened))
    ]
    if rows:
        conn.execute(_PUT.on(conn), rows)


def fetch_all(conn: Connection, *, since: datetime) -> list[Opening]:
    """All that is open somewhere."""
    return [(row.approval_id, row.person) for row in conn.execute(_ALL, {"since": since})]


def fetch_many(
    conn: Connection, approval_ids: Sequence[ApprovalId], *, since: datetime
) -> list[Opening]:
    """Who has some of these cards open."""
    if not approval_ids:
        return []
    rows = conn.execute(_OF_CARDS, {"of_ids": list(approval_ids), "since": since})
    return [(row.approval_id, row.person) for row in rows]
