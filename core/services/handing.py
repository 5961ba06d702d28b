"""All that a screen says of whose hands a card is in, read at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.core.model.claims import Claim, Move
from interlock.core.services import assigning, attending
from interlock.core.services.context import App
from interlock.core.services.permitting import is_sign_in_on
from interlock.core.types import ApprovalId


@dataclass(frozen=True, kw_only=True)
class Hands:
    """
    Who has a card, who has it open, how it came there, and to whom it can be given.

    `has_team` is whether people sign in; where nobody does there is nobody else.
    """

    claim: Claim | None
    opened: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    people: tuple[str, ...] = ()
    has_team: bool = False


def read(app: App, approval_id: ApprovalId) -> Hands:
    """
    Whose hands a card is in.

    Raises:
        NotFound: No such card.
    """
    has_team = is_sign_in_on(app)
    claim = assigning.fetch_claims(app, [approval_id]).get(approval_id)
    if not has_team and claim is None:
        return Hands(claim=None)
    return Hands(
        claim=claim,
        opened=attending.list_open(app, [approval_id]).get(approval_id, ()),
        moves=assigning.list_moves(app, approval_id),
        people=assigning.list_people(app),
        has_team=has_team,
    )


def read_many(
    app: App, approval_ids: Sequence[ApprovalId]
) -> Mapping[ApprovalId, tuple[Claim | None, tuple[str, ...]]]:
    """Who has which of these cards, and who has them open; those of nobody are left out."""
    claims = assigning.fetch_claims(app, approval_ids)
    opened = attending.list_open(app, approval_ids)
    return {each: (claims.get(each), opened.get(each, ())) for each in {*claims, *opened}}
