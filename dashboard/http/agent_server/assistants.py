"""Assistants: each workflow is one, under an id that never changes, and under its name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from interlock.core.errors import NotFound
from interlock.core.model import people
from interlock.core.model.people import Permission
from interlock.core.model.workflows import Workflow
from interlock.core.services import observing, permitting
from interlock.core.services.context import App
from interlock.core.types import Json
from interlock.dashboard import deps
from interlock.dashboard.http.agent_server.bodies import AssistantSearchBody
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.identity import Bound
from interlock.dashboard.views import agent_documents

router = APIRouter()

MAX_DEPTH = 100
Assistant = Annotated[str, Path(max_length=1000)]


def require_seeing(app: Bound) -> None:
    """
    See that who asks may read, where a POST only reads: the door looks at this for GET alone.

    Raises:
        NotAllowed: They may not.
    """
    person = permitting.resolve(app)
    people.require(person, Permission.SEE, actor=person.name)


READS = [Depends(require_seeing)]


@router.post("/assistants/search", dependencies=READS)
def search(body: AssistantSearchBody) -> Response:
    """The workflows that can be run, by name unless told otherwise."""
    found = _find_all(deps.app(), body)
    key = {"assistant_id": "assistant_id", "created_at": "created_at", "updated_at": "updated_at"}
    found.sort(key=lambda each: (each[key.get(body.sort_by or "", "name")], each["name"]))
    if body.sort_order == "desc":
        found.reverse()
    page = found[body.offset : body.offset + body.limit]
    return answer([agent_documents.select(each, body.select) for each in page])


@router.post("/assistants/count", dependencies=READS)
def count(body: AssistantSearchBody) -> Response:
    """How many there are."""
    return answer(len(_find_all(deps.app(), body)))


@router.get("/assistants/{assistant_id:path}/graph")
def get_graph(
    assistant_id: Assistant, xray: Annotated[str, Query(max_length=10)] = "false"
) -> Response:
    """How a workflow is drawn; `xray` opens its subgraphs, all or so many levels."""
    levels = {"true": MAX_DEPTH, "false": 0}
    is_number = xray.isascii() and xray.isdigit()
    depth = int(xray) if is_number else levels.get(xray.lower(), 0)
    return answer(agent_documents.of_graph(find(deps.app(), assistant_id), depth=depth))


@router.get("/assistants/{assistant_id:path}/schemas")
def get_schemas(assistant_id: Assistant) -> Response:
    """What a workflow takes and keeps."""
    return answer(agent_documents.of_schemas(find(deps.app(), assistant_id)))


@router.get("/assistants/{assistant_id:path}")
def get(assistant_id: Assistant) -> Response:
    """One assistant."""
    return answer(agent_documents.of_assistant(find(deps.app(), assistant_id)))


def find(app: App, named: str) -> Workflow:
    """
    The workflow of an assistant.

    Raises:
        NotFound: There is none of this id or name.
    """
    return observing.get_workflow(app, find_name(app, named))


def find_name(app: App, named: str) -> str:
    """
    The name of an assistant's workflow.

    Raises:
        NotFound: There is none of this id or name.
    """
    known = [each.name for each in observing.list_workflow_names(app)]
    found = agent_documents.find_workflow(named, known)
    if found is None:
        raise NotFound("assistant", named, hint=f"The graphs are: {', '.join(known)}.")
    return found


def _find_all(app: App, body: AssistantSearchBody) -> list[dict[str, Json]]:
    return [
        told
        for told in map(agent_documents.of_assistant, _loaded(app))
        if body.graph_id in (None, told["graph_id"], told["assistant_id"])
        and (body.name or "").lower() in told["name"].lower()
        and all(told["metadata"].get(key) == each for key, each in (body.metadata or {}).items())
    ]


def _loaded(app: App) -> list[Workflow]:
    return [each for each in observing.list_workflows(app) if each.error is None]
