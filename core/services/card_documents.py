"""The JSON documents of what a team does with cards together: the same from command line and API. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.model.approvals import Approval
from interlock.core.model.bulk import Outcome, Told
from interlock.core.model.claims import Claim, Move
from interlock.core.services import documents
from interlock.core.services.observing import Card
from interlock.core.types import Json


def of_bulk(told: Sequence[Told]) -> dict[str, Json]:
    """The document of `decide-many`: how many came to what, and each card in its order."""
    counts = {str(outcome): 0 for outcome in Outcome}
    for each in told:
        counts[str(each.outcome)] += 1
    return {"counts": dict(counts), "cards": [of_told(each) for each in told]}


def of_told(told: Told) -> dict[str, Json]:
    """What came of one card of many."""
    return {
        "approval_id": told.pick.approval_id,
        "version": told.pick.version,
        "outcome": str(told.outcome),
        "status": told.status or None,
        "run_id": told.run_id,
        "workflow": told.workflow or None,
        "title": told.title or None,
        "refusal": told.refusal or None,
        "winner": None if told.winner is None else dict(told.winner),
    }


def of_claim(held: Claim | None) -> dict[str, Json] | None:
    """Who has a card, and until when; None where nobody has."""
    if held is None:
        return None
    return {
        "approval_id": held.approval_id,
        "claimed_by": held.person,
        "claimed_at": held.claimed_at.isoformat(),
        "until": held.until.isoformat(),
        "note": held.note,
        "assigned_by": held.assigned_by,
    }


def of_listed(card: Approval, held: Claim | None) -> dict[str, Json]:
    """One entry of `inbox`, with who has it."""
    return {**documents.of_approval(card), "claim": of_claim(held)}


def of_opened(card: Card, held: Claim | None) -> dict[str, Json]:
    """One card by itself: what was decided of it and voted on it, and who has it."""
    return {**documents.of_card(card), "claim": of_claim(held)}


def of_hands(held: Claim | None, moves: Sequence[Move], opened: Sequence[str]) -> dict[str, Json]:
    """Who has a card, how it came there, the latest first, and who has it open."""
    return {
        "claim": of_claim(held),
        "open_by": list(opened),
        "moves": [
            {
                "at": move.at.isoformat(),
                "actor": move.actor,
                "verb": move.verb,
                "to": move.to,
                "note": move.note,
            }
            for move in moves
        ],
    }
