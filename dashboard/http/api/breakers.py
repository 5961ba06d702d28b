"""Breakers: how they stand, and holding one open or closed."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from interlock.core.services import figure_documents, tripping
from interlock.dashboard import deps
from interlock.dashboard.http.api import figure_examples
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.bodies import OrderBody
from interlock.dashboard.http.api.described import body_example, responses
from interlock.dashboard.http.api.identity import Actor

router = APIRouter(tags=["breakers"])


@router.get("/breakers", responses=responses(figure_examples.BREAKERS))
def list_breakers() -> Response:
    """All breakers, by name; always one page."""
    app = deps.app()
    now = app.clock.now()
    found = tripping.list_breakers(app)
    return answer(
        {"items": [figure_documents.of_breaker(each, now) for each in found], "next": None}
    )


@router.post(
    "/breakers/{name:path}",
    responses=responses(figure_examples.BREAKER, 404),
    openapi_extra=body_example(order="open", reason="maintenance"),
)
def order(name: str, body: OrderBody, actor: Actor) -> Response:
    """Hold a breaker open or closed; `reset` gives it back to its rules, closed."""
    app = deps.app()
    changed = tripping.order(app, name, body.order, actor=actor, reason=body.reason)
    return answer(figure_documents.of_breaker(changed, app.clock.now()))
