"""Runs: one row a submission, moved from status to status by conditional updates only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Update,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy import (
    insert as insert_into,
)

from interlock.core.model.holds import EVERYTHING
from interlock.core.model.runs import (
    HELD,
    OPEN,
    Failure,
    Run,
    RunKind,
    RunOptions,
    RunStatus,
    RunSummary,
)
from interlock.core.store import listing, searching
from interlock.core.store.run_rows import (
    SUMMARY,
    as_row,
    from_row,
    read_columns,
    read_durability,
    read_summary,
)
from interlock.core.store.schema import holds, runs
from interlock.core.store.searching import About
from interlock.core.types import Json, RunId, ThreadId

_CHANGEABLE = {"started_at", "ended_at", "error", "end_checkpoint_id", "deliveries"}
_LIVE = sorted(OPEN | HELD)

_INSERT = insert_into(runs)
_STATUS = select(runs.c.status).where(runs.c.run_id == bindparam("run_id"))
_INPUT = select(runs.c.input).where(runs.c.run_id == bindparam("run_id"))
_OLDEST_QUEUED = (
    select(runs.c.created_at)
    .where(
        runs.c.status == RunStatus.QUEUED.value,
        ~exists().where(or_(holds.c.scope == EVERYTHING, holds.c.scope == runs.c.workflow)),
    )
    .order_by(runs.c.created_at, runs.c.run_id)
    .limit(1)
)
_OLDEST_QUEUED_OF_ALL = _OLDEST_QUEUED.execution_options(interlock_sees_all=True)
# Each from an index alone, and no further than is asked.
_QUEUED = select(literal(1)).where(runs.c.status == RunStatus.QUEUED.value)
_COUNT_QUEUED, _COUNT_QUEUED_OF, _COUNT_QUEUED_BUT = (
    select(func.count())
    .select_from(some.limit(bindparam("at_most")).subquery())
    .execution_options(interlock_sees_all=True)
    for some in (
        _QUEUED,
        _QUEUED.where(runs.c.workflow == bindparam("workflow")),
        _QUEUED.where(runs.c.workflow.not_in(bindparam("but", expanding=True))),
    )
)
_FETCH = select(runs).where(runs.c.run_id == bindparam("run_id"))
_FETCH_BY_IDS = select(runs).where(runs.c.run_id.in_(bindparam("run_ids", expanding=True)))
_FETCH_IN_CLEAR = select(
    *(c for c in runs.columns if c.name not in {"input", "context", "options", "error"})
).where(runs.c.run_id == bindparam("run_id"))
# Locked: a worker that is just taking the run has read the answers it sends, so it is waited for.
_QUEUED_RESUME = (
    select(runs)
    .where(
        runs.c.thread_id == bindparam("thread_id"), text("status = 'queued' AND kind = 'resume'")
    )
    .with_for_update()
)
_LIVE_OF_THREAD = (
    select(runs)
    .where(runs.c.thread_id == bindparam("thread_id"), runs.c.status.in_(_LIVE))
    .order_by(runs.c.created_at, runs.c.run_id)
)
_REQUEST_CANCEL = (
    update(runs)
    .where(runs.c.run_id == bindparam("id"), runs.c.status.in_(_LIVE))
    .values(cancel_requested_at=func.coalesce(runs.c.cancel_requested_at, bindparam("now")))
)
_CANCEL_REQUESTS = select(runs.c.run_id).where(
    runs.c.run_id.in_(bindparam("run_ids", expanding=True)), runs.c.cancel_requested_at.is_not(None)
)
_COUNT_LIVE = (
    select(runs.c.status, func.count()).where(runs.c.status.in_(_LIVE)).group_by(runs.c.status)
)
_RATING = select(runs.c.rating).where(runs.c.run_id == bindparam("id"))
_RATE = update(runs).where(runs.c.run_id == bindparam("id")).values(rating=bindparam("new_rating"))
# One column keeps two things: a negative number says that steps may have been done again, and is one
# beyond how many were kept in memory.
_COUNT = bindparam("count", type_=Integer)
_MAY_HAVE_REPEATED = runs.c.steps_in_memory < 0
_STEPS = case((_MAY_HAVE_REPEATED, -1 - runs.c.steps_in_memory), else_=runs.c.steps_in_memory)
_MARK_NOT_DURABLE = (
    update(runs)
    .where(runs.c.run_id == bindparam("id"), _STEPS < _COUNT)
    .values(steps_in_memory=case((_MAY_HAVE_REPEATED, -1 - _COUNT), else_=_COUNT))
)
_MARK_REPEATED = (
    update(runs)
    .where(runs.c.run_id == bindparam("id"), ~_MAY_HAVE_REPEATED)
    .values(steps_in_memory=-1 - runs.c.steps_in_memory)
)
_STEPS_IN_MEMORY = select(runs.c.steps_in_memory).where(runs.c.run_id == bindparam("id"))


def insert(conn: Connection, run: Run) -> None:
    """
    Add a run.

    Raises:
        Conflict: The thread has a queued resume run already, or is not there.
        InvalidInput: Its input or context has no JSON form.
    """
    conn.execute(_INSERT, as_row(run))
    _let_find(conn, [run])


def insert_many(conn: Connection, new: Sequence[Run]) -> None:
    """Add runs, all with the same few statements."""
    if new:
        conn.execute(_INSERT, [as_row(run) for run in new])
        _let_find(conn, new)


def fetch(conn: Connection, run_id: RunId) -> Run | None:
    """The run of this id."""
    return _one(conn.execute(_FETCH, {"run_id": run_id}).one_or_none())


def fetch_by_ids(conn: Connection, run_ids: Collection[RunId]) -> dict[RunId, Run]:
    """Those of these runs that are there; a handful."""
    if not run_ids:
        return {}
    rows = conn.execute(_FETCH_BY_IDS, {"run_ids": list(run_ids)})
    return {row.run_id: from_row(row) for row in rows}


def fetch_in_clear(conn: Connection, run_id: RunId) -> dict[RunId, Run]:
    """This run without what may be encrypted: its input, its context, its options, its error."""
    row = conn.execute(_FETCH_IN_CLEAR, {"run_id": run_id}).one_or_none()
    if row is None:
        return {}
    return {run_id: Run(**read_columns(row), input=None, context=None, options=RunOptions())}


def fetch_status(conn: Connection, run_id: RunId) -> RunStatus | None:
    """What this run is doing; None if there is no such run."""
    status = conn.execute(_STATUS, {"run_id": run_id}).scalar_one_or_none()
    return None if status is None else RunStatus(status)


def fetch_input(conn: Connection, run_id: RunId) -> Json:
    """What this run was sent; None if there is no such run."""
    return conn.execute(_INPUT, {"run_id": run_id}).scalar_one_or_none()


def fetch_many(
    conn: Connection,
    *,
    statuses: Sequence[RunStatus] = (),
    workflow: str | None = None,
    thread_id: ThreadId | None = None,
    error_type: str | None = None,
    limit: int,
    offset: int = 0,
    before: tuple[datetime, RunId] | None = None,
) -> list[RunSummary]:
    """
    Runs, newest first, without what may be large; `statuses` empty means any.

    `before` is when the last run of the page before was made, and its id.
    """
    if not statuses and not (workflow is None and thread_id is None and error_type is None):
        statuses = list(RunStatus)  # a workflow's, a thread's and an error's are indexed by status
    page = listing.Page(
        table=runs,
        order=("created_at", "run_id"),
        columns=SUMMARY,
        limit=limit,
        offset=offset,
        newest_first=True,
        after=before,
    )
    equal = {"workflow": workflow, "thread_id": thread_id, "error_type": error_type}
    return [read_summary(row) for row in listing.fetch(conn, page, equal=equal, statuses=statuses)]


def find_queued_resume(conn: Connection, thread_id: ThreadId) -> Run | None:
    """The queued resume run of a thread, which further decisions join; there is at most one."""
    return _one(conn.execute(_QUEUED_RESUME, {"thread_id": thread_id}).one_or_none())


def find_open_or_held(conn: Connection, thread_id: ThreadId) -> list[Run]:
    """The runs of a thread that have not ended, oldest first; few, as a thread runs one at a time."""
    return [from_row(row) for row in conn.execute(_LIVE_OF_THREAD, {"thread_id": thread_id})]


def move(
    conn: Connection,
    run_id: RunId,
    *,
    from_: Collection[RunStatus],
    to: RunStatus,
    **changes: Any,
) -> bool:
    """
    Move a run on, if it is still where the caller believes it to be.

    Args:
        conn: The connection.
        run_id: The run.
        from_: Statuses it may be in.
        to: The status it gets.
        changes: Any of started_at, ended_at, error (a Failure), end_checkpoint_id, deliveries.

    Returns:
        False if it was in another status, or is unknown; then nothing changed.
    """
    unknown = changes.keys() - _CHANGEABLE
    if unknown:
        raise TypeError(f"A move cannot change {', '.join(sorted(unknown))}.")
    values = dict(changes)
    if "error" in values:
        failure: Failure | None = values["error"]
        values["error"] = None if failure is None else failure.as_json()
        values["error_type"] = None if failure is None else failure.type
    statement = _move(tuple(sorted(values)))
    parameters = {f"new_{name}": value for name, value in values.items()}
    result = conn.execute(statement, parameters | {"id": run_id, "from": list(from_), "to": to})
    return result.rowcount == 1


def request_cancel(conn: Connection, run_id: RunId, *, now: datetime) -> bool:
    """Note that a run shall end; the first request keeps its time. False if it has ended or is unknown."""
    return conn.execute(_REQUEST_CANCEL, {"id": run_id, "now": now}).rowcount == 1


def fetch_cancel_requests(conn: Connection, *, run_ids: Collection[RunId]) -> set[RunId]:
    """Those of these runs that somebody asked to cancel."""
    if not run_ids:
        return set()
    return set(conn.execute(_CANCEL_REQUESTS, {"run_ids": list(run_ids)}).scalars())


def count_by_status(conn: Connection) -> dict[RunStatus, int]:
    """How many runs are queued, running, waiting and paused; those that ended are not counted."""
    counts = dict.fromkeys((RunStatus(status) for status in _LIVE), 0)
    for status, count in conn.execute(_COUNT_LIVE):
        counts[RunStatus(status)] = count
    return counts


def rate(conn: Connection, run_id: RunId, rating: int) -> int | None:
    """Set a run's rating; the one before."""
    before: int | None = conn.execute(_RATING, {"id": run_id}).scalar_one_or_none()
    conn.execute(_RATE, {"id": run_id, "new_rating": rating})
    return before


def mark_not_durable(conn: Connection, run_id: RunId, steps: int) -> None:
    """Keep how many steps of a run were in its worker's memory only; never fewer than before."""
    conn.execute(_MARK_NOT_DURABLE, {"id": run_id, "count": steps})


def mark_repeated(conn: Connection, run_id: RunId) -> None:
    """Keep that a run may have done steps again that its worker took with it from its memory."""
    conn.execute(_MARK_REPEATED, {"id": run_id})


def fetch_durability(conn: Connection, run_id: RunId) -> tuple[int, bool]:
    """What both marks kept of a run; nothing if there is no such run."""
    return read_durability(conn.execute(_STEPS_IN_MEMORY, {"id": run_id}).scalar_one_or_none())


def oldest_queued_at(conn: Connection, *, of_all: bool = False) -> datetime | None:
    """
    Since when the run that has waited longest for a worker has been there, what is held apart.

    `of_all`: of every tenant, whoever asks.
    """
    statement = _OLDEST_QUEUED_OF_ALL if of_all else _OLDEST_QUEUED
    oldest: datetime | None = conn.execute(statement).scalar_one_or_none()
    return oldest


def count_queued(
    conn: Connection, *, at_most: int, workflow: str | None = None, but: Collection[str] = ()
) -> int:
    """How many runs wait for a worker, of every tenant; counted no further than `at_most`."""
    statement = _COUNT_QUEUED if workflow is None else _COUNT_QUEUED_OF
    if but:
        statement = _COUNT_QUEUED_BUT
    asked = {"at_most": at_most, "workflow": workflow, "but": list(but)}
    found: int = conn.execute(statement, asked).scalar_one()
    return found


@lru_cache(maxsize=64)
def _move(names: tuple[str, ...]) -> Update:
    return (
        update(runs)
        .where(
            runs.c.run_id == bindparam("id"), runs.c.status.in_(bindparam("from", expanding=True))
        )
        .values(status=bindparam("to"), **{name: bindparam(f"new_{name}") for name in names})
    )


def _let_find(conn: Connection, new: Sequence[Run]) -> None:
    by_content = searching.is_by_content(conn)
    texts = [(run.run_id, _words(run, by_content=by_content)) for run in new]
    searching.put(conn, About.RUN, texts)


def _words(run: Run, *, by_content: bool) -> str:
    ids = searching.ids_of(run.run_id, run.thread_id)
    # A retry is found by what it retries.
    given = run.input if by_content and run.kind is RunKind.START else None
    return f"{ids} {searching.texts_of(run.workflow, run.created_by, run.variant, given)}"


def _one(row: Row[Any] | None) -> Run | None:
    return None if row is None else from_row(row)
