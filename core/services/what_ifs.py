"""
What-ifs: a card, or a point of a thread, answered in several ways on copies before one is chosen.

A copy lives in a worker's memory and nothing of it is a run, so it is in no inbox, figure, limit or
alert, and the original is only read (law 6). What is kept of it is what it came to.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model.approvals import Approval, Intent
from interlock.core.model.history import WhatIf, WhatIfSide, WhatIfStatus
from interlock.core.model.people import Permission
from interlock.core.model.rewinding import RewindVerb
from interlock.core.services import deciding, forking, rewinding, trying
from interlock.core.services.beside import Beside
from interlock.core.services.context import App
from interlock.core.services.finding import find_card
from interlock.core.services.forking import ForkRequest
from interlock.core.services.permitting import command
from interlock.core.services.staging import Staged
from interlock.core.services.trying import TOPIC
from interlock.core.services.what_if_starts import start
from interlock.core.store import audit, engine, forks, threads, topics, what_ifs
from interlock.core.types import CheckpointId, RunId, ThreadId

__all__ = ["discard", "keep", "list_of_thread", "preview_keep", "read", "start"]

MOST = 20  # of one thread, the newest
UNDER_WAY = frozenset({WhatIfStatus.QUEUED, WhatIfStatus.RUNNING})


def read(app: App, what_if_id: str) -> WhatIf:
    """
    A what-if with what its sides came to so far.

    Raises:
        NotFound: There is none of this id.
    """
    with engine.read(app.engine) as conn:
        found = _find(conn, what_if_id)
        sides = tuple(_with_job(app, conn, side) for side in found.sides)
    return replace(found, sides=sides)


def list_of_thread(app: App, thread_id: str) -> list[WhatIf]:
    """What was tried on copies of a thread, newest first, without the sides."""
    with engine.read(app.engine) as conn:
        return what_ifs.fetch_for_thread(conn, ThreadId(thread_id), limit=MOST)


def preview_keep(app: App, what_if: WhatIf, *, wait_s: float = 10.0) -> Staged | None:
    """
    Tell what keeping an answer would do to the thread, where that is a fork; None where it is not.

    Raises:
        NotFound: The card is gone.
    """
    if what_if.status is not WhatIfStatus.OPEN or what_if.approval_id is None:
        return None
    with engine.read(app.engine) as conn:
        card = find_card(conn, what_if.approval_id)
    if not _was_decided_before(app, what_if, card):
        return None
    return rewinding.preview(app, card.thread_id, _change_of(card, None), wait_s=wait_s)


@command(Permission.STEER)
def keep(
    app: App,
    what_if_id: str,
    side: str,
    *,
    actor: str,
    reason: str,
    expected_head: str | None = None,
) -> RunId:
    """
    Decide the real card as one side was answered.

    A card that waits is decided; of one that was decided by then the decision is changed, which is
    a fork of the thread: none may have been made since the answers were tried.

    Args:
        app: The parts.
        what_if_id: The what-if.
        side: Which of its sides.
        actor: Who keeps it.
        reason: Why; it is required.
        expected_head: Of a fork, the head that was seen (`preview_keep`); None for whatever it is now.

    Returns:
        The run that carries it out.

    Raises:
        NotFound: No such what-if, or it has no such side.
        InvalidInput: There is no reason, or no card.
        Conflict: The card asks something else by now, or somebody was first, as `winner` says; or
            the what-if is closed.
    """
    if not reason.strip():
        raise InvalidInput("Say why: a reason is required to keep an answer.")
    with engine.read(app.engine) as conn:
        found = _find(conn, what_if_id)
        chosen = _find_side(found, side)
        _require_open(found)
        if found.approval_id is None:
            raise InvalidInput(
                "No card belongs to this point, so there is no answer to keep.",
                hint="Run the thread again from here, or edit its state, in the time machine.",
            )
        card = find_card(conn, found.approval_id)
        intent = _with_reason(conn, card, trying.read_intent(chosen.intent), reason)

    def close(conn: Connection, _run_id: RunId) -> None:
        if not what_ifs.close(conn, what_if_id, status=WhatIfStatus.KEPT, kept_side=side):
            _require_open(_find(conn, what_if_id))

    def tell(conn: Connection, run_id: RunId) -> None:
        audit.append(
            conn,
            at=app.clock.now(),
            actor=actor,
            action="what-if:keep",
            object_=f"what-if:{what_if_id}",
            after={"side": side, "approval_id": card.approval_id, "run_id": run_id},
            reason=reason,
        )

    also = Beside(write=close, topics=(TOPIC,), tell=tell)
    if not _was_decided_before(app, found, card):
        decided = deciding.decide(
            app, card.approval_id, intent, version=found.version, actor=actor, also=also
        )
        assert decided.run_id is not None  # with something written beside it, it is no mere vote
        return decided.run_id
    head = _require_unforked(app, found)
    run = rewinding.apply(
        app,
        card.thread_id,
        _change_of(card, intent),
        expected_head=expected_head or head,
        actor=actor,
        reason=reason,
        also=also,
    )
    return run.run_id


def _change_of(card: Approval, intent: Intent | None) -> ForkRequest:
    return ForkRequest(
        verb=RewindVerb.REDECIDE,
        checkpoint_id=CheckpointId(card.checkpoint_id),
        intent=intent,
        approval_id=card.approval_id,
    )


def _require_unforked(app: App, what_if: WhatIf) -> CheckpointId | None:
    """
    See that nobody forked the thread since the answers were tried: who tried them did not see that.

    Returns:
        The head at that moment, by which a fork that is made from now on is noticed.

    Raises:
        Conflict: Somebody did; `winner` says who and when.
    """
    with engine.read(app.engine) as conn:
        thread = threads.fetch(conn, what_if.thread_id)
        fork = forks.fetch_newest(conn, what_if.thread_id)
    if fork is not None and fork.created_at > what_if.created_at:
        at = f"{fork.created_at:%Y-%m-%d %H:%M:%S} UTC"
        raise Conflict(
            f"{fork.actor} set the thread back at {at}, after these answers were tried"
            f" ({fork.verb}: {fork.reason}).",
            winner={
                "actor": fork.actor,
                "verb": str(fork.verb),
                "reason": fork.reason,
                "run_id": fork.run_id,
                "created_at": fork.created_at.isoformat(),
            },
            hint="Nothing was done: look at the thread, and try the answers again.",
        )
    return thread.head_checkpoint_id if thread is not None else None


def _was_decided_before(app: App, what_if: WhatIf, card: Approval) -> bool:
    """Whether the what-if was about changing a decision; one that came since is a lost race."""
    with engine.read(app.engine) as conn:
        decision = forking.newest_decision(conn, card)
    return decision is not None and decision.decided_at <= what_if.created_at


@command(Permission.STEER)
def discard(app: App, what_if_id: str, *, actor: str, reason: str = "") -> None:
    """
    Close a what-if without keeping an answer.

    Raises:
        NotFound: No such what-if.
        Conflict: It is closed already.
    """
    with engine.write(app.engine) as conn:
        _require_open(_find(conn, what_if_id))
        what_ifs.close(conn, what_if_id, status=WhatIfStatus.DISCARDED)
        topics.bump(conn, TOPIC)
        audit.append(
            conn,
            at=app.clock.now(),
            actor=actor,
            action="what-if:discard",
            object_=f"what-if:{what_if_id}",
            reason=reason,
        )


def _with_job(app: App, conn: Connection, side: WhatIfSide) -> WhatIfSide:
    """A side whose job was given up: its worker died, or it took too long."""
    if side.status not in UNDER_WAY or side.job_id is None:
        return side
    ended = app.queue.fetch_result(conn, side.job_id)
    if ended is None:  # cleared since
        return replace(side, status=WhatIfStatus.FAILED, error="Its worker gave it up.")
    if ended[0] != "failed":
        return side
    return replace(side, status=WhatIfStatus.FAILED, error=str(ended[1]))


def _with_reason(conn: Connection, card: Approval, intent: Intent, reason: str) -> Intent:
    """
    The intent with the reason why it is kept, unless that would change what is sent.

    Some shapes send the reason along; then what was tried is what is sent, and the audit has both.
    """
    told = replace(intent, reason=reason)
    same = trying.answer_of(conn, card, told) == trying.answer_of(conn, card, intent)
    return told if same else intent


def _find(conn: Connection, what_if_id: str) -> WhatIf:
    found = what_ifs.fetch(conn, what_if_id)
    if found is None:
        raise NotFound("what-if", what_if_id)
    return found


def _find_side(found: WhatIf, side: str) -> WhatIfSide:
    for each in found.sides:
        if each.side == side:
            return each
    raise NotFound("side", side, hint=f"It has {' and '.join(s.side for s in found.sides)}.")


def _require_open(found: WhatIf) -> None:
    if found.status is not WhatIfStatus.OPEN:
        what = f"{found.status}" + (
            f": answer {found.kept_side.upper()}" if found.kept_side else ""
        )
        raise Conflict(f"This what-if is closed already, it was {what}.")
