"""Who has a card: claim it, release it, give it to somebody, pass it on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model.claims import MAX_NOTE, Claim, Move
from interlock.core.model.inbox_filters import read_age
from interlock.core.services import assigning, attending, card_documents
from interlock.core.types import ApprovalId
from interlock.dashboard import deps
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.bodies import Body
from interlock.dashboard.http.api.described import ID, body_example, responses, show
from interlock.dashboard.http.api.identity import Actor

router = APIRouter(tags=["approvals"])

_AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
_CLAIM = Claim(
    approval_id=ApprovalId(ID),
    person="ann",
    claimed_at=_AT,
    until=_AT + timedelta(minutes=15),
    note="on the phone with the customer",
    assigned_by="ben",
)
_MOVE = Move(at=_AT, actor="ben", verb="forward", to="ann", note="knows the customer")
_PATH = "/approvals/{approval_id}"
_TAKEN = replace(_CLAIM, assigned_by=None)
CLAIM = show("Claim", card_documents.of_claim(_CLAIM), card_documents.of_claim(_TAKEN))
HANDS = show(
    "Hands",
    card_documents.of_hands(_CLAIM, [_MOVE], ["ben"]),
    card_documents.of_hands(_TAKEN, [], []),
    card_documents.of_hands(None, [], []),
)

Note = Annotated[str, Field(max_length=MAX_NOTE, description="What others are told.")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Span = Annotated[
    str | None,
    Field(max_length=10, description="For so long: 90s, 15m, 4h, 2d; as long as a claim without."),
]


class ClaimBody(Body):
    """Why a card is claimed."""

    note: Note = ""
    take_over: bool = Field(False, description="Also from somebody who has it.")
    version: int | None = Field(None, ge=1, le=1_000_000_000)


class ReleaseBody(Body):
    """Why a card is released."""

    note: Note = ""


class AssignBody(Body):
    """Who gets a card."""

    to: Name
    note: Note = ""
    for_: Span = Field(None, alias="for")
    take_over: bool = Field(False, description="Also from somebody who has it.")


class ForwardBody(Body):
    """Who gets a card next, and why."""

    to: Name
    note: Annotated[str, Field(min_length=1, max_length=MAX_NOTE)]
    for_: Span = Field(None, alias="for")


@router.get(f"{_PATH}/hands", responses=responses(HANDS, 404))
def get_hands(approval_id: str) -> Response:
    """Who has a card, how it came there, and who has it open on a screen."""
    app, card_id = deps.app(), ApprovalId(approval_id)
    moves = assigning.list_moves(app, card_id)
    held = assigning.fetch_claims(app, [card_id]).get(card_id)
    opened = attending.list_open(app, [card_id]).get(card_id, ())
    return answer(card_documents.of_hands(held, moves, opened))


@router.post(
    f"{_PATH}/claim", responses=responses(CLAIM, 404), openapi_extra=body_example(note="mine")
)
def claim(approval_id: str, body: ClaimBody, actor: Actor) -> Response:
    """Have a card for a while: nobody else decides it meanwhile. Again: have it longer."""
    held = assigning.claim(
        deps.app(),
        approval_id,
        actor=actor,
        note=body.note,
        take_over=body.take_over,
        version=body.version,
    )
    return answer(card_documents.of_claim(held))


@router.post(
    f"{_PATH}/unclaim", responses=responses(HANDS, 404), openapi_extra=body_example(note="done")
)
def unclaim(approval_id: str, body: ReleaseBody, actor: Actor) -> Response:
    """Release a card that one has, or gave to whoever has it."""
    assigning.unclaim(deps.app(), approval_id, actor=actor, note=body.note)
    return get_hands(approval_id)


@router.post(
    f"{_PATH}/assign",
    responses=responses(CLAIM, 404),
    openapi_extra=body_example(to="ben", note="knows the customer"),
)
def assign(approval_id: str, body: AssignBody, actor: Actor) -> Response:
    """Give a card that nobody else has to somebody."""
    held = assigning.assign(
        deps.app(),
        approval_id,
        to=body.to,
        actor=actor,
        note=body.note,
        lasts=_read_span(body.for_),
        take_over=body.take_over,
    )
    return answer(card_documents.of_claim(held))


@router.post(
    f"{_PATH}/forward",
    responses=responses(CLAIM, 404),
    openapi_extra=body_example(to="ben", note="knows the customer"),
)
def forward(approval_id: str, body: ForwardBody, actor: Actor) -> Response:
    """Pass a card that one has, or that nobody has, on to somebody."""
    held = assigning.forward(
        deps.app(),
        approval_id,
        to=body.to,
        actor=actor,
        note=body.note,
        lasts=_read_span(body.for_),
    )
    return answer(card_documents.of_claim(held))


def _read_span(text: str | None) -> timedelta | None:
    if text is None:
        return None
    span = read_age(text)
    if span is None:
        told = FieldProblem("for", "is no span such as 90s, 15m, 4h or 2d")
        raise InvalidInput("The request does not fit.", problems=[told])
    return span
