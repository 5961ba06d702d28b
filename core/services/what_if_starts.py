"""
Starting a what-if: that an answer fits and would be heard is seen to before anything is tried.

The thread is judged before the database's writer is held (`standing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import Connection

from interlock.core.errors import Conflict, InvalidInput
from interlock.core.model.approvals import Intent
from interlock.core.model.flags import Flag
from interlock.core.model.history import WhatIf, WhatIfSide, WhatIfStatus
from interlock.core.model.people import Permission
from interlock.core.model.what_ifs import SIDES, find_runnable, read_stand_ins
from interlock.core.queue.port import ERRAND_PRIORITY, JobKind, NewJob
from interlock.core.services import flagging, standing, trying
from interlock.core.services.context import App
from interlock.core.services.finding import find_card
from interlock.core.services.permitting import command
from interlock.core.services.standing import Standing
from interlock.core.services.trying import TOPIC, Grounds
from interlock.core.store import audit, engine, topics, what_ifs
from interlock.core.types import CheckpointId, JobId, Json, ThreadId, new_id

MAX_OPEN = 20  # sides under way at once, of everybody; each runs beside a worker's own runs
OPEN_FOR = timedelta(hours=1)  # what began before this is not under way any more
_NOTHING = Intent(verb=None)


@command(Permission.STEER)
def start(
    app: App,
    *,
    approval_id: str | None = None,
    thread_id: str | None = None,
    checkpoint_id: str | None = None,
    sides: Mapping[str, Intent | None],
    stand_ins: Mapping[str, Mapping[str, Json]],
    actor: str,
) -> WhatIf:
    """
    Try answers on copies; a worker does, side by side.

    Args:
        app: The parts.
        approval_id: The card that is answered: one that waits, or one that was decided; or else
        thread_id: the thread, and
        checkpoint_id: the point of it to go on from.
        sides: What is answered, by side, "a" and "b"; None where nothing is asked.
        stand_ins: Of each side, what stands in for nodes that must not run there, by their path
            (`model.what_ifs.read_stand_ins`).
        actor: Who asks.

    Raises:
        NotFound: No such card, thread or point.
        InvalidInput: An answer does not fit, or nothing would come of it.
        Conflict: Too many are under way.
        SwitchedOff: The time machine is.
    """
    flagging.require(app, Flag.TIME_MACHINE)
    _require_sides(sides)
    with engine.read(app.engine) as conn:
        card = find_card(conn, approval_id) if approval_id is not None else None
    at = card.checkpoint_id if card is not None else checkpoint_id

    def judge(conn: Connection, stands: Standing) -> _Judged:
        grounds = trying.find_grounds(conn, approval_id, thread_id, checkpoint_id)
        trying.require_possible(grounds)
        for side, intent in sides.items():
            _check_side(conn, grounds, intent, stand_ins.get(side, {}))
        return _Judged(standing=stands, grounds=grounds)

    return standing.act(
        app,
        ThreadId(card.thread_id if card is not None else thread_id or ""),
        CheckpointId(at or ""),
        judge=judge,
        carry_out=lambda conn, judged: _add(app, conn, judged.grounds, sides, stand_ins, actor),
    )


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """A what-if that can be tried as long as its thread stands there."""

    standing: Standing
    grounds: Grounds


def _add(
    app: App,
    conn: Connection,
    grounds: Grounds,
    sides: Mapping[str, Intent | None],
    stand_ins: Mapping[str, Mapping[str, Json]],
    actor: str,
) -> WhatIf:
    now = app.clock.now()
    if what_ifs.count_open(conn, since=now - OPEN_FOR) + len(sides) > MAX_OPEN:
        raise Conflict(
            f"{MAX_OPEN} answers are being tried already.", hint="Try again when some are done."
        )
    what_if_id = new_id()
    what_if = WhatIf(
        what_if_id=what_if_id,
        thread_id=grounds.thread.thread_id,
        workflow=grounds.thread.workflow,
        checkpoint_id=grounds.point.checkpoint_id,
        approval_id=grounds.card.approval_id if grounds.card else None,
        version=grounds.card.version if grounds.card else None,
        status=WhatIfStatus.OPEN,
        created_at=now,
        created_by=actor,
        sides=tuple(
            _make_side(what_if_id, side, intent, stand_ins.get(side, {}))
            for side, intent in sorted(sides.items())
        ),
    )
    what_ifs.insert(conn, what_if)
    for each in what_if.sides:
        app.queue.enqueue(conn, _job_for(each, grounds.thread.workflow), now=now)
    topics.bump(conn, TOPIC)
    audit.append(
        conn,
        at=now,
        actor=actor,
        action="what-if:start",
        object_=f"what-if:{what_if_id}",
        after={
            "thread_id": what_if.thread_id,
            "checkpoint_id": what_if.checkpoint_id,
            "approval_id": what_if.approval_id,
            "sides": {
                each.side: {"intent": each.intent, "stand_ins": each.stand_ins}
                for each in what_if.sides
            },
        },
    )
    return what_if


def _require_sides(sides: Mapping[str, Intent | None]) -> None:
    if not sides or set(sides) - set(SIDES):
        raise InvalidInput(f"A what-if has the sides {' and '.join(SIDES)}, or one of them.")


def _check_side(
    conn: Connection, grounds: Grounds, intent: Intent | None, given: Mapping[str, Json]
) -> None:
    """See that the answer fits, and that it would be heard."""
    treatments = trying.treatments_of(grounds)
    schema = grounds.workflow.state_schema if grounds.workflow else None
    read_in = read_stand_ins(given, treatments, state_schema=schema)
    if grounds.card is None:
        if intent is not None:
            raise InvalidInput("Nothing is asked at this point, so nothing is answered there.")
        return
    trying.answer_of(conn, grounds.card, intent or _NOTHING)
    asker = grounds.card.node
    runnable = find_runnable(treatments, read_in)
    if trying.must_run(grounds) and asker not in runnable and asker not in read_in:
        raise InvalidInput(
            f"The node that asks, {asker}, would not run, so no answer could make a difference.",
            hint="Say that it may run, or give its policy side_effects = false, or say what it writes.",
        )


def _make_side(
    what_if_id: str, side: str, intent: Intent | None, given: Mapping[str, Json]
) -> WhatIfSide:
    return WhatIfSide(
        what_if_id=what_if_id,
        side=side,
        intent=asdict(intent) if intent is not None else {},
        stand_ins=given,
        status=WhatIfStatus.QUEUED,
        job_id=JobId(new_id()),
    )


def _job_for(side: WhatIfSide, workflow: str) -> NewJob:
    assert side.job_id is not None
    return NewJob(
        job_id=side.job_id,
        kind=JobKind.WHAT_IF,
        payload={"what_if_id": side.what_if_id, "side": side.side},
        priority=ERRAND_PRIORITY,
        workflow=workflow,
    )
