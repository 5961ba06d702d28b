"""Deciding many cards by one word."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from interlock.core.model.approvals import Verb
from interlock.core.model.bulk import MAX_AT_ONCE, Outcome, Pick, Told
from interlock.core.services import bulk_deciding, card_documents
from interlock.core.types import ApprovalId, RunId
from interlock.dashboard import deps
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.bodies import Body, Id, Reason
from interlock.dashboard.http.api.described import ID, body_example, responses, show
from interlock.dashboard.http.api.identity import Actor

router = APIRouter(tags=["approvals"])

_DONE = Told(
    pick=Pick(ApprovalId(ID), 1),
    outcome=Outcome.DONE,
    title="Refund 620 EUR?",
    workflow="refund_desk",
    status="decided",
    run_id=RunId(ID),
)
_REFUSED = Told(
    pick=Pick(ApprovalId("gone")),
    outcome=Outcome.REFUSED,
    refusal="There is no card 'gone'.",
    winner={"actor": "ann", "verb": "reject"},
)
BULK = show("Bulk", card_documents.of_bulk([_DONE]), card_documents.of_bulk([_REFUSED]))


class PickBody(Body):
    """A card, and the version that was seen."""

    approval_id: Id
    version: int = Field(ge=1, le=1_000_000_000)


class BulkBody(Body):
    """The cards, and what is decided of each of them."""

    verb: Verb = Field(description="approve, reject, fallback, skip or stop: all of them take it.")
    cards: Annotated[tuple[PickBody, ...], Field(min_length=1, max_length=MAX_AT_ONCE)]
    reason: Reason = ""


@router.post(
    "/approvals/decisions",
    responses=responses(BULK, what="each card is told of, whether it was decided or refused"),
    openapi_extra=body_example(
        verb="approve", reason="ok", cards=[{"approval_id": ID, "version": 1}]
    ),
)
def decide_many(body: BulkBody, actor: Actor) -> Response:
    """Decide each card by itself; one that is refused keeps no other. High risk is always refused."""
    picks = [Pick(ApprovalId(each.approval_id), each.version) for each in body.cards]
    told = bulk_deciding.decide_many(deps.app(), picks, body.verb, reason=body.reason, actor=actor)
    return answer(card_documents.of_bulk(told))
