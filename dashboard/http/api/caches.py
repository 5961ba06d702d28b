"""Caches: what they hold and have saved, and clearing them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.services import caching, figure_documents
from interlock.dashboard import deps
from interlock.dashboard.http.api import figure_examples
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.bodies import ClearBody
from interlock.dashboard.http.api.described import body_example, responses
from interlock.dashboard.http.api.identity import Actor

router = APIRouter(tags=["caches"])


@router.get("/caches", responses=responses(figure_examples.CACHES))
def list_caches() -> Response:
    """All caches, those that hit the least first; always one page."""
    found = caching.list_caches(deps.app())
    return answer({"items": [figure_documents.of_cache(each) for each in found], "next": None})


@router.post(
    "/caches/clear",
    responses=responses(figure_examples.CLEARED, 404),
    openapi_extra=body_example(workflow="help_desk"),
)
def clear(body: ClearBody, actor: Actor) -> Response:
    """Clear what all that is given names, in every worker; `all` alone clears everything."""
    is_named = any(x is not None for x in (body.workflow, body.node, body.pattern, body.event))
    if is_named == body.all:
        told = FieldProblem("all", "name what to clear by another field, or give `all` alone")
        raise InvalidInput("The request does not fit.", problems=[told])
    count = caching.clear(
        deps.app(),
        workflow=body.workflow,
        node=body.node,
        pattern=body.pattern,
        event=body.event,
        actor=actor,
        reason=body.reason,
    )
    return answer({"cleared": count})
