"""Finding threads that are kept no longer, and deleting all that the app tables have of one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, or_, select, update

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.history import WhatIfStatus
from interlock.core.model.pruning import Retention, Standing
from interlock.core.model.runs import HELD, OPEN, RunStatus
from interlock.core.model.spans import HOUR, MINUTE, floor
from interlock.core.model.tallies import RunTally
from interlock.core.model.thread_lists import ThreadLine
from interlock.core.model.threads import Origin, Thread
from interlock.core.store import dialect, rollups, thread_lists
from interlock.core.store import threads as rows
from interlock.core.store.schema import (
    approvals,
    checkpoints_index,
    decisions,
    forks,
    jobs,
    node_runs,
    rollup_due,
    run_rollups,
    runs,
    search_texts,
    snapshots,
    threads,
    what_if_sides,
    what_ifs,
)
from interlock.core.store.searching import About
from interlock.core.types import JobId, ThreadId

IN_PARTS = "pruned"  # the tier of rows without figures: an hour of which raw rows are gone
_MARK = dialect.insert_new(run_rollups)
_IS_LIVE = tuple(sorted(status.value for status in OPEN | HELD))
_LAST = and_(runs.c.run_id == threads.c.last_run_id, runs.c.thread_id == threads.c.thread_id)
_CHUNK = 500  # threads that one statement asks about
_MOMENTS = (
    (runs.c.created_at, runs.c.thread_id),
    (runs.c.ended_at, runs.c.thread_id),
    (node_runs.c.ended_at, node_runs.c.thread_id),
    (approvals.c.asked_at, approvals.c.thread_id),
)
_HAS_CARD = exists().where(
    approvals.c.thread_id == threads.c.thread_id,
    approvals.c.status == ApprovalStatus.PENDING.value,
)


def find(
    conn: Connection, retention: Retention, *, now: datetime, limit: int, with_live: bool = True
) -> list[ThreadLine]:
    """
    Threads that fit a retention, who moved first comes first; `with_live`: and those that would, if
    nobody waited for them.
    """
    query = select(threads, runs.c.status).select_from(threads.outerjoin(runs, _LAST))
    if retention.thread_ids:
        query = query.where(threads.c.thread_id.in_(retention.thread_ids))
    else:
        wanted = [status.value for status in retention.statuses]
        if with_live:
            query = query.where(or_(runs.c.status.in_([*wanted, *_IS_LIVE]), _HAS_CARD))
        else:
            query = query.where(runs.c.status.in_(wanted), ~_HAS_CARD)
        query = query.where(_is_due(retention, now))
    if retention.workflow is not None:
        query = query.where(threads.c.workflow == retention.workflow)
    page = query.order_by(threads.c.updated_at, threads.c.thread_id).limit(limit)
    return thread_lists.add_up(
        conn, [(rows.from_row(row), row.status) for row in conn.execute(page)]
    )


def _is_due(retention: Retention, now: datetime) -> Any:
    conditions = []
    since = retention.since(now)
    if since is not None:
        conditions.append(threads.c.updated_at < since)
    if retention.most is not None:
        order = (threads.c.updated_at.desc(), threads.c.thread_id.desc())
        place = func.row_number().over(partition_by=threads.c.workflow, order_by=order)
        ranked = select(threads.c.thread_id, place.label("place")).subquery()
        conditions.append(
            threads.c.thread_id.in_(
                select(ranked.c.thread_id).where(ranked.c.place > retention.most)
            )
        )
    return or_(*conditions)


def read_standings(
    conn: Connection,
    lines: Sequence[tuple[Thread, RunStatus | None]],
    *,
    but: JobId | None = None,
) -> list[Standing]:
    """
    What has to be known of threads before they go.

    Args:
        conn: The connection.
        lines: Threads, each with the status of its last run.
        but: The job that asks.
    """
    found: list[Standing] = []
    for first in range(0, len(lines), _CHUNK):
        found += _read_some(conn, lines[first : first + _CHUNK], but)
    return found


def _read_some(
    conn: Connection, lines: Sequence[tuple[Thread, RunStatus | None]], but: JobId | None
) -> list[Standing]:
    ids = [thread.thread_id for thread, _ in lines]
    live = select(runs.c.thread_id, runs.c.status).where(
        runs.c.thread_id.in_(ids), runs.c.status.in_(_IS_LIVE)
    )
    statuses = {(row.thread_id, RunStatus(row.status)) for row in conn.execute(live)}
    is_open = {thread_id for thread_id, status in statuses if status in OPEN}
    is_held = {thread_id for thread_id, status in statuses if status in HELD}
    has_card = _find(
        conn,
        approvals.c.thread_id,
        approvals.c.thread_id.in_(ids),
        approvals.c.status == ApprovalStatus.PENDING.value,
    )
    is_busy = _find(
        conn,
        jobs.c.lock,
        jobs.c.lock.in_(ids),
        jobs.c.status.in_(("todo", "doing")),
        jobs.c.job_id != (but or ""),
    )
    is_tried = _find(
        conn,
        what_ifs.c.thread_id,
        what_ifs.c.thread_id.in_(ids),
        what_if_sides.c.what_if_id == what_ifs.c.what_if_id,
        what_if_sides.c.status.in_((WhatIfStatus.QUEUED.value, WhatIfStatus.RUNNING.value)),
        # The row of one whose worker died, or took too long, says so for ever; its job does not.
        jobs.c.job_id == what_if_sides.c.job_id,
        jobs.c.status.in_(("todo", "doing")),
    )
    is_busy |= _find(  # a copy is made of it; until then it needs its points
        conn,
        forks.c.from_thread_id,
        forks.c.from_thread_id.in_(ids),
        runs.c.run_id == forks.c.run_id,
        runs.c.status.in_([status.value for status in OPEN]),
    )
    uncounted = _find_uncounted(conn, ids)
    return [
        Standing(
            status=status,
            is_foreign=thread.origin is Origin.ATTACHED,
            has_card=thread.thread_id in has_card,
            is_open=thread.thread_id in is_open,
            is_held=thread.thread_id in is_held,
            is_busy=thread.thread_id in is_busy,
            is_tried=thread.thread_id in is_tried,
            is_counted=thread.thread_id not in uncounted,
        )
        for thread, status in lines
    ]


def _find(conn: Connection, column: Any, *conditions: Any) -> set[str]:
    return set(conn.execute(select(column).where(*conditions).distinct()).scalars())


def _find_uncounted(conn: Connection, ids: Sequence[ThreadId]) -> set[str]:
    """Threads of which something is not in the figures yet, or is about to be counted anew."""
    until = rollups.rolled_until(conn)
    newest: dict[str, datetime] = {}
    for column, owner in _MOMENTS:
        query = select(owner, func.max(column)).where(owner.in_(ids), column.is_not(None))
        for thread_id, moment in conn.execute(query.group_by(owner)):
            newest[thread_id] = max(moment, newest.get(thread_id, moment))
    decided = (
        select(approvals.c.thread_id, func.max(decisions.c.decided_at))
        .join(decisions, approvals.c.approval_id == decisions.c.approval_id)
        .where(approvals.c.thread_id.in_(ids))
        .group_by(approvals.c.thread_id)
    )
    for thread_id, moment in conn.execute(decided):
        newest[thread_id] = max(moment, newest.get(thread_id, moment))
    found = {each for each, moment in newest.items() if until is None or moment >= until}
    due = set(conn.execute(select(rollup_due.c.start)).scalars())
    if due:
        for thread_id in set(newest) - found:
            moments = _find_moments(conn, ThreadId(thread_id))
            if due & {floor(moment, MINUTE) for moment in moments}:
                found.add(thread_id)
    return found


def _find_moments(conn: Connection, thread_id: ThreadId) -> set[datetime]:
    """When something of a thread happened that figures count."""
    found = {
        moment
        for column, owner in _MOMENTS
        for moment in conn.execute(select(column).where(owner == thread_id)).scalars()
    }
    decided = select(decisions.c.decided_at).join(
        approvals, approvals.c.approval_id == decisions.c.approval_id
    )
    found |= set(conn.execute(decided.where(approvals.c.thread_id == thread_id)).scalars())
    return found - {None}


def mark(conn: Connection, thread_id: ThreadId, trouble: str) -> None:
    """Let nothing be begun with a thread any more."""
    conn.execute(update(threads).where(threads.c.thread_id == thread_id).values(trouble=trouble))


def find_sandboxes(conn: Connection, thread_id: ThreadId) -> list[ThreadId]:
    """The copies that what-ifs of a thread were tried on."""
    query = select(what_if_sides.c.sandbox_id).where(
        what_ifs.c.thread_id == thread_id,
        what_if_sides.c.what_if_id == what_ifs.c.what_if_id,
        what_if_sides.c.sandbox_id.is_not(None),
    )
    return list(conn.execute(query).scalars())


def delete_thread(conn: Connection, thread_id: ThreadId) -> None:
    """
    Delete a thread with its index, states, runs, cards, decisions, forks, what-ifs and words.

    Its figures stay: the minutes in which it ran are never made anew from the rows that are left.
    """
    mark_in_parts(conn, {floor(m, HOUR) for m in _find_moments(conn, thread_id)})
    for about, column, owner in (
        (About.RUN, runs.c.run_id, runs.c.thread_id),
        (About.APPROVAL, approvals.c.approval_id, approvals.c.thread_id),
    ):
        conn.execute(
            delete(search_texts).where(
                search_texts.c.about == about.value,
                search_texts.c.object_id.in_(select(column).where(owner == thread_id)),
            )
        )
    for table in (checkpoints_index, snapshots, threads):
        conn.execute(delete(table).where(table.c.thread_id == thread_id))


def mark_in_parts(conn: Connection, hours: Collection[datetime]) -> None:
    """Note that figures of these hours cannot be made anew: raw rows of them are gone."""
    none = RunTally().histogram.as_json()
    given = [
        {"tier": IN_PARTS, "start": hour, "workflow": "", "variant": "", "histogram": none}
        for hour in sorted(hours)
    ]
    if given:
        conn.execute(_MARK.on(conn), [row | {"error_types": {}} for row in given])


def find_in_parts(conn: Connection, hours: Collection[datetime]) -> set[datetime]:
    """Those of these hours of which raw rows are gone."""
    query = select(run_rollups.c.start).where(
        run_rollups.c.tier == IN_PARTS, run_rollups.c.start.in_(list(hours))
    )
    return set(conn.execute(query).scalars())


def last_in_parts(conn: Connection) -> datetime | None:
    """The end of the last hour of which raw rows are gone."""
    query = select(func.max(run_rollups.c.start)).where(run_rollups.c.tier == IN_PARTS)
    found: datetime | None = conn.execute(query).scalar_one()
    return None if found is None else found + HOUR
