"""Holding workflows, or everything, and letting them go on (law 8: recorded under who did it)."""

from __future__ import annotations

from interlock.core.errors import Conflict, NotFound
from interlock.core.model.holds import EVERYTHING, Hold
from interlock.core.model.people import Permission
from interlock.core.services.context import App
from interlock.core.services.permitting import command, is_seen, require_house
from interlock.core.store import audit, engine, holds, topics, workflows


@command(Permission.GUARD)
def hold(app: App, workflow: str | None, *, actor: str, reason: str = "") -> Hold:
    """
    Start no new node of a workflow, or of any; what runs ends its superstep.

    Args:
        app: The application.
        workflow: Its name; None holds everything.
        actor: Who holds.
        reason: Why; told on every page.

    Raises:
        NotFound: No such workflow is published.
        Conflict: It is held already; the message says by whom.
    """
    if workflow is None:
        require_house(app, "Everything")
    now = app.clock.now()
    new = Hold(scope=workflow or EVERYTHING, held_by=actor, reason=reason.strip(), held_at=now)
    with engine.write(app.engine) as conn:
        if workflow is not None and workflows.fetch(conn, workflow) is None:
            raise NotFound("workflow", workflow, hint="`interlock workflows` lists them.")
        held = holds.fetch(conn, new.scope)
        if held is not None:
            raise Conflict(f"{_name(held.scope)} is held already, by {held.held_by}.")
        holds.insert(conn, new)
        topics.bump(conn, "holds", "inbox", "runs")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="hold",
            object_=_object(new.scope),
            after={"scope": new.scope},
            reason=new.reason,
        )
    return new


@command(Permission.GUARD)
def release(app: App, workflow: str | None, *, actor: str, reason: str = "") -> Hold:
    """
    Let a workflow, or everything, go on where it stopped.

    Returns:
        The hold that ended.

    Raises:
        Conflict: It is not held (any more).
    """
    if workflow is None or not is_seen(app, workflow):
        require_house(app, _name(workflow or EVERYTHING))
    now = app.clock.now()
    scope = workflow or EVERYTHING
    with engine.write(app.engine) as conn:
        held = holds.fetch(conn, scope)
        if held is None or not holds.remove(conn, scope):
            raise Conflict(
                f"{_name(scope)} is not held.", hint="`interlock holds` lists what is held."
            )
        topics.bump(conn, "holds", "inbox", "runs")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="release",
            object_=_object(scope),
            before={"held_by": held.held_by, "reason": held.reason},
            reason=reason.strip(),
        )
    return held


def list_holds(app: App) -> list[Hold]:
    """What is held, everything first."""
    with engine.read(app.engine) as conn:
        found = holds.fetch_all(conn)
    return [each for each in found if each.scope == EVERYTHING or is_seen(app, each.scope)]


def _name(scope: str) -> str:
    return "Everything" if scope == EVERYTHING else f"The workflow {scope}"


def _object(scope: str) -> str:
    return "everything" if scope == EVERYTHING else f"workflow:{scope}"
