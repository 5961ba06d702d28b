"""Finding threads that are kept no longer, and deleting all that the app tables have of one."""

from __future__ import annotations

from collections.abc import Collection
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


def read_standing(conn: Connection, thread: Thread, *, but: JobId | None = None) -> Standing:
    """What has to be known of a thread before it goes; `but`: the job that asks."""
    of_thread = runs.c.thread_id == thread.thread_id
    live = set(
        conn.execute(select(runs.c.status).where(of_thread, runs.c.status.in_(_IS_LIVE))).scalars()
    )
    last = select(runs.c.status).where(of_thread, runs.c.run_id == thread.last_run_id)
    status = conn.execute(last).scalar()
    return Standing(
        status=None if status is None else RunStatus(status),
        is_foreign=thread.origin is Origin.ATTACHED,
        has_card=_is_any(
            conn,
            approvals.c.thread_id == thread.thread_id,
            approvals.c.status == ApprovalStatus.PENDING.value,
        ),
        is_open=bool(live & {s.value for s in OPEN}),
        is_held=bool(live & {s.value for s in HELD}),
        is_busy=_is_any(
            conn,
            jobs.c.lock == thread.thread_id,
            jobs.c.status.in_(("todo", "doing")),
            jobs.c.job_id != (but or ""),
        ),
        is_tried=_is_any(
            conn,
            what_ifs.c.thread_id == thread.thread_id,
            what_if_sides.c.what_if_id == what_ifs.c.what_if_id,
            what_if_sides.c.status.in_((WhatIfStatus.QUEUED.value, WhatIfStatus.RUNNING.value)),
        ),
        is_counted=_is_counted(conn, thread.thread_id),
    )


def _is_any(conn: Connection, *conditions: Any) -> bool:
    return bool(conn.execute(select(exists().where(*conditions))).scalar_one())


def _is_counted(conn: Connection, thread_id: ThreadId) -> bool:
    moments = _find_moments(conn, thread_id)
    if not moments:
        return True
    until = rollups.rolled_until(conn)
    if until is None or max(moments) >= until:
        return False
    minutes = {floor(moment, MINUTE) for moment in moments}
    due = conn.execute(select(rollup_due.c.start).where(rollup_due.c.start >= min(minutes)))
    return not minutes & set(due.scalars())


def _find_moments(conn: Connection, thread_id: ThreadId) -> set[datetime]:
    """When something of a thread happened that figures count."""
    of_thread = (
        (runs.c.created_at, runs.c.thread_id),
        (runs.c.ended_at, runs.c.thread_id),
        (node_runs.c.ended_at, node_runs.c.thread_id),
        (approvals.c.asked_at, approvals.c.thread_id),
    )
    found = {
        moment
        for column, owner in of_thread
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
