"""The cards that a browser may tell of: the newest that wait, in words that hold nothing of their payload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlock.core.model import routing
from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.people import Person
from interlock.dashboard.views.escaping import show_hidden

MOST = 20  # more new ones at once are told by their number


@dataclass(frozen=True, kw_only=True)
class BellCard:
    """One card. `key` tells one version of it from all others, `asked_ms` when it was asked from others' times."""

    key: str
    approval_id: str
    asked_ms: int
    text: str


def build(cards: Sequence[ApprovalSummary], person: Person) -> tuple[BellCard, ...]:
    """Those of the newest cards that somebody may decide."""
    return tuple(
        BellCard(
            key=f"{card.approval_id}:{card.version}",
            approval_id=card.approval_id,
            asked_ms=int(card.asked_at.timestamp() * 1000),
            text=_say(card),
        )
        for card in cards
        if not routing.why_not(card, person)
    )


def _say(card: ApprovalSummary) -> str:
    risk = f", {card.risk} risk" if card.risk else ""
    return show_hidden(f"{card.workflow}, {card.node}{risk}")
