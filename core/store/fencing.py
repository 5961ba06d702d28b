"""
The fence of Postgres (law 3): a worker that was found dead loses its sessions and gets no new ones.

The sessions of a worker are called by its id. A session that is opened asks whether its worker was
found dead: one that got "no" was there before the mark, so whoever marked sees it and ends it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Engine, bindparam, event, text

from interlock.core.errors import StoreUnavailable
from interlock.core.store import dialect
from interlock.core.store.workers import DEAD
from interlock.core.types import WorkerId

PATIENCE_S = 5.0  # a session that is told to end is gone at once, unless its disk hangs
POLL_S = 0.02

IS_ALIVE = "SELECT EXISTS (SELECT 1 FROM workers WHERE worker_id = %s AND status <> %s)"
_NAMES: BindParameter[str] = bindparam("names", expanding=True)
_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name IN :names"  # a restored copy has the same
).bindparams(_NAMES)
_LEFT = text(
    "SELECT DISTINCT application_name FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name IN :names"
).bindparams(_NAMES)
_TRY = text("SELECT pg_try_advisory_lock(:key)")
_ALIVE = text("SELECT 1")
_UP_SINCE = text("SELECT pg_postmaster_start_time()")


Session = Connection  # one that is a turn as long as it is open


def session_name(worker_id: WorkerId) -> str:
    """How all sessions of a worker are called towards the server."""
    return f"interlock-worker-{worker_id}"


def fetch_up_since(conn: Connection) -> datetime:
    """Since when the server has been running: before that nobody could give it a sign of life."""
    found: datetime = conn.execute(_UP_SINCE).scalar_one()
    return found


def end_sessions(conn: Connection, worker_ids: Collection[WorkerId]) -> list[WorkerId]:
    """
    End all sessions of these workers; whose are all gone.

    A session that is just committing ends after that, so it is waited for.
    """
    if not worker_ids:
        return []
    by_name = {session_name(worker_id): worker_id for worker_id in worker_ids}
    conn.execute(_END, {"names": list(by_name)})
    deadline = time.monotonic() + PATIENCE_S
    while True:
        left = set(conn.execute(_LEFT, {"names": list(by_name)}).scalars())
        if not left or time.monotonic() > deadline:
            return [worker_id for name, worker_id in by_name.items() if name not in left]
        time.sleep(POLL_S)


def take_turn(engine: Engine, key: dialect.Lock) -> Session | None:
    """
    Be the one of all workers on a Postgres that does something, as long as the connection is open.

    It ends with the worker's other sessions, should that be found dead. None if another is the one.
    """
    conn = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    if conn.execute(_TRY, {"key": key}).scalar_one():
        return conn
    conn.close()
    return None


def has_turn(conn: Session) -> bool:
    """Whether the session of a turn has not ended."""
    try:
        conn.execute(_ALIVE)
    except StoreUnavailable:
        return False
    return True


def end_turn(conn: Session) -> None:
    """Let another have it: the session ends, which the pool would keep."""
    conn.invalidate()
    conn.close()


def guard(engine: Engine, worker_id: WorkerId, lose: Callable[[], None]) -> None:
    """Have each new session of a worker's store ask whether it was found dead; then `lose` is called."""

    def ask(connection: Any, _entry: Any) -> None:
        found = connection.execute(IS_ALIVE, (worker_id, DEAD)).fetchone()
        connection.rollback()
        if not found[0]:
            lose()

    event.listen(engine, "connect", ask)
