"""Who decided how much and how fast, and which breaker serves which node, for the figures."""

from __future__ import annotations

from sqlalchemy import Connection, Integer, bindparam, case, cast, func, select

from interlock.core.model.approvals import Verb
from interlock.core.model.figures import Window
from interlock.core.model.measuring import Review
from interlock.core.store.schema import approvals, breakers, decisions, runs

PER_S = 10  # decisions that took the same tenth of a second are counted together
MAX_ROWS = 50_000
MAX_BREAKERS = 1000
# Approved as it was proposed. Who changed a proposal has read it, and an answer may be a no: neither
# may make a reviewer look like a rubber stamp.
_AS_PROPOSED = Verb.APPROVE.value

_TENTHS = cast(decisions.c.seconds_to_decide * PER_S, Integer).label("tenths")
_IS_OVERDUE = case((decisions.c.decided_at > approvals.c.deadline_at, 1), else_=0).label("overdue")
_REVIEWS = (
    select(
        decisions.c.actor,
        decisions.c.verb,
        _IS_OVERDUE,
        _TENTHS,
        func.count().label("how_many"),
        func.avg(decisions.c.seconds_to_decide).label("seconds"),
    )
    .join(approvals, approvals.c.approval_id == decisions.c.approval_id)
    .outerjoin(runs, runs.c.run_id == approvals.c.run_id)
    .where(decisions.c.decided_at >= bindparam("start"), decisions.c.decided_at < bindparam("end"))
    .where(~decisions.c.by_deadline)  # a deadline is no reviewer
    .group_by(decisions.c.actor, decisions.c.verb, _IS_OVERDUE, _TENTHS)
    .order_by(decisions.c.actor, decisions.c.verb, _TENTHS)
    .limit(MAX_ROWS)
)
_BREAKERS = select(breakers.c.name, breakers.c.state, breakers.c.serves).limit(MAX_BREAKERS)


def fetch(conn: Connection, window: Window) -> list[Review]:
    """The decisions of a window, those alike counted together."""
    statement, given = _REVIEWS, {"start": window.start, "end": window.end}
    if window.workflow is not None:
        statement = statement.where(approvals.c.workflow == window.workflow)
    if window.variant is not None:
        statement = statement.where(func.coalesce(runs.c.variant, "") == window.variant)
    return [
        Review(
            actor=row.actor,
            is_approval=row.verb == _AS_PROPOSED,
            is_overdue=bool(row.overdue),
            seconds=float(row.seconds),
            count=row.how_many,
            is_revision=row.verb == Verb.REVISE.value,
        )
        for row in conn.execute(statement, given)
    ]


def fetch_breakers(conn: Connection) -> dict[tuple[str, str], tuple[str, str]]:
    """The name and state of the breaker of each node that has one, by (workflow, path)."""
    return {
        (workflow, path): (row.name, row.state)
        for row in conn.execute(_BREAKERS)
        for workflow, path, *_ in row.serves  # tools say their name as well
    }
