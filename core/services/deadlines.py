"""
Deadlines: what a policy says happens at one happens once, and a person may put it off.

Workers carry it out, so that it happens with every web process down. It is decided as a person decides:
the same compare-and-set, so that of the two one wins and the other finds the card closed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.errors import (
    Conflict,
    InterlockError,
    InvalidInput,
    KeyMissing,
    SealBroken,
    StoreUnavailable,
)
from interlock.core.model import approval_rules, deadlines, payloads
from interlock.core.model.approvals import Approval, ApprovalStatus
from interlock.core.model.people import Permission
from interlock.core.services import deciding, voting
from interlock.core.services.context import App, fetch_now
from interlock.core.services.finding import require_sound
from interlock.core.services.permitting import command
from interlock.core.store import approvals, audit, engine, threads, topics, workflows
from interlock.core.store import deadlines as store
from interlock.core.store.deadlines import Due
from interlock.core.types import ApprovalId

NOT_MOVED = "Its deadline was not moved."
NOTHING_HAPPENED = "Nothing happened at its deadline:"
BROKEN = "it could not be carried out, and the worker's log has the reason."
AT_ONCE = 50  # cards that are read together

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """
    What one look did: at how many cards' deadlines something happened, and in how long to look again.

    `next_s` is None where nothing is known to come.
    """

    done: int
    next_s: float | None


def carry_out_due(app: App) -> Look:
    """
    Do what is to happen at the deadlines that are over.

    Raises:
        StoreUnavailable: The database does not answer.
    """
    with engine.read(app.engine) as conn:
        next_at = store.next_due_at(conn)
        if next_at is None:
            return Look(0, None)
        now = fetch_now(app, conn)
    if next_at > now:
        return Look(0, (next_at - now).total_seconds())
    unread = 0
    while due := _fetch_some(app, now, skip=unread):
        outcomes = [_carry_out(app, card) for card in due]
        if outcomes.count(None) == AT_ONCE:  # they stay due, and must not hold up the others
            unread += AT_ONCE
            continue
        done = outcomes.count(True)  # there may be more; each of the others is given up
        return Look(done, 0.0 if done or len(due) == AT_ONCE else None)
    return Look(0, None)


def _fetch_some(app: App, now: datetime, *, skip: int) -> list[Due]:
    with engine.read(app.engine) as conn:
        return store.fetch_due(conn, now=now, limit=AT_ONCE, skip=skip)


@command(Permission.DECIDE)
def extend(
    app: App,
    approval_id: str,
    *,
    by: timedelta,
    version: int | None,
    actor: str,
    reason: str = "",
) -> Approval:
    """
    Give a card more time: from its deadline on, from now on where that is over. It asks the same.

    Args:
        app: The parts.
        approval_id: The card.
        by: So much.
        version: The version the operator saw; None means whichever is asked now.
        actor: Who does.
        reason: Why.

    Raises:
        NotFound: No such card.
        InvalidInput: It has no deadline, or the time is not within bounds.
        Conflict: It is no longer pending, or asks something else by now.
    """
    with engine.write(app.engine) as conn:
        card = _fetch_open(conn, ApprovalId(approval_id), version)
        voting.require_may(card, app.person)
        extended = deadlines.extend(card, by, fetch_now(app, conn))
        _put(conn, extended)
        topics.bump(conn, "inbox")
        _tell(app, conn, card, extended, actor=actor, action="extend", reason=reason)
    return extended


def _fetch_open(conn: Connection, approval_id: ApprovalId, version: int | None) -> Approval:
    """The card under its thread's lock; what is refused is no decision."""
    try:
        seen = deciding.fetch_open(conn, approval_id, version)
        threads.lock(conn, seen.thread_id)
        return deciding.fetch_open(conn, seen.approval_id, seen.version)
    except Conflict as exc:
        raise Conflict(exc.message, winner=exc.winner, hint=NOT_MOVED) from exc


def _carry_out(app: App, due: Due) -> bool | None:
    """Whether the deadline did what it was to; not where somebody was first. None: it is due still."""
    try:
        return _try(app, due)
    except StoreUnavailable:
        raise
    except (KeyMissing, SealBroken) as exc:  # a worker with the key can, or it can be made whole
        told = {"approval_id": due.approval_id, "reason": str(exc)}
        logger.warning("deadline_not_read", extra=told)
        return None
    except InvalidInput as exc:
        return _give_up(app, due, deadlines.say_refused(exc))
    except InterlockError as exc:
        return _give_up(app, due, f"{NOTHING_HAPPENED} {exc}")
    except Exception:  # one card that cannot be read must not hold up the others, now or later
        logger.exception("deadline_failed", extra={"approval_id": due.approval_id})
        return _give_up(app, due, f"{NOTHING_HAPPENED} {BROKEN}")


def _try(app: App, due: Due) -> bool:
    with engine.write(app.engine) as conn:
        thread = threads.lock(conn, due.thread_id)
        card = _fetch_due(conn, due, fetch_now(app, conn))
        if card is None:
            return False
        group = deadlines.group_of(card.on_timeout)
        if group is not None:
            _escalate(app, conn, card, group)
            return True
        require_sound(thread)
        answers = approval_rules.answers_of(card, workflows.fetch_policy(conn, card.workflow))
        intent, answer = deadlines.answer_of(card, answers)
        question = replace(payloads.question_of(card), answers=answers)
        decided = deciding.decide_in(
            app, conn, card, question, intent, answer, actor=deadlines.ACTOR, by_deadline=True
        )
        topics.bump(conn, "inbox", "runs")
        deciding.tell(conn, decided)
    told = {"approval_id": card.approval_id, "workflow": card.workflow, "node": card.node}
    logger.info("deadline_decided", extra=told | {"verb": str(decided.decision.verb)})
    return True


def _fetch_due(conn: Connection, due: Due, now: datetime) -> Approval | None:
    """The card as it is now, if its deadline still is to do something: nobody decided or extended it."""
    card = approvals.fetch(conn, due.approval_id)
    if card is None or card.status is not ApprovalStatus.PENDING or card.version != due.version:
        return None
    return card if card.due_at is not None and card.due_at <= now else None


def _escalate(app: App, conn: Connection, card: Approval, group: str) -> None:
    escalated = deadlines.escalate(card, group, fetch_now(app, conn))
    _put(conn, escalated)
    topics.bump(conn, "inbox")
    reason = deadlines.reason_of(card)
    _tell(app, conn, card, escalated, actor=deadlines.ACTOR, action="escalate", reason=reason)
    told = {"approval_id": card.approval_id, "workflow": card.workflow, "group": group}
    logger.warning("deadline_escalated", extra=told)


def _give_up(app: App, due: Due, note: str) -> bool:
    """The card cannot be decided so: it says why, and is overdue; always False."""
    with engine.write(app.engine) as conn:
        threads.lock(conn, due.thread_id)
        if not store.give_up(conn, due, now=fetch_now(app, conn), note=note):
            return False
        topics.bump(conn, "inbox")
    told = {"approval_id": due.approval_id, "workflow": due.workflow, "node": due.node}
    logger.warning("deadline_without_outcome", extra=told | {"reason": note})
    return False


def _put(conn: Connection, card: Approval) -> None:
    if not store.put(conn, card.approval_id, card):
        raise Conflict("The card is no longer pending.", hint=NOT_MOVED)


def _tell(
    app: App,
    conn: Connection,
    before: Approval,
    after: Approval,
    *,
    actor: str,
    action: str,
    reason: str,
) -> None:
    """Enter it into the audit; last in its transaction."""
    assert before.deadline_at is not None
    assert after.deadline_at is not None
    escalated = {"escalated_to": after.escalated_to} if action == "escalate" else {}
    audit.append(
        conn,
        at=app.clock.now(),
        actor=actor,
        action=action,
        object_=f"approval:{after.approval_id}",
        before={"deadline_at": before.deadline_at.isoformat()},
        after={"deadline_at": after.deadline_at.isoformat(), **escalated},
        reason=reason,
    )
