"""Cards. Closing one is a compare-and-set of its status and version (law 1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update
from sqlalchemy import insert as insert_into

from interlock.core.model.approvals import (
    Approval,
    ApprovalStatus,
    ApprovalSummary,
    Kind,
    Verb,
)
from interlock.core.model.routes import OPEN, Route
from interlock.core.store import listing, searching
from interlock.core.store.schema import approvals
from interlock.core.store.searching import About
from interlock.core.types import ApprovalId, RunId, ThreadId

PENDING = ApprovalStatus.PENDING.value
RISK_ORDER = {"high": 0, "medium": 1, "low": 2}  # the number that cards are sorted by
NO_RISK = 3
ADMINS = "role:admin"  # among the deciders of a card that is left to admins

_ANY = tuple(ApprovalStatus)  # named one by one, as the indexes are by status
SUMMARY = tuple(c for c in approvals.columns if c.name not in {"payload", "schema", "tools"})
_INSERT = insert_into(approvals)
_FETCH = select(approvals).where(approvals.c.approval_id == bindparam("of_id"))
_FETCH_SUMMARY = select(*SUMMARY).where(approvals.c.approval_id == bindparam("of_id"))
_BY_QUESTION = select(approvals).where(
    approvals.c.thread_id == bindparam("of_thread"), approvals.c.question_key == bindparam("of_key")
)
_COUNT = select(func.count()).where(approvals.c.status.in_(bindparam("statuses", expanding=True)))
_COUNT_OF_WORKFLOW = _COUNT.where(approvals.c.workflow == bindparam("of_workflow"))
_OLDEST = select(func.min(approvals.c.asked_at)).where(approvals.c.status == PENDING)
_CLOSE = (
    update(approvals)
    .where(
        approvals.c.approval_id == bindparam("of_id"),
        approvals.c.status == PENDING,
        approvals.c.version == bindparam("of_version"),
    )
    .values(status=bindparam("new_status"), closed_at=bindparam("now"))
)
_RENEW = (
    update(approvals)
    .where(
        approvals.c.approval_id == bindparam("of_id"),
        approvals.c.status == PENDING,
        approvals.c.version == bindparam("of_version"),
    )
    .values(version=approvals.c.version + 1)
)
_CLOSE_FOR_THREAD = (
    update(approvals)
    .where(
        approvals.c.thread_id == bindparam("of_thread"),
        approvals.c.status == PENDING,
        approvals.c.approval_id.not_in(bindparam("except_ids", expanding=True)),
    )
    .values(status=bindparam("new_status"), closed_at=bindparam("now"))
    .returning(approvals.c.approval_id)
)
_ADOPT = (
    update(approvals)
    .where(
        approvals.c.approval_id.in_(bindparam("of_ids", expanding=True)),
        approvals.c.status == PENDING,
    )
    .values(run_id=bindparam("new_run"))
)
# What stays when a card is asked again: who it is. All else is what is asked.
_IDENTITY = {"approval_id", "thread_id", "question_key", "version", "status", "closed_at"}
_REOPEN = (
    update(approvals)
    .where(
        approvals.c.approval_id == bindparam("of_id"),
        approvals.c.version == bindparam("of_version"),
    )
    .values(
        status=PENDING,
        version=approvals.c.version + 1,
        closed_at=None,
        **{
            column.name: bindparam(f"new_{column.name}")
            for column in approvals.columns
            if column.name not in _IDENTITY
        },
    )
)


def insert(conn: Connection, approval: Approval, question_key: str) -> None:
    """
    Add a card.

    Raises:
        Conflict: This question of the thread has a card already.
    """
    insert_many(conn, [(approval, question_key)])


def insert_many(conn: Connection, cards: Sequence[tuple[Approval, str]]) -> None:
    """Add cards, each with the key of its question, all with the same few statements."""
    if cards:
        conn.execute(_INSERT, [_as_row(card) | {"question_key": key} for card, key in cards])
        _let_find(conn, [card for card, _ in cards])


def fetch(conn: Connection, approval_id: ApprovalId) -> Approval | None:
    """The card of this id."""
    return _one(conn.execute(_FETCH, {"of_id": approval_id}).one_or_none())


def fetch_summary(conn: Connection, approval_id: ApprovalId) -> ApprovalSummary | None:
    """The card of this id, without what may be large."""
    row = conn.execute(_FETCH_SUMMARY, {"of_id": approval_id}).one_or_none()
    return None if row is None else summary_from_row(row)


def fetch_by_question(conn: Connection, thread_id: ThreadId, question_key: str) -> Approval | None:
    """The card of a question: an interrupt id, or `break:<checkpoint_id>`."""
    parameters = {"of_thread": thread_id, "of_key": question_key}
    return _one(conn.execute(_BY_QUESTION, parameters).one_or_none())


def fetch_many(
    conn: Connection,
    *,
    statuses: Sequence[str] = (PENDING,),
    workflow: str | None = None,
    thread_id: ThreadId | None = None,
    run_id: RunId | None = None,
    limit: int,
    offset: int = 0,
    newest_first: bool = False,
) -> list[Approval]:
    """Cards, the longest waiting first; `statuses` empty means any."""
    page = _page(limit, offset, newest_first=newest_first)
    equal = {"workflow": workflow, "thread_id": thread_id, "run_id": run_id}
    statuses = statuses or _ANY
    return [from_row(row) for row in listing.fetch(conn, page, equal=equal, statuses=statuses)]


def fetch_summaries(
    conn: Connection,
    *,
    statuses: Sequence[str] = (PENDING,),
    workflow: str | None = None,
    thread_id: ThreadId | None = None,
    limit: int,
    offset: int = 0,
    newest_first: bool = False,
) -> list[ApprovalSummary]:
    """As `fetch_many`, without what may be large."""
    page = replace(_page(limit, offset, newest_first=newest_first), columns=SUMMARY)
    equal = {"workflow": workflow, "thread_id": thread_id}
    statuses = statuses or _ANY
    rows = listing.fetch(conn, page, equal=equal, statuses=statuses)
    return [summary_from_row(row) for row in rows]


def count(
    conn: Connection, *, statuses: Sequence[str] = (PENDING,), workflow: str | None = None
) -> int:
    """How many cards there are in these statuses."""
    parameters: dict[str, Any] = {"statuses": list(statuses)}
    statement = _COUNT
    if workflow is not None:
        statement, parameters = _COUNT_OF_WORKFLOW, parameters | {"of_workflow": workflow}
    counted: int = conn.execute(statement, parameters).scalar_one()
    return counted


def oldest_asked_at(conn: Connection) -> datetime | None:
    """Since when the longest waiting card waits."""
    oldest: datetime | None = conn.execute(_OLDEST).scalar_one()
    return oldest


def close(
    conn: Connection,
    approval_id: ApprovalId,
    *,
    version: int,
    status: ApprovalStatus,
    now: datetime,
) -> bool:
    """Close a card if this version of it is still pending; False says somebody was first."""
    parameters = {"of_id": approval_id, "of_version": version, "new_status": status, "now": now}
    return conn.execute(_CLOSE, parameters).rowcount == 1


def reopen(
    conn: Connection, approval_id: ApprovalId, *, version_from: int, approval: Approval
) -> bool:
    """
    Ask again: the card is pending as its next version, and what is asked is taken from `approval`.

    Returns:
        False if the card is not at `version_from` (any more); then nothing changed.
    """
    new = {
        f"new_{name}": value for name, value in _as_row(approval).items() if name not in _IDENTITY
    }
    result = conn.execute(_REOPEN, new | {"of_id": approval_id, "of_version": version_from})
    if result.rowcount == 1:
        _let_find(conn, [replace(approval, approval_id=approval_id)])
    return result.rowcount == 1


def renew(conn: Connection, approval_id: ApprovalId, *, version_from: int) -> bool:
    """Let a pending card be its next version, which asks the same; False if it is not that any more."""
    parameters = {"of_id": approval_id, "of_version": version_from}
    return conn.execute(_RENEW, parameters).rowcount == 1


def adopt(conn: Connection, approval_ids: Collection[ApprovalId], run_id: RunId) -> None:
    """Let pending cards belong to the run that holds them now; what is asked stays the same."""
    if approval_ids:
        conn.execute(_ADOPT, {"of_ids": list(approval_ids), "new_run": run_id})


def close_for_thread(
    conn: Connection,
    thread_id: ThreadId,
    *,
    status: ApprovalStatus,
    now: datetime,
    except_ids: Collection[ApprovalId] = (),
) -> list[ApprovalId]:
    """Close the pending cards of a thread, apart from some; the ids of those closed."""
    parameters = {
        "of_thread": thread_id,
        "new_status": status,
        "now": now,
        "except_ids": list(except_ids),
    }
    return sorted(conn.execute(_CLOSE_FOR_THREAD, parameters).scalars())


def _page(limit: int, offset: int, *, newest_first: bool) -> listing.Page:
    return listing.Page(
        table=approvals,
        order=("asked_at", "approval_id"),
        limit=limit,
        offset=offset,
        newest_first=newest_first,
    )


def _let_find(conn: Connection, cards: Sequence[Approval]) -> None:
    by_content = searching.is_by_content(conn)
    texts = [(card.approval_id, _words(card, by_content=by_content)) for card in cards]
    searching.put(conn, About.APPROVAL, texts)


def _words(card: Approval, *, by_content: bool) -> str:
    ids = searching.ids_of(card.approval_id, card.thread_id, card.run_id)
    if not by_content:
        return f"{ids} {searching.texts_of(card.workflow, card.node)}"
    return f"{ids} {searching.texts_of(card.title, card.workflow, card.node, card.payload)}"


def _as_row(approval: Approval) -> dict[str, Any]:
    order = RISK_ORDER.get(approval.risk, NO_RISK)
    row = {**vars(approval), "allowed": list(approval.allowed), "risk_order": order}
    return row | route_columns(approval.route)


def route_columns(route: Route) -> dict[str, Any]:
    """What is kept of a card's route; nothing where any operator decides alone."""
    if route == OPEN:
        return {"route": None, "deciders": None, "barred": None, "priority_order": 0}
    deciders = route.approvers
    return {
        "route": vars(route),
        "deciders": None if deciders is None else _lines(deciders or (ADMINS,)),
        "barred": _lines(route.initiators) if route.initiators else None,
        "priority_order": -route.priority,
    }


def line(name: str) -> str:
    """A name as it stands among others in a column of names."""
    return f"\n{name}\n"


def _lines(names: Iterable[str]) -> str:
    return "".join(map(line, names))


def _read_route(kept: Any) -> Route:
    if kept is None:
        return OPEN
    named = kept["approvers"]
    lists = {
        "approvers": None if named is None else tuple(named),
        "initiators": tuple(kept["initiators"]),
    }
    return Route(**{**kept, **lists})


def _one(row: Row[Any] | None) -> Approval | None:
    return None if row is None else from_row(row)


def summary_from_row(row: Row[Any]) -> ApprovalSummary:
    """A row of the `SUMMARY` columns as a card."""
    return ApprovalSummary(**_read_columns(row))


def from_row(row: Row[Any]) -> Approval:
    """A whole row as a card."""
    return Approval(**_read_columns(row), payload=row.payload, schema=row.schema, tools=row.tools)


def _read_columns(row: Row[Any]) -> dict[str, Any]:
    return {
        "approval_id": row.approval_id,
        "interrupt_id": row.interrupt_id,
        "thread_id": row.thread_id,
        "run_id": row.run_id,
        "workflow": row.workflow,
        "node": row.node,
        "namespace": row.namespace,
        "checkpoint_id": row.checkpoint_id,
        "kind": Kind(row.kind),
        "title": row.title,
        "allowed": tuple(Verb(verb) for verb in row.allowed),
        "risk": row.risk,
        "status": ApprovalStatus(row.status),
        "version": row.version,
        "asked_at": row.asked_at,
        "deadline_at": row.deadline_at,
        "closed_at": row.closed_at,
        "warn_at": row.warn_at,
        "due_at": row.due_at,
        "on_timeout": row.on_timeout,
        "escalated_to": row.escalated_to,
        "deadline_note": row.deadline_note,
        "route": _read_route(row.route),
    }
