"""Deadlines of pending cards: which are due, which are over, and one card's moved or done with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, literal_column, select, update

from interlock.core.model.approvals import Approval
from interlock.core.store import approvals as cards
from interlock.core.store.schema import approvals
from interlock.core.types import ApprovalId, ThreadId

MAX_ROWS = 1000

# Written out: SQLite uses an index of a part of a table only where the statement itself says which.
_PENDING = approvals.c.status == literal_column("'pending'")
_C = approvals.c
_DUE = (
    select(_C.approval_id, _C.thread_id, _C.workflow, _C.node, _C.version)
    .where(_PENDING, approvals.c.due_at.is_not(None), approvals.c.due_at <= bindparam("now"))
    .order_by(approvals.c.due_at, approvals.c.approval_id)
    .limit(bindparam("limit"))
    .offset(bindparam("skip"))
)
_NEXT = select(func.min(approvals.c.due_at)).where(_PENDING, approvals.c.due_at.is_not(None))
_IS_OVERDUE = and_(
    _PENDING, approvals.c.deadline_at.is_not(None), approvals.c.deadline_at <= bindparam("now")
)
_COUNT_OVERDUE = select(func.count()).where(_IS_OVERDUE)
_OVERDUE = (
    select(
        approvals.c.workflow,
        func.count().label("total"),
    )
    .where(_IS_OVERDUE)
    .group_by(approvals.c.workflow)
    .order_by(approvals.c.workflow)
    .limit(MAX_ROWS)
)
_ESCALATED = (
    select(approvals.c.workflow, approvals.c.escalated_to, func.count().label("total"))
    .where(_PENDING, approvals.c.escalated_to.is_not(None))
    .group_by(approvals.c.workflow, approvals.c.escalated_to)
    .order_by(approvals.c.workflow, approvals.c.escalated_to)
    .limit(MAX_ROWS)
)
_PUT = (
    update(approvals)
    .where(
        approvals.c.approval_id == bindparam("of_id"),
        approvals.c.status == cards.PENDING,
        approvals.c.version == bindparam("of_version"),
    )
    .values(
        deadline_at=bindparam("new_deadline_at"),
        warn_at=bindparam("new_warn_at"),
        due_at=bindparam("new_due_at"),
        escalated_to=bindparam("new_escalated_to"),
        deadline_note=bindparam("new_deadline_note"),
    )
)


_GIVE_UP = (
    update(approvals)
    .where(
        _C.approval_id == bindparam("of_id"),
        _C.status == cards.PENDING,
        _C.version == bindparam("of_version"),
        _C.due_at <= bindparam("now"),
    )
    .values(due_at=None, deadline_note=bindparam("note"))
)


@dataclass(frozen=True)
class Due:
    """A card at whose deadline something is to happen, as far as it takes to find it."""

    approval_id: ApprovalId
    thread_id: ThreadId
    workflow: str
    node: str
    version: int


@dataclass(frozen=True)
class Counted:
    """Cards of one workflow, and the group that they were escalated to."""

    workflow: str
    count: int
    group: str = ""


def fetch_due(conn: Connection, *, now: datetime, limit: int, skip: int = 0) -> list[Due]:
    """
    Pending cards at whose deadline something is to happen, and it is over; the longest first.

    What they ask is not read here: one that cannot be read must not hide the others.
    """
    given = {"now": now, "limit": limit, "skip": skip}
    return [Due(*row) for row in conn.execute(_DUE, given)]


def next_due_at(conn: Connection) -> datetime | None:
    """The next moment at which a deadline does something; it may be over."""
    found: datetime | None = conn.execute(_NEXT).scalar_one()
    return found


def count_overdue(conn: Connection, *, now: datetime) -> int:
    """How many cards wait although their deadline is over."""
    counted: int = conn.execute(_COUNT_OVERDUE, {"now": now}).scalar_one()
    return counted


def fetch_overdue(conn: Connection, *, now: datetime) -> list[Counted]:
    """The same by workflow."""
    rows = conn.execute(_OVERDUE, {"now": now})
    return [Counted(row.workflow, row.total) for row in rows]


def fetch_escalated(conn: Connection) -> list[Counted]:
    """Pending cards that were escalated, by workflow and group."""
    rows = conn.execute(_ESCALATED)
    return [Counted(row.workflow, row.total, row.escalated_to) for row in rows]


def give_up(conn: Connection, due: Due, *, now: datetime, note: str) -> bool:
    """Let nothing happen at its deadline, and say why, if it still was to."""
    named = {"of_id": due.approval_id, "of_version": due.version}
    return conn.execute(_GIVE_UP, named | {"now": now, "note": note}).rowcount == 1


def put(conn: Connection, approval_id: ApprovalId, card: Approval) -> bool:
    """Keep what `card` says of its deadline, if this version of it is still pending."""
    new = {
        f"new_{name}": getattr(card, name)
        for name in ("deadline_at", "warn_at", "due_at", "escalated_to", "deadline_note")
    }
    return (
        conn.execute(_PUT, new | {"of_id": approval_id, "of_version": card.version}).rowcount == 1
    )
