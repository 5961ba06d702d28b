"""
A thread's history from the index of its checkpoints: points as screens show them, filtered, page by page.

No state is looked at, so what a page costs does not depend on what the states weigh (law 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Text,
    and_,
    case,
    cast,
    func,
    or_,
    select,
)

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.history import BranchSpan, ForkLine, Point, PointFilter
from interlock.core.model.runs import RunKind
from interlock.core.store import dialect, encoding, forks
from interlock.core.store.schema import approvals, checkpoints_index, runs
from interlock.core.types import CheckpointId, RunId, ThreadId

MOST_FORKS = 10_000  # of one thread

_point = checkpoints_index.alias("point")
_parent = checkpoints_index.alias("parent")


def _of_parent(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """
    What the point before has in a column, looked up by its key.

    Not joined: for a thread that its statistics do not know yet, Postgres joins each point with all.
    """
    is_parent = and_(
        _parent.c.thread_id == _point.c.thread_id, _parent.c.checkpoint_id == _point.c.parent_id
    )
    return select(column).where(is_parent).correlate(_point).scalar_subquery()


# The lists of nodes come as text: there are few different ones, and each is read once.
_POINTS = select(
    *(c for c in _point.columns if c.name != "next"),
    cast(_point.c.next, Text).label("next"),
    _of_parent(cast(_parent.c.next, Text)).label("parent_next"),
    _of_parent(_parent.c.run_id).label("parent_run_id"),
)
LOOP = "loop"  # LangGraph's source of a checkpoint that nodes led to


def fetch_points(
    conn: Connection,
    thread_id: ThreadId,
    wanted: PointFilter,
    *,
    limit: int,
    before: CheckpointId | None = None,
) -> list[Point]:
    """Points of a thread, newest first; `before` pages on."""
    query = _POINTS.where(*_conditions(thread_id, wanted))
    if before is not None:
        query = query.where(_point.c.checkpoint_id < before)
    rows = conn.execute(query.order_by(_point.c.checkpoint_id.desc()).limit(limit)).all()
    return _read(conn, thread_id, rows)


def fetch_point(conn: Connection, thread_id: ThreadId, checkpoint_id: CheckpointId) -> Point | None:
    """One point of a thread."""
    query = _POINTS.where(_point.c.thread_id == thread_id, _point.c.checkpoint_id == checkpoint_id)
    return next(iter(_read(conn, thread_id, conn.execute(query).all())), None)


def count_points(conn: Connection, thread_id: ThreadId, wanted: PointFilter) -> int:
    """How many points of a thread fit."""
    query = select(func.count()).select_from(_point).where(*_conditions(thread_id, wanted))
    counted: int = conn.execute(query).scalar_one()
    return counted


def fetch_spans(conn: Connection, thread_id: ThreadId) -> list[BranchSpan]:
    """The branches of a thread by their number, each told without its points."""
    table = checkpoints_index
    whole = (
        select(
            table.c.branch,
            func.min(table.c.checkpoint_id).label("first_id"),
            func.max(table.c.checkpoint_id).label("last_id"),
            func.count().label("point_count"),
            func.sum(table.c.size_bytes).label("size_bytes"),
        )
        .where(table.c.thread_id == thread_id)
        .group_by(table.c.branch)
        .subquery()
    )
    query = (
        select(whole, table.c.parent_id)
        .join(
            table, and_(table.c.thread_id == thread_id, table.c.checkpoint_id == whole.c.first_id)
        )
        .order_by(whole.c.branch)
    )
    return [
        BranchSpan(
            branch=row.branch,
            first_id=row.first_id,
            last_id=row.last_id,
            parent_id=row.parent_id,
            point_count=row.point_count,
            size_bytes=int(row.size_bytes),
        )
        for row in conn.execute(query)
    ]


def _conditions(thread_id: ThreadId, wanted: PointFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_point.c.thread_id == thread_id]
    if wanted.step_from is not None:
        found.append(_point.c.step >= wanted.step_from)
    if wanted.step_to is not None:
        found.append(_point.c.step <= wanted.step_to)
    if wanted.sources:
        found.append(_point.c.source.in_(wanted.sources))
    if wanted.run_id is not None:
        found.append(_point.c.run_id == wanted.run_id)
    if wanted.branch is not None:
        found.append(_point.c.branch == wanted.branch)
    if wanted.node is not None:
        found.append(_has_node(wanted.node))
    if wanted.only_decisions:
        asked = select(approvals.c.checkpoint_id).where(approvals.c.thread_id == thread_id)
        found.append(_point.c.checkpoint_id.in_(asked))
    return found


def _has_node(path: str) -> ColumnElement[bool]:
    """That a node ran there or is due; of one in a subgraph, the node that the subgraph is."""
    name = encoding.dump_json(path.partition("/")[0])
    ran = and_(
        _point.c.source == LOOP, dialect.has_text(_of_parent(cast(_parent.c.next, Text)), name)
    )
    return or_(dialect.has_text(_point.c.next, name), ran)


def _read(conn: Connection, thread_id: ThreadId, rows: Any) -> list[Point]:
    if not rows:
        return []
    counts = _count_cards(conn, thread_id)
    begun = forks.fetch_for_thread(conn, thread_id, limit=MOST_FORKS)
    # A copied checkpoint names the run that made it on the thread it was copied from.
    by_run = {fork.run_id: fork for fork in begun if fork.from_thread_id is None}
    _add_retries(conn, thread_id, by_run)
    by_target = {fork.target_id: fork for fork in begun if fork.from_thread_id is not None}
    return [_point_from(row, counts, by_run, by_target) for row in rows]


def _add_retries(conn: Connection, thread_id: ThreadId, by_run: dict[RunId, ForkLine]) -> None:
    """A fork whose run came to nothing was made by the run that retried it."""
    if not by_run:
        return
    query = (
        select(runs.c.run_id, runs.c.previous_run_id)
        .where(runs.c.thread_id == thread_id, runs.c.kind == RunKind.RETRY.value)
        .order_by(runs.c.created_at, runs.c.run_id)
        .limit(MOST_FORKS)
    )
    for row in conn.execute(query):
        if (fork := by_run.get(row.previous_run_id)) is not None:
            by_run[row.run_id] = fork


def _count_cards(conn: Connection, thread_id: ThreadId) -> Mapping[CheckpointId, tuple[int, int]]:
    decided = case((approvals.c.status == ApprovalStatus.DECIDED.value, 1), else_=0)
    query = (
        select(approvals.c.checkpoint_id, func.count(), func.sum(decided))
        .where(approvals.c.thread_id == thread_id)
        .group_by(approvals.c.checkpoint_id)
    )
    return {row[0]: (row[1], int(row[2])) for row in conn.execute(query)}


def _point_from(
    row: Row[Any],
    counts: Mapping[CheckpointId, tuple[int, int]],
    by_run: Mapping[RunId, ForkLine],
    by_target: Mapping[CheckpointId, ForkLine],
) -> Point:
    asked, decided = counts.get(row.checkpoint_id, (0, 0))
    own = by_run.get(row.run_id)
    begins = own is not None and own is not by_run.get(row.parent_run_id)
    return Point(
        thread_id=row.thread_id,
        checkpoint_id=row.checkpoint_id,
        parent_id=row.parent_id,
        step=row.step,
        source=row.source,
        next=_read_nodes(row.next),
        run_id=row.run_id,
        created_at=row.created_at,
        size_bytes=row.size_bytes,
        branch=row.branch,
        ran=_read_nodes(row.parent_next) if row.source == LOOP and row.parent_next else (),
        fork=(own if begins else None) or by_target.get(row.checkpoint_id),
        asked_count=asked,
        decided_count=decided,
    )


@lru_cache(maxsize=10_000)
def _read_nodes(text: str) -> tuple[str, ...]:
    return tuple(encoding.load_json(text))
