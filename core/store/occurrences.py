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

from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary
from interlock.core.store import approvals as cards
from interlock.core.store.schema import alerts, approvals, audit, decisions, runs
from interlock.core.types import ApprovalId

PAGE = 500
_ENDS = ("done", "failed", "cancelled")

# Named one by one, as the index is by status.
_ANY_CARD = approvals.c.status.in_([status.value for status in ApprovalStatus])
_PENDING = approvals.c.status == literal_column("'pending'")
_RUN = (
    runs.c.run_id,
    runs.c.thread_id,
    runs.c.workflow,
    runs.c.kind,
    runs.c.status,
    runs.c.created_at,
    runs.c.created_by,
    runs.c.started_at,
    runs.c.ended_at,
    runs.c.error_type,
    runs.c.variant,
    runs.c.degraded,
)
_DECISION = (
    decisions.c.decision_id,
    decisions.c.approval_id.label("of_card"),
    decisions.c.version.label("of_version"),
    decisions.c.actor,
    decisions.c.verb,
    decisions.c.answer,
    decisions.c.reason,
    decisions.c.decided_at,
    decisions.c.seconds_to_decide,
    decisions.c.run_id.label("next_run"),
    decisions.c.by_deadline,
)


@dataclass(frozen=True)
class Span:
    """From a moment on, up to another; both belong to it."""

    since: datetime
    until: datetime


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
    has_deadline = approvals.c.deadline_at.is_not(None)
    at, key = approvals.c.warn_at, approvals.c.approval_id
    for row in _pages(conn, span, cards.SUMMARY, _PENDING & has_deadline, at, key):
        yield cards.summary_from_row(row)


def escalated(conn: Connection, span: Span) -> Iterator[tuple[Row[Any], ApprovalSummary]]:
    """Entries of the audit by which cards were given to a group, and the cards as they are now."""
    columns = (audit.c.seq, audit.c.at, audit.c.object, audit.c.after)
    for row in _pages(conn, span, columns, audit.c.action == "escalate", audit.c.at, audit.c.seq):
        card = cards.fetch_summary(conn, ApprovalId(row.object.partition(":")[2]))
        if card is not None:
            yield row, card


def decided(conn: Connection, span: Span) -> Iterator[tuple[Row[Any], ApprovalSummary]]:
    """Decisions, and the cards as they are now."""
    at, key = decisions.c.decided_at, decisions.c.decision_id
    for row in _pages(conn, span, _DECISION, None, at, key):
        card = cards.fetch_summary(conn, row.of_card)
        if card is not None:
            yield row, card


def ended(conn: Connection, span: Span) -> Iterator[Row[Any]]:
    """Runs that ended for good."""
    yield from _pages(conn, span, _RUN, runs.c.status.in_(_ENDS), runs.c.ended_at, runs.c.run_id)


def fired(conn: Connection, span: Span) -> Iterator[Row[Any]]:
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
    yield from conn.execute(statement, {"since": span.since}).all()


def over(conn: Connection, span: Span) -> Iterator[Row[Any]]:
    """Alerts that ended."""
    is_told = (alerts.c.status == "resolved") & ~alerts.c.silenced
    columns = tuple(alerts.columns)
    yield from _pages(conn, span, columns, is_told, alerts.c.resolved_at, alerts.c.alert_id)


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
