"""
The demonstration, as people steer it: its rate and what is made to fail. Another process plays it.

Only a folder without real work is taken for one; what a person changes is audited like anything else.
"""

from __future__ import annotations

from sqlalchemy import Connection

from interlock.core.errors import Conflict, NotFound
from interlock.core.model import demonstration
from interlock.core.model.demonstration import Demonstration
from interlock.core.model.people import Permission
from interlock.core.model.runs import HELD, OPEN, RunStatus
from interlock.core.services.context import App
from interlock.core.services.permitting import command
from interlock.core.store import audit, demonstrations, engine, runs, topics
from interlock.core.types import Json, ThreadId

TOPIC = "demonstration"
CUT_OFF_LIMIT = 1000  # played runs that were under way at once; there are some dozens at most


def begin(app: App, *, seed: int, per_minute: int) -> Demonstration:
    """
    Make this database that of a demonstration, or go on with the one that plays in it.

    Raises:
        InvalidInput: The rate is none.
        Conflict: Real work is in it, which must not be mixed with what is played.
    """
    demonstration.check_rate(per_minute)
    with engine.write(app.engine) as conn:
        found = demonstrations.fetch(conn)
        if found is not None:
            demonstrations.change(conn, per_minute=per_minute)
            return Demonstration(**{**vars(found), "per_minute": per_minute})
        if demonstrations.has_runs(conn):
            raise Conflict(
                f"There is real work in {app.settings.data_dir}; a demonstration is not mixed with it.",
                hint="Name an empty folder, for example --data-dir .interlock-demo.",
            )
        new = Demonstration(
            seed=seed, per_minute=per_minute, faults=frozenset(), begun_at=app.clock.now()
        )
        demonstrations.insert(conn, new)
        topics.bump(conn, TOPIC)
    return new


def read(app: App) -> Demonstration | None:
    """The demonstration that plays here, None where real work is done."""
    with engine.read(app.engine) as conn:
        return demonstrations.fetch(conn)


@command(Permission.GUARD)
def set_rate(app: App, per_minute: int, *, actor: str) -> Demonstration:
    """
    Let new work come at another rate; 0 stops it.

    Raises:
        InvalidInput: That is no rate.
        NotFound: No demonstration plays here.
    """
    demonstration.check_rate(per_minute)
    return _change(app, "demo:rate", actor, per_minute=per_minute)


@command(Permission.GUARD)
def set_fault(app: App, name: str, *, is_failing: bool, actor: str) -> Demonstration:
    """
    Make a service fail that the shipped workflows call, or let it work again.

    Raises:
        InvalidInput: There is no such service.
        NotFound: No demonstration plays here.
    """
    service = demonstration.read_service(name)
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        before = _require(conn)
        faults = before.faults | {service} if is_failing else before.faults - {service}
        demonstrations.change(conn, faults=faults)
        topics.bump(conn, TOPIC)
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="demo:fail" if is_failing else "demo:mend",
            object_=f"service:{service}",
            before={"faults": sorted(before.faults)},
            after={"faults": sorted(faults)},
        )
        return _require(conn)


def tell_alive(app: App) -> Demonstration | None:
    """A sign of life of what plays it; the demonstration as people want it by now."""
    with engine.write(app.engine) as conn:
        demonstrations.change(conn, beat_at=app.clock.now())
        return demonstrations.fetch(conn)


def tell_filled(app: App) -> None:
    """The week before is all there."""
    _note(app, filled_at=app.clock.now())


def tell_opened(app: App) -> None:
    """The first threads have been started."""
    _note(app, opened_at=app.clock.now())


def add_played(conn: Connection, thread_ids: list[ThreadId]) -> None:
    """These threads are played, in the caller's transaction that makes them."""
    demonstrations.mark_simulated(conn, thread_ids, None)


def end_played(app: App, thread_ids: list[ThreadId]) -> None:
    """These threads were played to their end: they are read from now on, and not gone on with."""
    with engine.write(app.engine) as conn:
        demonstrations.mark_simulated(conn, thread_ids, demonstration.SIMULATED)


def close_cut_off(app: App) -> int:
    """
    Cancel the runs whose playing was cut off, as no worker carries them.

    Returns:
        How many there were.
    """
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        found = runs.fetch_by_ids(conn, demonstrations.fetch_cut_off(conn, limit=CUT_OFF_LIMIT))
        for run in found.values():
            runs.move(conn, run.run_id, from_=OPEN | HELD, to=RunStatus.CANCELLED, ended_at=now)
        ended = [run.thread_id for run in found.values()]
        demonstrations.mark_simulated(conn, ended, demonstration.SIMULATED)
        if ended:
            topics.bump(conn, "runs")
    return len(ended)


def _change(app: App, action: str, actor: str, **columns: Json) -> Demonstration:
    with engine.write(app.engine) as conn:
        before = _require(conn)
        demonstrations.change(conn, **columns)
        topics.bump(conn, TOPIC)
        audit.append(
            conn,
            at=app.clock.now(),
            actor=actor,
            action=action,
            object_="demonstration",
            before={name: getattr(before, name) for name in columns},
            after=columns,
        )
        return _require(conn)


def _note(app: App, **columns: object) -> None:
    with engine.write(app.engine) as conn:
        demonstrations.change(conn, **columns)
        topics.bump(conn, TOPIC)


def _require(conn: Connection) -> Demonstration:
    found = demonstrations.fetch(conn)
    if found is None:
        raise NotFound(
            "demonstration", "here", hint="`interlock up --demo` begins one in an empty folder."
        )
    return found
