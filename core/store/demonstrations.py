"""The demonstration that plays in this database, if one does, and people's tours."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, bindparam, exists, select, update
from sqlalchemy import insert as insert_into

from interlock.core.model.demonstration import Demonstration, Service
from interlock.core.model.runs import HELD, OPEN
from interlock.core.model.threads import Origin
from interlock.core.model.tours import Tour, TourStatus, TourStep
from interlock.core.store import dialect
from interlock.core.store.schema import demonstrations, runs, threads, tours
from interlock.core.types import RunId, ThreadId

THE_ONE = "demonstration"

_FETCH = select(demonstrations).where(demonstrations.c.demonstration_id == THE_ONE)
_INSERT = insert_into(demonstrations)
_HAS_RUNS = select(exists(select(runs.c.run_id)))
_FETCH_TOUR = select(tours).where(tours.c.actor == bindparam("who"))
_PUT_TOUR = dialect.upsert(tours)
_MARK_THREADS = (
    update(threads)
    .where(threads.c.thread_id == bindparam("id"))
    .values(origin=Origin.SIMULATED.value, trouble=bindparam("why"))
)

_CUT_OFF = (
    select(runs.c.run_id)
    .join(threads, threads.c.thread_id == runs.c.thread_id)
    .where(
        threads.c.origin == Origin.SIMULATED.value,
        runs.c.status.in_(sorted(OPEN | HELD)),
    )
    .order_by(runs.c.created_at, runs.c.run_id)
    .limit(bindparam("limit"))
)


def fetch(conn: Connection) -> Demonstration | None:
    """The demonstration that plays here."""
    row = conn.execute(_FETCH).mappings().one_or_none()
    if row is None:
        return None
    kept = {name: value for name, value in row.items() if name != "demonstration_id"}
    return Demonstration(**{**kept, "faults": frozenset(Service(f) for f in row["faults"])})


def insert(conn: Connection, new: Demonstration) -> None:
    """
    Begin one.

    Raises:
        Conflict: One plays already.
    """
    conn.execute(_INSERT, {"demonstration_id": THE_ONE, **vars(new), "faults": sorted(new.faults)})


def change(conn: Connection, **columns: Any) -> None:
    """Change columns of the one that plays."""
    if "faults" in columns:
        columns["faults"] = sorted(columns["faults"])
    conn.execute(update(demonstrations).values(**columns))


def has_runs(conn: Connection) -> bool:
    """Whether anything ever ran here."""
    return bool(conn.execute(_HAS_RUNS).scalar_one())


def mark_simulated(conn: Connection, thread_ids: Collection[ThreadId], why: str | None) -> None:
    """These threads are played, not run; `why` they can be read only, None while they are."""
    if thread_ids:
        conn.execute(_MARK_THREADS, [{"id": thread_id, "why": why} for thread_id in thread_ids])


def fetch_tour(conn: Connection, actor: str) -> Tour | None:
    """How far this person's tour is."""
    row = conn.execute(_FETCH_TOUR, {"who": actor}).mappings().one_or_none()
    if row is None:
        return None
    return Tour(
        actor=row["actor"],
        status=TourStatus(row["status"]),
        step=TourStep(row["step"]),
        begun_at=row["begun_at"],
        seen=frozenset(TourStep(name) for name in row["seen"]),
    )


def put_tour(conn: Connection, tour: Tour) -> None:
    """Keep how far a person's tour is."""
    row = {**vars(tour), "status": str(tour.status), "seen": sorted(tour.seen)}
    conn.execute(_PUT_TOUR.on(conn), row)


def fetch_cut_off(conn: Connection, *, limit: int) -> list[RunId]:
    """Runs of played threads that did not end, oldest first."""
    return list(conn.execute(_CUT_OFF, {"limit": limit}).scalars())
