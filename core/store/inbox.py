"""
The inbox sifted, sorted and counted, at a cost that does not follow the number of cards.

One index serves the filter that is chosen and the order; further filters are looked at on the way. A
count goes no further than a bound, and the values to choose from are found by leaps through an index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
    union_all,
)

from interlock.core.model.approvals import Approval, ApprovalStatus, ApprovalSummary
from interlock.core.model.inbox_filters import COUNT_LIMIT, InboxFilter, Sort
from interlock.core.model.people import Person, Role
from interlock.core.model.routes import GROUP
from interlock.core.model.routing import DECIDERS, names_of
from interlock.core.store import approvals as cards
from interlock.core.store import claims, dialect, searching
from interlock.core.store.schema import approvals, votes
from interlock.core.store.searching import About

_C = approvals.c
_ORDERS: dict[Sort, tuple[ColumnElement[Any], ...]] = {
    Sort.WAITING: (_C.asked_at, _C.approval_id),
    Sort.NEWEST: (_C.asked_at.desc(), _C.approval_id.desc()),
    Sort.RISK: (_C.risk_order, _C.asked_at, _C.approval_id),
    Sort.PRIORITY: (_C.priority_order, _C.asked_at, _C.approval_id),
}


def fetch_many(
    conn: Connection,
    wanted: InboxFilter,
    *,
    sort: Sort,
    limit: int,
    offset: int = 0,
    after: ApprovalSummary | None = None,
) -> list[Approval]:
    """A page of the cards that are wanted, whole; `after` is the last card of the page before."""
    found = _page(
        conn, wanted, approvals.columns, sort=sort, limit=limit, offset=offset, after=after
    )
    return [cards.from_row(row) for row in conn.execute(found)]


def fetch_summaries(
    conn: Connection, wanted: InboxFilter, *, sort: Sort, limit: int, offset: int = 0
) -> list[ApprovalSummary]:
    """As `fetch_many`, without what may be large."""
    found = _page(conn, wanted, cards.SUMMARY, sort=sort, limit=limit, offset=offset)
    return [cards.summary_from_row(row) for row in conn.execute(found)]


def count(conn: Connection, wanted: InboxFilter, *, limit: int = COUNT_LIMIT) -> int:
    """How many cards are wanted; no further than one beyond `limit`."""
    each = select(literal(1)).where(*_conditions(conn, wanted), _is_one_of(wanted.statuses))
    counted: int = conn.execute(
        select(func.count()).select_from(each.limit(limit + 1).subquery())
    ).scalar_one()
    return counted


def fetch_nodes(conn: Connection, wanted: InboxFilter, *, limit: int) -> list[str]:
    """The nodes that have such cards in the statuses and the workflow that are wanted, by name."""
    leap = select(func.min(_C.node).label("node")).cte("leap", recursive=True)
    further = select(func.min(_C.node)).where(_C.node > leap.c.node).scalar_subquery()
    leap = leap.union_all(select(further).where(leap.c.node.is_not(None)))
    has_cards = and_(_C.node == leap.c.node, _is_one_of(wanted.statuses))
    if wanted.workflow is not None:
        has_cards = and_(has_cards, _C.workflow == wanted.workflow)
    found = select(leap.c.node).where(leap.c.node.is_not(None), exists().where(has_cards))
    return list(conn.execute(found.limit(limit)).scalars())


def _decided_by(person: Person) -> Iterator[ColumnElement[bool]]:
    """What `model.routing.why_not` says, for lists: who may decide a card, has not begun it, nor voted on it."""
    names = sorted(names_of(person)) + ([cards.ADMINS] if person.role is Role.ADMIN else [])
    may = [_names(_C.deciders, name) for name in names]
    if person.role in DECIDERS:
        may.append(_C.deciders.is_(None))
    if person.groups:
        may.append(_C.escalated_to.in_(sorted(person.groups)))
    yield or_(*may)
    yield or_(_C.barred.is_(None), not_(_names(_C.barred, person.name)))
    yield not_(
        exists().where(
            votes.c.approval_id == _C.approval_id,
            votes.c.version == _C.version,
            votes.c.actor == person.name,
        )
    )


def _names(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a column of names has this one, to the letter."""
    return and_(column.is_not(None), dialect.has_text(column, cards.line(name)))


def _page(
    conn: Connection,
    wanted: InboxFilter,
    columns: Any,
    *,
    sort: Sort,
    limit: int,
    offset: int,
    after: ApprovalSummary | None = None,
) -> Select[Any]:
    conditions = (*_conditions(conn, wanted), *_go_on(sort, after))
    order = _ORDERS[sort]
    statuses = wanted.statuses or tuple(ApprovalStatus)
    if len(statuses) == 1:
        only = select(*columns).where(*conditions, _C.status == statuses[0].value)
        return only.order_by(*order).limit(limit).offset(offset)
    # An index serves one status and an order: one short list a status, and these are merged.
    short = [
        select(_C.approval_id, _C.asked_at, _C.risk_order, _C.priority_order)
        .where(*conditions, _C.status == status.value)
        .order_by(*order)
        .limit(limit + offset)
        .subquery()
        for status in statuses
    ]
    merged = union_all(*(select(part) for part in short)).subquery()
    chosen = select(merged.c.approval_id).order_by(*_terms(merged, sort)).limit(limit)
    return select(*columns).where(_C.approval_id.in_(chosen.offset(offset))).order_by(*order)


def _go_on(sort: Sort, after: ApprovalSummary | None) -> Iterator[ColumnElement[bool]]:
    """Beyond the last card of the page before, which may have been decided meanwhile."""
    if after is None:
        return
    last = (after.asked_at, after.approval_id)
    if sort is Sort.NEWEST:
        yield tuple_(_C.asked_at, _C.approval_id) < last
    elif sort is Sort.RISK:
        order = cards.RISK_ORDER.get(after.risk, cards.NO_RISK)
        yield tuple_(_C.risk_order, _C.asked_at, _C.approval_id) > (order, *last)
    elif sort is Sort.PRIORITY:
        place = (-after.route.priority, *last)
        yield tuple_(_C.priority_order, _C.asked_at, _C.approval_id) > place
    else:
        yield tuple_(_C.asked_at, _C.approval_id) > last


def _terms(source: Any, sort: Sort) -> tuple[ColumnElement[Any], ...]:
    at, by_id = source.c.asked_at, source.c.approval_id
    if sort is Sort.NEWEST:
        return at.desc(), by_id.desc()
    if sort is Sort.PRIORITY:
        return source.c.priority_order, at, by_id
    return (source.c.risk_order, at, by_id) if sort is Sort.RISK else (at, by_id)


def _is_one_of(statuses: tuple[ApprovalStatus, ...]) -> ColumnElement[bool]:
    return or_(*(_C.status == status.value for status in statuses or tuple(ApprovalStatus)))


def _conditions(conn: Connection, wanted: InboxFilter) -> Iterator[ColumnElement[bool]]:
    for column, value in (
        (_C.workflow, wanted.workflow),
        (_C.thread_id, wanted.thread_id),
        (_C.node, wanted.node),
        (_C.kind, wanted.kind),
    ):
        if value is not None:
            yield column == str(value)
    if wanted.risk is not None:
        yield _C.risk_order == cards.RISK_ORDER.get(wanted.risk, cards.NO_RISK)
    if wanted.ids is not None:
        yield _C.approval_id.in_(wanted.ids)
    if wanted.asked_until is not None:
        yield _C.asked_at <= wanted.asked_until
    if wanted.asked_after is not None:
        yield _C.asked_at > wanted.asked_after
    if wanted.mine is not None and wanted.statuses == (ApprovalStatus.PENDING,):
        yield _C.status == literal_column("'pending'")  # written out: SQLite takes the index by it
    if wanted.approver is not None:
        group = wanted.approver.removeprefix(GROUP)
        is_group = wanted.approver.startswith(GROUP)
        named = _names(_C.deciders, wanted.approver)
        yield or_(named, _C.escalated_to == group) if is_group else named
    if wanted.mine is not None and not wanted.mine.is_trusted:
        yield from _decided_by(wanted.mine)
    yield from _by_holder(wanted)
    found = searching.matching(conn, About.APPROVAL, wanted.text) if wanted.text else None
    if found is not None:
        yield _C.approval_id.in_(found)


def _by_holder(wanted: InboxFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.as_of is None:
        return
    if wanted.holder is not None:
        yield _C.approval_id.in_(claims.held_by(wanted.holder, as_of=wanted.as_of))
    if wanted.is_free:
        yield _C.approval_id.not_in(claims.held(as_of=wanted.as_of))
    if wanted.free_for is not None:
        others = claims.held_by_others(wanted.free_for, as_of=wanted.as_of)
        yield _C.approval_id.not_in(others)
