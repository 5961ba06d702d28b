"""Flags, as somebody last switched them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from interlock.core.model.flags import Flag, FlagState, find_flag
from interlock.core.store import dialect
from interlock.core.store.schema import flags

_ALL = select(flags).order_by(flags.c.name).limit(100)
_ONE = select(flags).where(flags.c.name == bindparam("of_name"))
_UPSERT = dialect.upsert(flags)


def fetch_all(conn: Connection) -> list[FlagState]:
    """Those that were ever switched; one that only a later release knows is left out."""
    found = [_from_row(row) for row in conn.execute(_ALL)]
    return [state for state in found if state is not None]


def fetch(conn: Connection, flag: Flag) -> FlagState:
    """One flag."""
    row = conn.execute(_ONE, {"of_name": flag.value}).one_or_none()
    found = None if row is None else _from_row(row)
    return found or FlagState(flag=flag)


def put(conn: Connection, state: FlagState) -> None:
    """Keep how one stands."""
    row = {key: value for key, value in vars(state).items() if key != "flag"}
    conn.execute(_UPSERT.on(conn), [row | {"name": state.flag.value}])


def _from_row(row: Row[Any]) -> FlagState | None:
    flag = find_flag(row.name)
    if flag is None:
        return None
    return FlagState(
        flag=flag,
        is_on=row.is_on,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        reason=row.reason,
    )
