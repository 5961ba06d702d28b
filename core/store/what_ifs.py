"""What-ifs: a point of a thread answered in several ways on copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update
from sqlalchemy import insert as insert_into

from interlock.core.model.history import WhatIf, WhatIfSide, WhatIfStatus
from interlock.core.store.schema import what_if_sides, what_ifs
from interlock.core.types import Json, ThreadId

_INSERT = insert_into(what_ifs)
_INSERT_SIDES = insert_into(what_if_sides)
_COLUMNS = tuple(column.name for column in what_ifs.columns)
_SIDE_COLUMNS = tuple(column.name for column in what_if_sides.columns)
_OPEN = (WhatIfStatus.QUEUED.value, WhatIfStatus.RUNNING.value)

_FETCH = select(what_ifs).where(what_ifs.c.what_if_id == bindparam("of_id"))
_SIDES = (
    select(what_if_sides)
    .where(what_if_sides.c.what_if_id == bindparam("of_id"))
    .order_by(what_if_sides.c.side)
)
_OF_THREAD = (
    select(what_ifs)
    .where(what_ifs.c.thread_id == bindparam("of_thread"))
    .order_by(what_ifs.c.created_at.desc(), what_ifs.c.what_if_id.desc())
    .limit(bindparam("limit"))
)
_CLOSE = (
    update(what_ifs)
    .where(
        what_ifs.c.what_if_id == bindparam("of_id"),
        what_ifs.c.status == WhatIfStatus.OPEN.value,
    )
    .values(status=bindparam("to_status"), kept_side=bindparam("to_side"))
)
_THIS_SIDE = (
    what_if_sides.c.what_if_id == bindparam("of_id"),
    what_if_sides.c.side == bindparam("of_side"),
)
_START = update(what_if_sides).where(*_THIS_SIDE).values(status=WhatIfStatus.RUNNING.value)
_COUNT_OPEN = (
    select(func.count())
    .select_from(what_if_sides.join(what_ifs, what_ifs.c.what_if_id == what_if_sides.c.what_if_id))
    .where(what_ifs.c.created_at >= bindparam("since"), what_if_sides.c.status.in_(_OPEN))
)


_IS_CLOSED = what_ifs.c.status != WhatIfStatus.OPEN.value
_CLOSED = (
    select(what_ifs.c.what_if_id)
    .where(_IS_CLOSED, what_ifs.c.created_at < bindparam("before"))
    .order_by(what_ifs.c.created_at, what_ifs.c.what_if_id)
    .limit(bindparam("limit"))
)
_CLOSED_OF_WORKFLOW = _CLOSED.where(what_ifs.c.workflow == bindparam("of_workflow"))
_DELETE_CLOSED = delete(what_ifs).where(
    _IS_CLOSED, what_ifs.c.what_if_id.in_(bindparam("ids", expanding=True))
)


def insert(conn: Connection, what_if: WhatIf) -> None:
    """
    Record a what-if with its sides; its thread is there already.

    Raises:
        InvalidInput: Something that is answered or given has no JSON form.
    """
    conn.execute(_INSERT, {name: getattr(what_if, name) for name in _COLUMNS})
    conn.execute(_INSERT_SIDES, [_side_as_row(side) for side in what_if.sides])


def fetch(conn: Connection, what_if_id: str) -> WhatIf | None:
    """The what-if of this id, with its sides."""
    row = conn.execute(_FETCH, {"of_id": what_if_id}).one_or_none()
    if row is None:
        return None
    rows = conn.execute(_SIDES, {"of_id": what_if_id}).mappings()  # `values` is a method of a row
    return _from_row(row, tuple(_side_from_row(dict(side)) for side in rows))


def fetch_for_thread(conn: Connection, thread_id: ThreadId, *, limit: int) -> list[WhatIf]:
    """The what-ifs of a thread, newest first, without their sides."""
    rows = conn.execute(_OF_THREAD, {"of_thread": thread_id, "limit": limit})
    return [_from_row(row, ()) for row in rows]


def close(
    conn: Connection, what_if_id: str, *, status: WhatIfStatus, kept_side: str | None = None
) -> bool:
    """Close a what-if that is open; False if it was closed before."""
    values = {"of_id": what_if_id, "to_status": status.value, "to_side": kept_side}
    return conn.execute(_CLOSE, values).rowcount == 1


def start_side(conn: Connection, what_if_id: str, side: str) -> None:
    """A worker tries this side now."""
    conn.execute(_START, {"of_id": what_if_id, "of_side": side})


def end_side(conn: Connection, what_if_id: str, side: str, outcome: Mapping[str, Any]) -> None:
    """
    Keep what one side came to.

    Args:
        conn: The transaction.
        what_if_id: The what-if.
        side: Which of its sides.
        outcome: New values by name of the field.
    """
    end = update(what_if_sides).where(*_THIS_SIDE).values(**_plain(outcome))
    conn.execute(end, {"of_id": what_if_id, "of_side": side})


def count_open(conn: Connection, *, since: datetime) -> int:
    """How many sides begun since then are still under way."""
    return int(conn.execute(_COUNT_OPEN, {"since": since}).scalar_one())


def find_closed(
    conn: Connection, *, before: datetime, workflow: str | None, limit: int
) -> list[str]:
    """What-ifs begun before a moment that an answer was kept of, or that were discarded, oldest first."""
    values = {"before": before, "limit": limit}
    if workflow is None:
        return list(conn.execute(_CLOSED, values).scalars())
    return list(conn.execute(_CLOSED_OF_WORKFLOW, values | {"of_workflow": workflow}).scalars())


def delete_closed(conn: Connection, ids: Sequence[str]) -> int:
    """Delete what-ifs with their sides, unless one is open; how many went."""
    return conn.execute(_DELETE_CLOSED, {"ids": list(ids)}).rowcount


def _side_as_row(side: WhatIfSide) -> dict[str, Any]:
    return _plain({name: getattr(side, name) for name in _SIDE_COLUMNS})


def _plain(values: Mapping[str, Any]) -> dict[str, Json]:
    """As the columns take them: lists for tuples, plain mappings, words for statuses."""
    plain: dict[str, Json] = dict(values)
    for name in ("path", "asks"):
        if name in plain:
            plain[name] = list(plain[name])
    for name in ("intent", "stand_ins"):
        if name in plain:
            plain[name] = dict(plain[name])
    if "status" in plain:
        plain["status"] = str(plain["status"])
    return plain


def _from_row(row: Row[Any], sides: tuple[WhatIfSide, ...]) -> WhatIf:
    values = {name: getattr(row, name) for name in _COLUMNS}
    return WhatIf(**values | {"status": WhatIfStatus(row.status)}, sides=sides)


def _side_from_row(row: Mapping[str, Any]) -> WhatIfSide:
    values = {name: row[name] for name in _SIDE_COLUMNS}
    read = {
        "status": WhatIfStatus(row["status"]),
        "path": tuple(row["path"]),
        "asks": tuple(row["asks"]),
    }
    return WhatIfSide(**values | read)
