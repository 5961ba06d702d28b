"""
Head numbers of what the screens show: one that moved says that something has to be drawn again.

On Postgres a topic's row is locked until the commit, and all who change something need it: so it is
bumped last in its transaction.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, func, select

from interlock.core.model.runs import RunStatus
from interlock.core.store import dialect, engine, events
from interlock.core.store.schema import run_events, runs, topics
from interlock.core.types import RunId

_BUMP = dialect.upsert(topics, change={"head": topics.c.head + 1})
_HEADS = select(topics.c.name, topics.c.head).order_by(topics.c.name).limit(1000)
_NEWEST = select(func.max(run_events.c.seq)).where(run_events.c.run_id == runs.c.run_id)
_RUN_HEADS = select(runs.c.run_id, runs.c.status, _NEWEST.scalar_subquery().label("head")).where(
    runs.c.run_id.in_(bindparam("run_ids", expanding=True))
)


def bump(conn: Connection, *names: str) -> None:
    """Note that something of these topics changed; at the end of the transaction, wherever it is said."""
    if names and not engine.put_off(conn, _bump, names):
        _bump(conn, names)


def _bump(conn: Connection, names: Collection[str]) -> None:
    # In one order everywhere, so that two transactions never wait for each other.
    conn.execute(_BUMP.on(conn), [{"name": name, "head": 1} for name in sorted(set(names))])


def fetch_heads(conn: Connection) -> dict[str, int]:
    """The head of each topic that ever moved; there are a handful."""
    return dict(conn.execute(_HEADS).all())


def run_heads(conn: Connection, run_ids: Collection[RunId]) -> dict[str, tuple[RunStatus, int]]:
    """Of several runs what they are doing, and their heads; those that there are not are left out."""
    rows = conn.execute(_RUN_HEADS, {"run_ids": list(run_ids)})
    return {row.run_id: (RunStatus(row.status), row.head or 0) for row in rows}


def run_head(conn: Connection, run_id: RunId) -> int:
    """The head of one run, which is the number of its newest event."""
    return events.last_seq(conn, run_id)
