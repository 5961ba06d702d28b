"""
Whether one connection is one session of Postgres, as everything here takes for granted.

A pooler in transaction mode hands each transaction to another session. What lasts longer than one goes
astray there without an error: locks held for a session, LISTEN, prepared statements, and the name by
which a dead worker's sessions are ended (law 3). So it is found out at the start and refused.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, text

from interlock.core.errors import StoreUnavailable
from interlock.core.store import engine as opening

TRIES = 4  # transactions open at a time; PgBouncer hands out the session that was used last
_PID = text("SELECT pg_backend_pid()")
_SET = text("SELECT set_config('interlock.session', :mark, false)")
_GET = text("SELECT current_setting('interlock.session', true)")


def require_sessions(engine: Engine) -> None:
    """
    See that sessions are ours alone; a direct connection costs one small query.

    Raises:
        StoreUnavailable: A pooler shares them, or the database does not answer.
    """
    if engine.dialect.name == "sqlite":
        return
    with opening.statements(engine) as conn:
        if _is_direct(conn) or not _is_shared(engine, conn):
            return
    raise StoreUnavailable(
        "Between here and Postgres stands a pooler in transaction mode (such as PgBouncer with"
        " pool_mode = transaction): each transaction gets another session, so that locks, LISTEN and"
        " the fence against dead workers do not hold.",
        hint="Set pool_mode = session for this database, or name Postgres itself in --database.",
    )


def _is_direct(conn: Connection) -> bool:
    """A pooler tells a number of its own when one connects, and not that of a process of Postgres."""
    driver: Any = conn.connection.driver_connection
    return bool(driver.info.backend_pid == conn.execute(_PID).scalar_one())


def _is_shared(engine: Engine, conn: Connection) -> bool:
    """Leave a mark in our session, and look whether others meet it or we lose it."""
    mark = uuid4().hex
    conn.execute(_SET, {"mark": mark})
    try:
        with ExitStack() as others:
            for _ in range(TRIES):
                other = others.enter_context(opening.read(engine))  # holds a session to its end
                if other.execute(_GET).scalar() == mark or conn.execute(_GET).scalar() != mark:
                    return True
    finally:
        conn.execute(_SET, {"mark": ""})
    return False
