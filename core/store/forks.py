"""Forks: each time that somebody set a thread back, edited its state or copied it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select
from sqlalchemy import insert as insert_into

from interlock.core.model.history import (
    EditMode,
    FieldEdit,
    Fork,
    ForkLine,
    PlannedAnswer,
)
from interlock.core.model.rewinding import RewindVerb
from interlock.core.store.schema import forks
from interlock.core.types import RunId, ThreadId

_INSERT = insert_into(forks)
_OF_RUN = select(forks).where(forks.c.run_id == bindparam("of_run"))
_LINE = tuple(c for c in forks.columns if c.name not in {"edits", "answers", "preview"})
_OF_THREAD = (
    select(*_LINE)
    .where(forks.c.thread_id == bindparam("of_thread"))
    .order_by(forks.c.created_at.desc(), forks.c.fork_id.desc())
    .limit(bindparam("limit"))
)
_NEWEST = (
    select(forks)
    .where(forks.c.thread_id == bindparam("of_thread"))
    .order_by(forks.c.created_at.desc(), forks.c.fork_id.desc())
    .limit(1)
)


def insert(conn: Connection, fork: Fork) -> None:
    """
    Record a fork; its thread is there already.

    Raises:
        Conflict: Its run carries another fork.
        InvalidInput: An edit or an answer has no JSON form.
    """
    lists = {
        "edits": [asdict(edit) for edit in fork.edits],
        "answers": [asdict(answer) for answer in fork.answers],
        "preview": fork.preview,
    }
    conn.execute(_INSERT, vars(fork) | lists)


def fetch_for_run(conn: Connection, run_id: RunId) -> Fork | None:
    """The fork that a run carries out."""
    row = conn.execute(_OF_RUN, {"of_run": run_id}).one_or_none()
    return None if row is None else _from_row(row)


def fetch_newest(conn: Connection, thread_id: ThreadId) -> Fork | None:
    """The fork of a thread that was made last."""
    row = conn.execute(_NEWEST, {"of_thread": thread_id}).one_or_none()
    return None if row is None else _from_row(row)


def fetch_for_thread(conn: Connection, thread_id: ThreadId, *, limit: int) -> list[ForkLine]:
    """The forks of a thread, newest first, without what may be large."""
    rows = conn.execute(_OF_THREAD, {"of_thread": thread_id, "limit": limit})
    return [ForkLine(**_line(row)) for row in rows]


def _line(row: Row[Any]) -> dict[str, Any]:
    return {c.name: getattr(row, c.name) for c in _LINE} | {"verb": RewindVerb(row.verb)}


def _from_row(row: Row[Any]) -> Fork:
    return Fork(
        **_line(row),
        edits=tuple(FieldEdit(**edit | {"mode": EditMode(edit["mode"])}) for edit in row.edits),
        answers=tuple(PlannedAnswer(**answer) for answer in row.answers),
        preview=row.preview,
    )
