"""Holds: at most one a scope."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy import insert as insert_into

from interlock.core.model.holds import Hold
from interlock.core.store.schema import holds

MAX_HOLDS = 1000  # one a workflow

_ALL = select(holds).order_by(holds.c.scope).limit(MAX_HOLDS)
_ONE = select(holds).where(holds.c.scope == bindparam("of_scope"))
_INSERT = insert_into(holds)
_DELETE = delete(holds).where(holds.c.scope == bindparam("of_scope"))


def fetch_all(conn: Connection) -> list[Hold]:
    """All holds, that of everything first."""
    return [Hold(**row) for row in conn.execute(_ALL).mappings()]


def fetch(conn: Connection, scope: str) -> Hold | None:
    """The hold of a scope."""
    row = conn.execute(_ONE, {"of_scope": scope}).mappings().one_or_none()
    return None if row is None else Hold(**row)


def insert(conn: Connection, hold: Hold) -> None:
    """
    Hold a scope.

    Raises:
        Conflict: It is held already.
    """
    conn.execute(_INSERT, vars(hold))


def remove(conn: Connection, scope: str) -> bool:
    """Hold a scope no longer; False if it was not held."""
    return conn.execute(_DELETE, {"of_scope": scope}).rowcount == 1
