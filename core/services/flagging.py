"""Switching off what a whole installation does, and on again, while it runs (law 8: recorded under who did it)."""

from __future__ import annotations

from sqlalchemy import Connection

from interlock.core.errors import Conflict, NotFound, SwitchedOff
from interlock.core.model.flags import Flag, FlagState, complete, find_flag
from interlock.core.model.people import Permission
from interlock.core.services.context import App
from interlock.core.services.permitting import command, require_house
from interlock.core.store import audit, engine, flags, topics
from interlock.core.types import Json

TOPICS = ("holds", "workers")  # what the frame of every page and the page System listen to


@command(Permission.ADMINISTER)
def switch(app: App, name: str, *, is_on: bool, actor: str, reason: str = "") -> FlagState:
    """
    Switch a flag; it counts from the next command of anybody on.

    Args:
        app: The parts.
        name: The flag's.
        is_on: How it is to stand.
        actor: Who switches it.
        reason: Why; told to whoever is refused.

    Raises:
        NotFound: There is no such flag.
        Conflict: It stands so already; the message says by whom.
    """
    require_house(app, "A flag")
    flag = find_flag(name)
    if flag is None:
        raise NotFound("flag", name, hint=f"There are {', '.join(Flag)}.")
    now = app.clock.now()
    new = FlagState(flag=flag, is_on=is_on, changed_at=now, changed_by=actor, reason=reason.strip())
    with engine.write(app.engine) as conn:
        was = flags.fetch(conn, flag)
        if was.is_on is is_on:
            raise Conflict(f"{was.said}", hint="Nothing was changed.")
        flags.put(conn, new)
        topics.bump(conn, *TOPICS)
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="flag_on" if is_on else "flag_off",
            object_=f"flag:{flag.value}",
            before=_document(was),
            after=_document(new),
            reason=new.reason,
        )
    return new


def list_flags(app: App) -> list[FlagState]:
    """All flags, in their order."""
    with engine.read(app.engine) as conn:
        return complete(flags.fetch_all(conn))


def require(app: App, flag: Flag) -> None:
    """
    See that what is asked for is not switched off.

    Raises:
        SwitchedOff: It is; the message says by whom and why.
    """
    with engine.read(app.engine) as conn:
        require_within(conn, flag)


def require_within(conn: Connection, flag: Flag) -> None:
    """
    The same in a transaction.

    Raises:
        SwitchedOff: It is off.
    """
    state = flags.fetch(conn, flag)
    if not state.is_on:
        raise SwitchedOff(state.said, flag=flag.value)


def is_on(app: App, flag: Flag) -> bool:
    """Whether it is on, for what waits meanwhile instead of being refused."""
    with engine.read(app.engine) as conn:
        return flags.fetch(conn, flag).is_on


def _document(state: FlagState) -> dict[str, Json]:
    return {"is_on": state.is_on}
