"""
What happened from a moment on, read in the order of time: cards, decisions, runs, alerts.

Each list is read on from the last row seen, so that a page of any size loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    literal_column,
    or_,
    select,
    tuple_,
)

from interlock.core.model.alerts import Alert
from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary, Decision
from interlock.core.model.runs import RunSummary
from interlock.core.store import alerts as kept_alerts
from interlock.core.store import approvals as cards
from interlock.core.store import decisions as taken
from interlock.core.store.run_rows import SUMMARY as SUMMARY_OF_RUN
from interlock.core.store.run_rows import read_summary as read_run
from interlock.core.store.schema import alerts, approvals, audit, decisions, runs
from interlock.core.types import ApprovalId, Json

PAGE = 500
_ENDS = ("done", "failed", "cancelled")

# Named one by one, as the index is by status.
_ANY_CARD = approvals.c.status.in_([status.value for status in ApprovalStatus])
_PENDING = approvals.c.status == literal_column("'pending'")


@dataclass(frozen=True)
class Span:
    """From a moment on, up to another; both belong to it."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Moved:
    """An entry of the audit about a card."""

    seq: int
    at: datetime
    actor: str
    after: Json
    approval_id: ApprovalId


def asked(conn: Connection, span: Span) -> Iterator[ApprovalSummary]:
    """Cards by when they were asked, as they are now."""
    at, key = approvals.c.asked_at, approvals.c.approval_id
    for row in _pages(conn, span, cards.SUMMARY, _ANY_CARD, at, key):
        yield cards.summary_from_row(row)


def waiting(conn: Connection, span: Span) -> Iterator[ApprovalSummary]:
    """Of these, the cards that wait still."""
    at, key = approvals.c.asked_at, approvals.c.approval_id
    for row in _pages(conn, span, cards.SUMMARY, _PENDING, at, key):
        yield cards.summary_from_row(row)


def warned(conn: Connection, span: Span) -> Iterator[ApprovalSummary]:
    """Cards that wait, by when their deadline was near."""
    # A warning comes before its deadline, and deadlines have an index.
    is_near = approvals.c.deadline_at.is_not(None) & (approvals.c.deadline_at >= span.since)
    at, key = approvals.c.warn_at, approvals.c.approval_id
    for row in _pages(conn, span, cards.SUMMARY, _PENDING & is_near, at, key):
        yield cards.summary_from_row(row)


def moved(conn: Connection, span: Span, action: str) -> Iterator[Moved]:
    """What was done to cards in one way, by the audit."""
    columns = (audit.c.seq, audit.c.at, audit.c.actor, audit.c.object, audit.c.after)
    for row in _pages(conn, span, columns, audit.c.action == action, audit.c.at, audit.c.seq):
        approval_id = ApprovalId(row.object.partition(":")[2])
        yield Moved(row.seq, row.at, row.actor, row.after, approval_id)


def decided(conn: Connection, span: Span) -> Iterator[Decision]:
    """Decisions."""
    at, key = decisions.c.decided_at, decisions.c.decision_id
    for row in _pages(conn, span, tuple(decisions.columns), None, at, key):
        yield taken.from_row(row)


def ended(conn: Connection, span: Span) -> Iterator[RunSummary]:
    """Runs that ended for good."""
    is_over = runs.c.status.in_(_ENDS)
    for row in _pages(conn, span, SUMMARY_OF_RUN, is_over, runs.c.ended_at, runs.c.run_id):
        yield read_run(row)


def fired(conn: Connection, span: Span) -> Iterator[Alert]:
    """Alerts that fired, and those that are open, since when ever; what is silenced is not among them."""
    statement = (
        select(alerts)
        .where(
            or_(
                alerts.c.status == "open",
                (alerts.c.status != "pending") & (alerts.c.fired_at >= bindparam("since")),
            ),
            ~alerts.c.silenced,
        )
        .order_by(alerts.c.fired_at, alerts.c.alert_id)
        .limit(PAGE * 4)
    )
    for row in conn.execute(statement, {"since": span.since}).all():
        yield kept_alerts.from_row(row)


def over(conn: Connection, span: Span) -> Iterator[Alert]:
    """Alerts that ended."""
    is_told = (alerts.c.status == "resolved") & ~alerts.c.silenced
    at, key = alerts.c.resolved_at, alerts.c.alert_id
    for row in _pages(conn, span, (alerts.c.alert_id,), is_told, at, key):
        alert = kept_alerts.fetch(conn, row.alert_id)
        if alert is not None:
            yield alert


def _pages(
    conn: Connection,
    span: Span,
    columns: Sequence[ColumnElement[Any]],
    where: ColumnElement[bool] | None,
    at: ColumnElement[Any],
    key: ColumnElement[Any],
) -> Iterator[Row[Any]]:
    """All rows of a span of time, a page of them at a time."""
    order = (at, key)
    statement = select(*columns, at.label("page_at"), key.label("page_key")).where(at <= span.until)
    if where is not None:
        statement = statement.where(where)
    first = statement.where(at >= span.since).order_by(*order).limit(PAGE)
    rows: Any = conn.execute(first).all()
    while rows:
        yield from rows
        if len(rows) < PAGE:
            return
        last = rows[-1]
        after = tuple_(*order) > (last.page_at, last.page_key)
        rows = conn.execute(
            statement.where(at >= last.page_at, after).order_by(*order).limit(PAGE)
        ).all()
