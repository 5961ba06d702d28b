"""Threads as clients search them: a window in the order asked for, with the states and cards they show."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select

from interlock.core.model.approvals import Approval, ApprovalStatus
from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadOrder, ThreadSearch
from interlock.core.model.threads import Snapshot, Thread
from interlock.core.store import approvals as cards
from interlock.core.store import snapshots as states
from interlock.core.store import thread_lists, thread_metadata
from interlock.core.store import threads as rows
from interlock.core.store.schema import approvals, runs, snapshots, threads
from interlock.core.types import ThreadId

_ORDERS = {
    ThreadOrder.UPDATED: (threads.c.updated_at, threads.c.thread_id),
    ThreadOrder.CREATED: (threads.c.created_at, threads.c.thread_id),
    ThreadOrder.ID: (threads.c.thread_id,),
}
_AT_HEADS = (
    select(snapshots)
    .join(
        threads,
        and_(
            threads.c.thread_id == snapshots.c.thread_id,
            threads.c.head_checkpoint_id == snapshots.c.checkpoint_id,
        ),
    )
    .where(threads.c.thread_id.in_(bindparam("of_threads", expanding=True)))
)
_OPEN_CARDS = (
    select(approvals)
    .where(
        approvals.c.thread_id.in_(bindparam("of_threads", expanding=True)),
        approvals.c.status == ApprovalStatus.PENDING.value,
    )
    .order_by(approvals.c.asked_at, approvals.c.approval_id)
    .limit(bindparam("limit"))
)


def fetch_window(conn: Connection, search: ThreadSearch) -> list[tuple[Thread, RunStatus | None]]:
    """The threads of a window, each with the status of its last run."""
    order = [column.desc() if search.newest_first else column for column in _ORDERS[search.order]]
    query = _narrow(conn, search).order_by(*order).limit(search.limit).offset(search.offset)
    return [
        (rows.from_row(row), None if row.status is None else RunStatus(row.status))
        for row in conn.execute(query)
    ]


def count(conn: Connection, search: ThreadSearch) -> int:
    """How many threads fit, whatever the window."""
    fitting = _narrow(conn, search).with_only_columns(threads.c.thread_id).subquery()
    counted: int = conn.execute(select(func.count()).select_from(fitting)).scalar_one()
    return counted


def fetch_states(conn: Connection, ids: Collection[ThreadId]) -> Mapping[ThreadId, Snapshot]:
    """The states that these threads stand at, as far as they were kept."""
    found = conn.execute(_AT_HEADS, {"of_threads": list(ids)}).mappings()
    return {row["thread_id"]: states.from_mapping(row) for row in found}


def fetch_cards(conn: Connection, ids: Collection[ThreadId], *, limit: int) -> list[Approval]:
    """The open cards of these threads, the longest waiting first."""
    found = conn.execute(_OPEN_CARDS, {"of_threads": list(ids), "limit": limit})
    return [cards.from_row(row) for row in found]


def _narrow(conn: Connection, search: ThreadSearch) -> Select[Any]:
    statuses, plain = search.wanted.statuses, search.wanted
    if search.or_unused:  # the plain filter would leave them out
        plain = replace(plain, statuses=())
    query = thread_lists.select_lines(conn, plain)
    if search.or_unused and statuses:
        among = runs.c.status.in_([status.value for status in statuses])
        query = query.where(or_(among, threads.c.last_run_id.is_(None)))
    if search.ids is not None:
        query = query.where(threads.c.thread_id.in_(search.ids))
    for having in thread_metadata.having(thread_metadata.labels_of(search.data)):
        query = query.where(threads.c.thread_id.in_(having))
    return query
