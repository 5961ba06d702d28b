"""Threads: searched, made, described, copied."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from interlock.core.errors import Conflict, NotServed
from interlock.core.model.rewinding import RewindVerb
from interlock.core.services import observing, rewinding, thread_searching
from interlock.core.services.context import App
from interlock.core.services.rewinding import ForkRequest
from interlock.core.types import Json
from interlock.dashboard import deps
from interlock.dashboard.http.agent_server import assistants
from interlock.dashboard.http.agent_server.bodies import ThreadBody, ThreadPatch, ThreadSearchBody
from interlock.dashboard.http.api.answers import NO_STORE, answer
from interlock.dashboard.http.api.identity import Actor
from interlock.dashboard.views import agent_documents, agent_threads

router = APIRouter()

REASON = "Asked for by a client of the Agent Server API."


@router.post("/threads/search", dependencies=assistants.READS)
def search(body: ThreadSearchBody) -> Response:
    """Threads, the one that moved last first unless told otherwise."""
    app = deps.app()
    wanted = agent_threads.read_search(body.given(), _names(app))
    if wanted is None:
        return answer([])
    has_values = body.select is None or "values" in body.select
    found = thread_searching.search(app, wanted, with_states=has_values)
    return answer(
        [agent_documents.select(agent_documents.of_thread(each), body.select) for each in found]
    )


@router.post("/threads/count", dependencies=assistants.READS)
def count(body: ThreadSearchBody) -> Response:
    """How many there are."""
    app = deps.app()
    wanted = agent_threads.read_search(body.given(), _names(app))
    return answer(0 if wanted is None else thread_searching.count(app, wanted))


@router.post("/threads")
def make(body: ThreadBody, actor: Actor) -> Response:
    """Make a thread that nothing has run on yet."""
    if body.supersteps:
        raise NotServed("a thread made of supersteps")
    _refuse_end_of_life(body.ttl)
    app = deps.app()
    given = body.metadata or {}
    workflow, data = agent_threads.split_metadata(given, _names(app))
    if workflow == "":
        named = given.get("graph_id") or given.get("assistant_id")
        workflow = assistants.find_name(app, str(named))
    made = thread_searching.make(
        app,
        body.thread_id,
        workflow=workflow,
        data=data,
        may_exist=body.if_exists == "do_nothing",
        actor=actor,
    )
    return answer(agent_documents.of_thread(made))


@router.post("/threads/{thread_id:path}/copy")
def copy(thread_id: str, actor: Actor) -> Response:
    """Copy a thread as it stands to one of its own."""
    app = deps.app()
    head = thread_searching.find(app, thread_id).thread.head_checkpoint_id
    if head is None:
        raise Conflict(f"Nothing has run on thread {thread_id} yet.")
    request = ForkRequest(verb=RewindVerb.COPY, checkpoint_id=head)
    run = rewinding.apply(app, thread_id, request, actor=actor, reason=REASON)
    return answer(agent_documents.of_thread(thread_searching.find(app, run.thread_id)))


@router.patch("/threads/{thread_id:path}")
def describe(
    thread_id: str,
    body: ThreadPatch,
    actor: Actor,
    prefer: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """Say something of a thread; what runs on it is not said like that."""
    _refuse_end_of_life(body.ttl)
    _, said = agent_threads.split_metadata(body.metadata or {}, ())
    found = thread_searching.describe(deps.app(), thread_id, said, actor=actor)
    if "return=minimal" in prefer:
        return Response(status_code=204, headers=NO_STORE)
    return answer(agent_documents.of_thread(found))


def get(thread_id: str, include: str = "") -> Response:
    """One thread; its route stands last, as a thread's id may hold a slash."""
    if include:
        raise NotServed("`include` of a thread")
    return answer(agent_documents.of_thread(thread_searching.find(deps.app(), thread_id)))


def _names(app: App) -> list[str]:
    return [each.name for each in observing.list_workflow_names(app)]


def _refuse_end_of_life(ttl: Json) -> None:
    if ttl is not None:
        raise NotServed("`ttl` of a thread", hint="docs/keeping.md says how long threads are kept.")
