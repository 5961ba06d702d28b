"""A run's ordered log, which a screen can replay from any number on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from interlock.core.model.nodes import RunEvent
from interlock.core.store import bulk
from interlock.core.store.schema import run_events
from interlock.core.types import RunId

MAX_SEQ = 2**31 - 1  # what the column holds

_INSERT = bulk.insert_new(run_events)
_AFTER = (
    select(run_events)
    .where(run_events.c.run_id == bindparam("run_id"), run_events.c.seq > bindparam("after_seq"))
    .order_by(run_events.c.seq)
    .limit(bindparam("limit"))
)
_AFTER_OF_KINDS = _AFTER.where(run_events.c.kind.in_(bindparam("kinds", expanding=True)))
_BEFORE = (
    select(run_events)
    .where(run_events.c.run_id == bindparam("run_id"), run_events.c.seq < bindparam("before_seq"))
    .order_by(run_events.c.seq.desc())
    .limit(bindparam("limit"))
)
_BEFORE_OF_KINDS = _BEFORE.where(run_events.c.kind.in_(bindparam("kinds", expanding=True)))
_LAST_SEQ = select(func.max(run_events.c.seq)).where(run_events.c.run_id == bindparam("run_id"))


def insert_many(conn: Connection, events: Sequence[RunEvent]) -> None:
    """Append events; one whose number the run has already is left out."""
    _INSERT.run(conn, [vars(event) for event in events])


def fetch_for_run(
    conn: Connection,
    run_id: RunId,
    *,
    after_seq: int = 0,
    limit: int = 1000,
    kinds: Sequence[str] = (),
) -> list[RunEvent]:
    """The events of a run after a number, in order; `kinds` empty means all."""
    parameters: dict[str, Any] = {"run_id": run_id, "after_seq": after_seq, "limit": limit}
    if kinds:
        rows = conn.execute(_AFTER_OF_KINDS, parameters | {"kinds": list(kinds)})
    else:
        rows = conn.execute(_AFTER, parameters)
    return [_from_row(row) for row in rows]


def fetch_newest(
    conn: Connection,
    run_id: RunId,
    *,
    before_seq: int | None = None,
    limit: int = 1000,
    kinds: Sequence[str] = (),
) -> list[RunEvent]:
    """The newest events of a run, or the newest before a number, oldest first; `kinds` empty means all."""
    before = MAX_SEQ if before_seq is None else before_seq
    parameters: dict[str, Any] = {"run_id": run_id, "before_seq": before, "limit": limit}
    if kinds:
        rows = conn.execute(_BEFORE_OF_KINDS, parameters | {"kinds": list(kinds)})
    else:
        rows = conn.execute(_BEFORE, parameters)
    return [_from_row(row) for row in rows][::-1]


def last_seq(conn: Connection, run_id: RunId) -> int:
    """The number of the run's newest event; 0 if it has none."""
    return conn.execute(_LAST_SEQ, {"run_id": run_id}).scalar_one() or 0


def _from_row(row: Row[Any]) -> RunEvent:
    return RunEvent(
        run_id=row.run_id, seq=row.seq, kind=row.kind, path=row.path, at=row.at, data=row.data
    )
