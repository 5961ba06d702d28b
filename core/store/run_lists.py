"""Lists of runs as the screens filter them: one page, how many, the failed ones by their error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal,
    select,
    tuple_,
    union_all,
)

from interlock.core.model.run_lists import COUNT_LIMIT, FailureGroup, RunCount, RunFilter
from interlock.core.model.runs import RunStatus, RunSummary
from interlock.core.store import run_rows, runs, searching
from interlock.core.store.schema import runs as table
from interlock.core.store.schema import threads
from interlock.core.store.searching import About
from interlock.core.types import RunId

# A failed run whose thread went on with another one is history: nothing is left to be done about it.
_IS_LAST = and_(threads.c.thread_id == table.c.thread_id, threads.c.last_run_id == table.c.run_id)


def fetch_page(
    conn: Connection,
    wanted: RunFilter,
    *,
    limit: int,
    offset: int = 0,
    before: tuple[datetime, RunId] | None = None,
) -> list[RunSummary]:
    """One page of runs, newest first, without what may be large; `before` as of `runs.fetch_many`."""
    found = searching.matching(conn, About.RUN, wanted.words)
    if found is None and not wanted.is_degraded:
        return runs.fetch_many(
            conn,
            statuses=wanted.statuses,
            workflow=wanted.workflow,
            thread_id=wanted.thread_id,
            error_type=wanted.error_type,
            limit=limit,
            offset=offset,
            before=before,
        )
    goes_on = [] if before is None else [tuple_(table.c.created_at, table.c.run_id) < before]
    page = (
        select(*run_rows.SUMMARY)
        .where(*_conditions(wanted), *_are_among(found), *goes_on)
        .order_by(table.c.created_at.desc(), table.c.run_id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [run_rows.read_summary(row) for row in conn.execute(page)]


def count_by_status(conn: Connection, wanted: RunFilter) -> dict[RunStatus, RunCount]:
    """How many runs of each status there are, whatever statuses are wanted; many are not all counted."""
    found = searching.matching(conn, About.RUN, wanted.words)
    if found is None:
        given = {
            "workflow": wanted.workflow,
            "error_type": wanted.error_type,
            "degraded": wanted.is_degraded or None,
        }
        known = {name: value for name, value in given.items() if value is not None}
        rows = conn.execute(_count(tuple(known)), {f"of_{k}": v for k, v in known.items()})
        counted: dict[str, int] = dict(rows.all())
    else:
        conditions = _conditions(wanted, with_status=False)
        counts = (
            select(table.c.status, func.count())
            .where(*conditions, table.c.run_id.in_(found))
            .group_by(table.c.status)
        )
        counted = dict(conn.execute(counts).all())
    return {
        status: RunCount(min(n, COUNT_LIMIT), n <= COUNT_LIMIT)
        for status in RunStatus
        for n in [counted.get(status.value, 0)]
    }


def group_failed(conn: Connection, wanted: RunFilter, *, limit: int) -> list[FailureGroup]:
    """The errors of failed runs that nobody has gone on with, the most frequent first."""
    newest_at = func.max(table.c.created_at)
    groups = (
        select(table.c.error_type, func.count().label("run_count"), newest_at.label("newest_at"))
        .join(threads, _IS_LAST)
        .where(*_failed(conn, wanted))
        .group_by(table.c.error_type)
        .order_by(func.count().desc(), table.c.error_type)
        .limit(limit)
    )
    return [
        FailureGroup(
            error_type=row.error_type,
            count=row.run_count,
            newest_at=row.newest_at,
            newest=_newest_failed(conn, wanted, row.error_type),
        )
        for row in conn.execute(groups)
    ]


def fetch_failed_ids(conn: Connection, wanted: RunFilter, *, limit: int) -> list[RunId]:
    """Failed runs that nobody has gone on with, oldest first."""
    ids = (
        select(table.c.run_id)
        .join(threads, _IS_LAST)
        .where(*_failed(conn, wanted))
        .order_by(table.c.created_at, table.c.run_id)
        .limit(limit)
    )
    return list(conn.execute(ids).scalars())


def _newest_failed(conn: Connection, wanted: RunFilter, error_type: str) -> RunSummary:
    newest = (
        select(*run_rows.SUMMARY)
        .join(threads, _IS_LAST)
        .where(*_failed(conn, wanted), table.c.error_type == error_type)
        .order_by(table.c.created_at.desc(), table.c.run_id.desc())
        .limit(1)
    )
    return run_rows.read_summary(conn.execute(newest).one())


def _failed(conn: Connection, wanted: RunFilter) -> list[ColumnElement[bool]]:
    found = searching.matching(conn, About.RUN, wanted.words)
    return [
        table.c.status == RunStatus.FAILED.value,
        table.c.error_type.is_not(None),
        *_conditions(wanted, with_status=False),
        *_are_among(found),
    ]


def _are_among(found: Select[Any] | None) -> list[ColumnElement[bool]]:
    return [] if found is None else [table.c.run_id.in_(found)]


def _conditions(wanted: RunFilter, *, with_status: bool = True) -> list[ColumnElement[bool]]:
    given = {
        table.c.workflow: wanted.workflow,
        table.c.thread_id: wanted.thread_id,
        table.c.error_type: wanted.error_type,
        table.c.degraded: wanted.is_degraded or None,
    }
    equal = [column == value for column, value in given.items() if value is not None]
    if with_status and wanted.statuses:
        return [table.c.status.in_([s.value for s in wanted.statuses]), *equal]
    return equal


@lru_cache(maxsize=8)
def _count(known: Sequence[str]) -> Select[Any]:
    """Each status on its own, as an index serves one, and no further than it is told."""
    equal = [table.c[name] == bindparam(f"of_{name}") for name in known]
    parts = []
    for status in RunStatus:
        reached = (
            select(literal(1).label("one"))
            .select_from(table)
            .where(table.c.status == status.value, *equal)
            .limit(COUNT_LIMIT + 1)
            .subquery()
        )
        parts.append(
            select(literal(status.value).label("status"), func.count()).select_from(reached)
        )
    whole: Any = union_all(*parts)
    return whole  # type: ignore[no-any-return]
