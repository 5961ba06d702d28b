"""
Who decides a card is held to its route, and votes are counted, where a decision is carried out (law 8).

Of the votes on a card only the deciding one goes on to the compare-and-set (law 1). All of it happens
under the lock of the card's thread, so of votes cast at the same moment each sees those before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from interlock.core.errors import Conflict, InvalidInput, NotAllowed
from interlock.core.model import people, routing
from interlock.core.model.approvals import Approval, ApprovalSummary, Intent, Verb
from interlock.core.model.people import Person, Role
from interlock.core.model.routing import Effect, Vote
from interlock.core.store import approvals, audit, operators, topics, votes
from interlock.core.types import ApprovalId, Json

NO_VOTE: Final = "Your vote was not counted."


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A vote that decides nothing yet: the card as it is now, all votes on it, and how many are missing."""

    approval: Approval
    vote: Vote
    votes: tuple[Vote, ...]
    missing: int
    changed: Vote | None = None  # the same person's vote before
    run_id: None = None


def require_may(card: ApprovalSummary, person: Person | None) -> None:
    """
    See that somebody is one of those who decide a card; None is a process of ours.

    Raises:
        NotAllowed: They are not; the message says who is.
    """
    why = routing.why_not(card, person) if person is not None else ""
    if why:
        raise NotAllowed(why)


def person_named(conn: Connection, name: str) -> Person:
    """Who somebody is that asked for something before, as of now."""
    if not operators.fetch_sign_in(conn):
        return people.trusted(name)
    found = operators.fetch(conn, name)
    if found is None or not found.is_active:
        return Person(name=name, role=Role.VIEWER)
    return Person(name=name, role=found.role, groups=frozenset(found.groups))


def require_alone(card: ApprovalSummary, person: Person) -> None:
    """
    See that somebody decides a card at once, without anybody else.

    Raises:
        NotAllowed: They are not one of those who decide it.
        InvalidInput: It takes several.
    """
    require_may(card, person)
    if card.route.quorum > 1:
        raise InvalidInput(say_takes_several(card))


def require_may_change(conn: Connection, approval_id: ApprovalId, person: Person | None) -> None:
    """
    See that somebody may change what was decided on a card, which sets its thread back.

    Raises:
        NotAllowed: They are not one of those who decide it; or nobody decides it who set it back.
    """
    card = approvals.fetch_summary(conn, approval_id)
    if card is None or person is None:
        return
    require_may(card, person)
    if not card.route.self_approval and not person.is_trusted:
        raise NotAllowed(
            f"{person.name} may not change this decision: who sets a thread back began it, and nobody"
            " decides what they began.",
            hint="Run it again from the card's point; then somebody else is asked.",
        )


def say_takes_several(card: ApprovalSummary) -> str:
    """Why one person does not decide a card by something else than a vote."""
    return f"It takes {card.route.quorum} people, who vote on its card."


def count(
    conn: Connection,
    card: Approval,
    intent: Intent,
    sends: Json,
    verb: Verb,
    *,
    actor: str,
    now: datetime,
) -> Counted | None:
    """
    Count a vote on a card, whose thread is locked.

    Args:
        conn: The transaction.
        card: As it is asked now.
        intent: What somebody wants.
        sends: What that sends, as `routing.sends_of` made it.
        verb: The same in one word.
        actor: Who votes.
        now: When.

    Returns:
        None if it decides the card, which the caller does; else the card waits for others.

    Raises:
        Conflict: They have said the same before.
    """
    if card.route.quorum <= 1:
        return None
    cast = _still_standing(conn, card, votes.fetch_on(conn, card.approval_id, card.version), actor)
    effect = routing.weigh(card.route, cast, intent, sends, actor=actor, verb=verb)
    before = next((vote for vote in cast if vote.actor == actor), None)
    if effect is Effect.REPEATS:
        assert before is not None
        missing = routing.count_missing(card.route, cast)
        raise Conflict(
            f"You have voted so already; it takes {missing} more.",
            winner=_told(card, before),
            hint=NO_VOTE,
        )
    version = card.version
    if effect is Effect.RENEWS:
        if not approvals.renew(conn, card.approval_id, version_from=version):
            raise Conflict("The card is no longer pending.", hint=NO_VOTE)
        version, cast, before = version + 1, [], None
    vote = Vote(
        approval_id=card.approval_id,
        version=version,
        actor=actor,
        verb=verb,
        intent=routing.intent_as_json(intent, sends),
        reason=intent.reason,
        voted_at=now,
    )
    votes.put(conn, vote)
    if effect is Effect.DECIDES:
        return None
    standing = [*(each for each in cast if each.actor != actor), vote]
    return Counted(
        approval=approvals.fetch(conn, card.approval_id) or card,
        vote=vote,
        votes=tuple(standing),
        missing=routing.count_missing(card.route, standing),
        changed=before,
    )


def _still_standing(
    conn: Connection, card: Approval, cast: Sequence[Vote], actor: str
) -> list[Vote]:
    """Votes of people who may decide the card now: who left a group, or was shut out, votes no more."""
    return [
        vote
        for vote in cast
        if vote.actor == actor or not routing.why_not(card, person_named(conn, vote.actor))
    ]


def tell(conn: Connection, counted: Counted) -> None:
    """Let screens know of a vote, and enter it into the audit; last in its transaction."""
    vote, before = counted.vote, counted.changed
    topics.bump(conn, "inbox")
    audit.append(
        conn,
        at=vote.voted_at,
        actor=vote.actor,
        action=f"vote:{vote.verb}",
        object_=f"approval:{vote.approval_id}",
        before=None if before is None else {"intent": before.intent, "reason": before.reason},
        after={"intent": vote.intent, "version": vote.version, "missing": counted.missing},
        reason=vote.reason,
    )


def _told(card: Approval, vote: Vote) -> dict[str, Json]:
    return {
        "approval_id": card.approval_id,
        "status": str(card.status),
        "version": vote.version,
        "actor": vote.actor,
        "verb": str(vote.verb),
        "reason": vote.reason,
        "voted_at": vote.voted_at.isoformat(),
    }
