"""Decisions: at most one a version of a card, kept for good, also where the graph refused it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update
from sqlalchemy import insert as insert_into

from interlock.core.model.approvals import Decision, Verb
from interlock.core.store.schema import approvals, decisions
from interlock.core.types import ApprovalId, RunId, ThreadId

_INSERT = insert_into(decisions)
_FOR_APPROVAL = (
    select(decisions)
    .where(decisions.c.approval_id == bindparam("of_approval"))
    .order_by(decisions.c.version.desc())
    .limit(bindparam("limit"))
)
_FOR_THREAD = (
    select(decisions)
    .join(approvals, approvals.c.approval_id == decisions.c.approval_id)
    .where(approvals.c.thread_id == bindparam("of_thread"))
    .order_by(decisions.c.decided_at.desc(), decisions.c.decision_id.desc())
    .limit(bindparam("limit"))
)
_FOR_RUN = (
    select(decisions)
    .where(decisions.c.run_id == bindparam("of_run"))
    .order_by(decisions.c.decided_at, decisions.c.decision_id)
)
_RECENT = (
    select(decisions)
    .order_by(decisions.c.decided_at.desc(), decisions.c.decision_id.desc())
    .limit(bindparam("limit"))
)
_MARK_REFUSED = (
    update(decisions)
    .where(decisions.c.decision_id == bindparam("of_id"))
    .values(refused=bindparam("why"))
)


def insert(conn: Connection, decision: Decision) -> None:
    """
    Record a decision.

    Raises:
        Conflict: This version of the card has been decided already.
        InvalidInput: The answer has no JSON form.
    """
    conn.execute(_INSERT, vars(decision))


def fetch_for_approval(
    conn: Connection, approval_id: ApprovalId, *, limit: int = 100
) -> list[Decision]:
    """The decisions on a card, the newest version first."""
    rows = conn.execute(_FOR_APPROVAL, {"of_approval": approval_id, "limit": limit})
    return [from_row(row) for row in rows]


def fetch_for_run(conn: Connection, run_id: RunId) -> list[Decision]:
    """All answers that a resume run carries, oldest first; as many as its thread had cards."""
    return [from_row(row) for row in conn.execute(_FOR_RUN, {"of_run": run_id})]


def fetch_for_thread(conn: Connection, thread_id: ThreadId, *, limit: int) -> list[Decision]:
    """The newest decisions on the cards of a thread, oldest first."""
    rows = conn.execute(_FOR_THREAD, {"of_thread": thread_id, "limit": limit})
    return [from_row(row) for row in rows][::-1]


def mark_refused(conn: Connection, decision_id: str, reason: str) -> None:
    """Note that the graph refused this answer, and why; the decision itself stays."""
    conn.execute(_MARK_REFUSED, {"of_id": decision_id, "why": reason})


def fetch_recent(conn: Connection, *, limit: int) -> list[Decision]:
    """The decisions made last, newest first."""
    return [from_row(row) for row in conn.execute(_RECENT, {"limit": limit})]


def from_row(row: Row[Any]) -> Decision:
    """A whole row as a decision."""
    return Decision(
        decision_id=row.decision_id,
        approval_id=row.approval_id,
        version=row.version,
        actor=row.actor,
        verb=Verb(row.verb),
        answer=row.answer,
        reason=row.reason,
        decided_at=row.decided_at,
        seconds_to_decide=row.seconds_to_decide,
        run_id=row.run_id,
        refused=row.refused,
        before=row.before,
        after=row.after,
        by_deadline=row.by_deadline,
    )
