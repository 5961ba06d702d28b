"""
Who has a card: claimed by themselves or given by somebody, for a while that ends by itself.

A claim keeps others from deciding the card, nothing else; what is asked and its version stay the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.core.errors import Conflict, FieldProblem, InvalidInput
from interlock.core.types import ApprovalId

Opening = tuple[ApprovalId, str]  # a card, and who has it open on a screen

MAX_NOTE = 2000  # characters
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=7)
TAKE_OVER = (
    "Wait until then, ask them to release it, or take it over (`interlock claim ID --take-over`)."
)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Somebody has a card until a moment; `assigned_by` is who gave it to them, None if they took it."""

    approval_id: ApprovalId
    person: str
    claimed_at: datetime
    until: datetime
    note: str = ""
    assigned_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Move:
    """How a card changed hands: `verb` is claim, take over, unclaim, assign or forward."""

    at: datetime
    actor: str
    verb: str
    to: str | None
    note: str


def refuse(claim: Claim, unused: str = "Nothing was decided.") -> Conflict:
    """What somebody is told who wanted to act on a card that another person has."""
    given = f", given by {claim.assigned_by}" if claim.assigned_by else ""
    return Conflict(
        f"{claim.person} has this card until {claim.until:%H:%M:%S} UTC{given}. {unused}",
        winner={
            "approval_id": claim.approval_id,
            "claimed_by": claim.person,
            "claimed_until": claim.until.isoformat(),
            "assigned_by": claim.assigned_by,
        },
        hint=TAKE_OVER,
    )


def read_note(note: str, *, is_needed: bool = False) -> str:
    """
    A note as it is kept.

    Raises:
        InvalidInput: It is missing where one is needed, or too long.
    """
    text = note.strip()
    if is_needed and not text:
        problem = FieldProblem("note", "say why, or what whoever gets it has to know")
        raise InvalidInput("Forwarding takes a note.", problems=[problem])
    if len(text) > MAX_NOTE:
        problem = FieldProblem("note", f"is longer than {MAX_NOTE} characters")
        raise InvalidInput("The note is too long.", problems=[problem])
    return text


def read_span(span: timedelta) -> timedelta:
    """
    For how long a card is given to somebody.

    Raises:
        InvalidInput: It is not within bounds.
    """
    if not SHORTEST <= span <= LONGEST:
        problem = FieldProblem("for", "must be between 1 minute and 7 days")
        raise InvalidInput("A card is not given away for so long.", problems=[problem])
    return span
