"""Cards: listed as the inbox lists them, one of them, and deciding it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model.approvals import ApprovalStatus, Kind
from interlock.core.model.inbox_filters import InboxFilter, Risk, Sort, read_age
from interlock.core.services import (
    assigning,
    card_documents,
    deadlines,
    deciding,
    documents,
    observing,
    sifting,
)
from interlock.dashboard import deps
from interlock.dashboard.http.api import examples
from interlock.dashboard.http.api.answers import answer, problem
from interlock.dashboard.http.api.bodies import CardDecisionBody, ExtendBody
from interlock.dashboard.http.api.described import body_example, responses
from interlock.dashboard.http.api.identity import Actor
from interlock.dashboard.http.api.pages import Cursor, Limit, page, read_cursor

router = APIRouter(tags=["approvals"])

_TAG = re.compile(r'"([1-9][0-9]{0,8})"')


@router.get("/approvals", responses=responses(examples.APPROVALS, 404))
def list_approvals(
    *,
    status: Annotated[
        list[ApprovalStatus] | None, Query(description="May be repeated; pending without.")
    ] = None,
    workflow: Annotated[str | None, Query(max_length=1000)] = None,
    thread_id: Annotated[str | None, Query(max_length=200)] = None,
    node: Annotated[str | None, Query(max_length=1000)] = None,
    kind: Kind | None = None,
    risk: Risk | None = None,
    search: Annotated[str, Query(max_length=1000)] = "",
    older: Annotated[
        str | None, Query(max_length=10, description="Asked so long ago: 90s, 10m, 4h, 2d.")
    ] = None,
    approver: Annotated[
        str | None, Query(max_length=300, description="A name, or a group as `group:finance`.")
    ] = None,
    mine: Annotated[
        bool, Query(description="Those that you may decide and have not voted on.")
    ] = False,
    claimed_by: Annotated[
        str | None, Query(max_length=200, description="Those that somebody has.")
    ] = None,
    unclaimed: Annotated[bool, Query(description="Those that nobody has.")] = False,
    sort: Sort = Sort.WAITING,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Cards, the longest waiting first unless told otherwise."""
    statuses = tuple(dict.fromkeys(status or (ApprovalStatus.PENDING,)))
    which = ["approvals", statuses, workflow, thread_id, node, kind, risk, search, older, sort]
    which += [approver, str(mine), claimed_by, str(unclaimed)]
    place = read_cursor(cursor, which=which)
    age = timedelta() if older is None else read_age(older)
    if age is None:
        told = FieldProblem("older", "is no age such as 90s, 10m, 4h or 2d")
        raise InvalidInput("The request does not fit.", problems=[told])
    app = deps.app()
    wanted = InboxFilter(
        statuses=statuses,
        workflow=workflow,
        thread_id=thread_id,
        node=node,
        kind=kind,
        risk=risk,
        text=search,
        asked_until=None if older is None else app.clock.now() - age,
        approver=approver,
        mine=deps.person(app) if mine else None,
        holder=claimed_by,
        is_free=unclaimed,
        as_of=app.clock.now(),
    )
    found = sifting.list_cards(app, wanted, sort=sort, limit=limit + 1, after=place)
    claims = assigning.fetch_claims(app, [card.approval_id for card in found])
    return page(
        found,
        limit=limit,
        which=which,
        place=lambda card: [card.approval_id],
        show=lambda card: card_documents.of_listed(card, claims.get(card.approval_id)),
    )


@router.get("/approvals/{approval_id}", responses=responses(examples.CARD, 404))
def get_approval(approval_id: str) -> Response:
    """One card with what was decided of it and who has it; its `ETag` is the version that a decision names."""
    app = deps.app()
    card = observing.get_card(app, approval_id)
    held = assigning.fetch_claims(app, [card.approval.approval_id])
    return answer(
        card_documents.of_opened(card, held.get(card.approval.approval_id)),
        headers={"etag": f'"{card.approval.version}"'},
    )


@router.post(
    "/approvals/{approval_id}/decision",
    responses=responses(examples.DECIDED, 404, 428),
    openapi_extra=body_example(verb="approve", reason="ok", version=1),
)
def decide(
    approval_id: str,
    body: CardDecisionBody,
    actor: Actor,
    if_match: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """Decide a card. The first decision wins; a later one is told of it with 409."""
    if body.agree_with is not None:
        body.refuse_more()
    intent = body.intent() if body.agree_with is None else None
    version = _read_version(if_match, body.version)
    if version is None:
        told = (
            "Say which version you saw: `If-Match` with the card's ETag, or `version` in the body."
        )
        return problem(428, told)
    if intent is not None:
        made = deciding.decide(deps.app(), approval_id, intent, version=version, actor=actor)
    else:
        made = deciding.agree(
            deps.app(),
            approval_id,
            with_=body.agree_with or "",
            version=version,
            actor=actor,
            reason=body.reason,
        )
    return answer(documents.of_decided(made))


@router.post(
    "/approvals/{approval_id}/deadline",
    responses=responses(examples.APPROVAL, 404),
    openapi_extra=body_example(by="1h", reason="on my way"),
)
def extend(
    approval_id: str,
    body: ExtendBody,
    actor: Actor,
    if_match: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """Put a card's deadline off; from now on where it is over. What the card asks stays the same."""
    card = deadlines.extend(
        deps.app(),
        approval_id,
        by=body.span(),
        version=_read_version(if_match, body.version),
        actor=actor,
        reason=body.reason,
    )
    return answer(documents.of_approval(card), headers={"etag": f'"{card.version}"'})


def _read_version(if_match: str | None, version: int | None) -> int | None:
    if if_match is None:
        return version
    found = _TAG.fullmatch(if_match.strip())
    if found is None or version not in (None, int(found[1])):
        told = FieldProblem("If-Match", 'is not the version of the card, such as "1"')
        raise InvalidInput("The request does not fit.", problems=[told])
    return int(found[1])
