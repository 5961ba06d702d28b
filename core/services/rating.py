"""What people think of a finished run: one rating from 1 to 5, the last one given holds."""

from __future__ import annotations

from interlock.core.errors import Conflict, FieldProblem, InvalidInput
from interlock.core.model.people import Permission
from interlock.core.model.runs import Run, may_rate
from interlock.core.services.context import App
from interlock.core.services.finding import find_run
from interlock.core.services.permitting import command
from interlock.core.store import audit, engine, rollups, runs, topics

WORST, BEST = 1, 5


@command(Permission.STEER)
def rate(app: App, run_id: str, rating: int, *, actor: str, reason: str = "") -> Run:
    """
    Rate a finished run; its workflow's figures have it within a minute.

    Raises:
        NotFound: No such run.
        InvalidInput: The rating is none of 1 to 5.
        Conflict: The run has not ended, or a later run of its thread went on with it.
    """
    if not WORST <= rating <= BEST:
        problem = FieldProblem("rating", f"is {rating}, not one of {WORST} to {BEST}")
        raise InvalidInput("This is no rating:", problems=[problem])
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        run = find_run(conn, run_id)
        if run.ended_at is None or not may_rate(run.status, run.ended_at):
            raise Conflict(f"Run {run_id} is {run.status}; only a run that is over is rated.")
        before = runs.rate(conn, run.run_id, rating)
        rollups.mark_due(conn, [run.ended_at])
        topics.bump(conn, "figures", "runs")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="rate",
            object_=f"run:{run_id}",
            before={"rating": before},
            after={"rating": rating},
            reason=reason,
        )
    return run
