"""Lists of threads as the screens filter them: one page, with what each thread amounts to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, case, func, literal, select, tuple_

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadFilter, ThreadLine
from interlock.core.model.threads import Origin, Thread
from interlock.core.store import searching
from interlock.core.store import threads as rows
from interlock.core.store.schema import approvals, checkpoints_index, runs, threads
from interlock.core.store.searching import About
from interlock.core.types import ThreadId

_LINES = select(threads, runs.c.status).select_from(
    threads.outerjoin(
        runs, and_(runs.c.run_id == threads.c.last_run_id, runs.c.thread_id == threads.c.thread_id)
    )
)


class _Weight(NamedTuple):
    """The checkpoints that the index holds of a thread, their bytes, and how many have none before."""

    point_count: int = 0
    size_bytes: int = 0
    first_count: int = 0


def fetch_page(
    conn: Connection, wanted: ThreadFilter, *, limit: int, before: Thread | None = None
) -> list[ThreadLine]:
    """One page of threads, the one that moved last first; `before` pages on."""
    query = _narrow(conn, _LINES, wanted)
    if before is not None:
        moved = literal(before.updated_at, threads.c.updated_at.type)
        last = tuple_(moved, literal(before.thread_id))
        query = query.where(tuple_(threads.c.updated_at, threads.c.thread_id) < last)
    page = query.order_by(threads.c.updated_at.desc(), threads.c.thread_id.desc()).limit(limit)
    found = [(rows.from_row(row), row.status) for row in conn.execute(page)]
    return add_up(conn, found)


def select_lines(conn: Connection, wanted: ThreadFilter) -> Select[Any]:
    """Threads with the status of their last run, as `add_up` and others that list them begin."""
    return _narrow(conn, _LINES, wanted)


def add_up(conn: Connection, found: Collection[tuple[Thread, str | None]]) -> list[ThreadLine]:
    """Lines of threads, each given with the status of its last run."""
    ids = [thread.thread_id for thread, _ in found]
    waiting = _count_waiting(conn, ids)
    weights = _weigh(conn, ids)
    return [
        _line(thread, status, waiting.get(thread.thread_id, 0), weights.get(thread.thread_id))
        for thread, status in found
    ]


def _line(thread: Thread, status: str | None, waiting: int, weight: _Weight | None) -> ThreadLine:
    found = weight or _Weight()
    return ThreadLine(
        thread=thread,
        status=None if status is None else RunStatus(status),
        waiting_count=waiting,
        point_count=found.point_count,
        size_bytes=found.size_bytes,
        is_counted=thread.origin is not Origin.ATTACHED or found.first_count > 0,
    )


def _narrow(conn: Connection, query: Select[Any], wanted: ThreadFilter) -> Select[Any]:
    if wanted.workflow is not None:
        query = query.where(threads.c.workflow == wanted.workflow)
    if wanted.statuses:
        query = query.where(runs.c.status.in_([status.value for status in wanted.statuses]))
    if wanted.origins:
        query = query.where(threads.c.origin.in_([origin.value for origin in wanted.origins]))
    found = searching.matching(conn, About.RUN, wanted.words)
    if found is not None:
        of_runs = runs.alias("of_runs")
        named = select(of_runs.c.thread_id).where(of_runs.c.run_id.in_(found))
        query = query.where(threads.c.thread_id.in_(named))
    return query


def _count_waiting(conn: Connection, ids: Collection[ThreadId]) -> Mapping[ThreadId, int]:
    query = (
        select(approvals.c.thread_id, func.count())
        .where(approvals.c.thread_id.in_(ids), approvals.c.status == ApprovalStatus.PENDING.value)
        .group_by(approvals.c.thread_id)
    )
    counted: dict[ThreadId, int] = dict(conn.execute(query).all())
    return counted


def _weigh(conn: Connection, ids: Collection[ThreadId]) -> Mapping[ThreadId, _Weight]:
    table = checkpoints_index
    first = case((table.c.parent_id.is_(None), 1), else_=0)
    query = (
        select(table.c.thread_id, func.count(), func.sum(table.c.size_bytes), func.sum(first))
        .where(table.c.thread_id.in_(ids))
        .group_by(table.c.thread_id)
    )
    return {row[0]: _Weight(row[1], int(row[2]), int(row[3])) for row in conn.execute(query)}
