"""Workflows: what can be launched, and why something cannot."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from interlock.core.services import documents, observing
from interlock.dashboard import deps
from interlock.dashboard.http.api import examples
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.described import responses

router = APIRouter(tags=["workflows"])


@router.get("/workflows", responses=responses(examples.WORKFLOWS))
def list_workflows() -> Response:
    """All workflows, those that could not be loaded included; always one page."""
    found = observing.list_workflows(deps.app())
    return answer({"items": [documents.of_workflow(each) for each in found], "next": None})


@router.get("/workflows/{name:path}", responses=responses(examples.WORKFLOW, 404))
def get_workflow(name: str) -> Response:
    """One workflow."""
    return answer(documents.of_workflow(observing.get_workflow(deps.app(), name)))
