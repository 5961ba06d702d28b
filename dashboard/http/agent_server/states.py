"""States of threads: now, at a checkpoint, all of them, and changing one, which makes a fork."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from interlock.core.errors import Conflict, InvalidInput, NotFound, NotServed, NoWorker
from interlock.core.model.approvals import Approval
from interlock.core.model.history import EditMode, FieldEdit, Point
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import OPEN, Run, RunStatus
from interlock.core.model.thread_lists import ThreadFound
from interlock.core.model.threads import Snapshot
from interlock.core.services import history, observing, reading, rewinding, thread_searching
from interlock.core.services.context import App
from interlock.core.services.rewinding import ForkRequest
from interlock.core.types import CheckpointId, Json
from interlock.dashboard.http.agent_server.assistants import READS
from interlock.dashboard.http.agent_server.bodies import HistoryBody, PlaceBody, StateBody
from interlock.dashboard.http.agent_server.threads import REASON
from interlock.dashboard.http.api import waiting
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.identity import Actor, Bound
from interlock.dashboard.views import agent_asks, agent_documents, agent_threads
from interlock.dashboard.views.agent_threads import Change, Update

router = APIRouter()

AT_ONCE = 10  # states that workers are asked for at once
FORK_S = 60.0
MAX_CARDS = 200
Names = Annotated[list[str] | None, Query(max_length=100)]
_VERBS = {
    Change.EDIT: RewindVerb.EDIT,
    Change.SKIP: RewindVerb.SKIP,
    Change.STOP: RewindVerb.STOP,
}


@dataclass(frozen=True, kw_only=True)
class _Thread:
    """A thread, and the cards by which it is known which task asked."""

    found: ThreadFound
    cards: Sequence[Approval]

    @property
    def head(self) -> CheckpointId | None:
        return self.found.thread.head_checkpoint_id


@router.post("/threads/{thread_id:path}/state/checkpoint", dependencies=READS)
async def get_state_at(thread_id: str, body: PlaceBody, app: Bound) -> Response:
    """The state at a checkpoint."""
    _refuse_subgraphs(wanted=bool(body.subgraphs))
    at = agent_asks.find_checkpoint(body.given())
    return await _answer_state(app, thread_id, at, body.select)


@router.get("/threads/{thread_id:path}/state/{checkpoint_id}")
async def get_state_of(
    thread_id: str, checkpoint_id: str, app: Bound, *, subgraphs: bool = False, select: Names = None
) -> Response:
    """The same."""
    _refuse_subgraphs(wanted=subgraphs)
    return await _answer_state(app, thread_id, checkpoint_id, select)


@router.get("/threads/{thread_id:path}/state")
async def get_state(
    thread_id: str, app: Bound, *, subgraphs: bool = False, select: Names = None
) -> Response:
    """The state a thread stands at."""
    _refuse_subgraphs(wanted=subgraphs)
    return await _answer_state(app, thread_id, None, select)


@router.post("/threads/{thread_id:path}/state")
async def update_state(thread_id: str, body: StateBody, app: Bound, actor: Actor) -> Response:
    """Fork a thread: with other values, a node left out, or ended. What is due then waits to be told."""
    update = agent_threads.read_update(body.given())
    await waiting.for_history(app, thread_id)
    run = await run_in_threadpool(_fork, app, thread_id, update, actor)
    run = await waiting.for_run(app, run, FORK_S)
    if run.status in OPEN:
        raise NoWorker(f"Run {run.run_id} has not changed the state within {FORK_S:g} s.")
    if run.status is RunStatus.FAILED and run.error is not None:
        raise InvalidInput(f"The state was not changed: {run.error.message}")
    found = await run_in_threadpool(thread_searching.find, app, thread_id)
    at = agent_documents.of_checkpoint(thread_id, found.thread.head_checkpoint_id)
    return answer({"checkpoint": at, "configurable": at, "checkpoint_id": at["checkpoint_id"]})


@router.post("/threads/{thread_id:path}/history", dependencies=READS)
async def get_history(thread_id: str, body: HistoryBody, app: Bound) -> Response:
    """The states of a thread, newest first."""
    return await _answer_history(app, thread_id, body)


@router.get("/threads/{thread_id:path}/history")
async def list_history(
    thread_id: str,
    app: Bound,
    limit: Annotated[int, Query(ge=1, le=200)] = 10,
    before: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """The same."""
    return await _answer_history(app, thread_id, HistoryBody(limit=limit, before=before))


def _fork(app: App, thread_id: str, update: Update, actor: str) -> Run:
    head = thread_searching.find(app, thread_id).thread.head_checkpoint_id
    target = update.checkpoint_id or head
    if target is None:
        raise Conflict(f"Nothing has run on thread {thread_id} yet: there is no state to change.")
    request = ForkRequest(
        verb=_VERBS[update.change],
        checkpoint_id=CheckpointId(target),
        as_node=update.as_node,
        edits=tuple(
            FieldEdit(field=name, value=value, mode=EditMode.APPEND)
            for name, value in update.edits.items()
        ),
        stands=update.change is not Change.STOP,
    )
    return rewinding.apply(app, thread_id, request, expected_head=head, actor=actor, reason=REASON)


async def _answer_state(
    app: App, thread_id: str, checkpoint_id: str | None, names: list[str] | None
) -> Response:
    thread = await run_in_threadpool(_open, app, thread_id)
    if checkpoint_id is None and thread.head is None:
        about = thread.found.thread
        return answer(
            agent_documents.of_no_state(
                thread_id, workflow=about.workflow, created_at=about.created_at
            )
        )
    wanted = await waiting.for_state(app, thread_id, checkpoint_id)
    return await run_in_threadpool(_tell_state, app, thread, wanted, names)


def _tell_state(
    app: App, thread: _Thread, checkpoint_id: CheckpointId, names: list[str] | None
) -> Response:
    about = thread.found.thread
    snapshot = reading.state(app, about.thread_id, checkpoint_id, wait_s=0.0)
    try:
        point = history.read_point(app, about.thread_id, checkpoint_id).point
    except NotFound:  # its state was kept, its place in the index was not
        point = None
    return answer(agent_documents.select(_of_state(thread, snapshot, point), names))


async def _answer_history(app: App, thread_id: str, body: HistoryBody) -> Response:
    wanted, before = agent_threads.read_points(body.given())
    await waiting.for_history(app, thread_id)
    points, _ = await run_in_threadpool(
        history.list_points, app, thread_id, wanted, limit=body.limit, before=before, wait_s=0.0
    )
    has_values = body.select is None or "values" in body.select
    if has_values:
        for at in range(0, len(points), AT_ONCE):
            some = points[at : at + AT_ONCE]
            asked = (waiting.for_state(app, thread_id, point.checkpoint_id) for point in some)
            await asyncio.gather(*asked)
    return await run_in_threadpool(
        _tell_history, app, thread_id, points, body.select, has_values=has_values
    )


def _tell_history(
    app: App,
    thread_id: str,
    points: Sequence[Point],
    names: list[str] | None,
    *,
    has_values: bool,
) -> Response:
    thread = _open(app, thread_id)
    told = []
    for point in points:
        if has_values:
            snapshot = reading.state(app, thread_id, point.checkpoint_id, wait_s=0.0)
        else:
            snapshot = agent_documents.without_values(point)
        told.append(agent_documents.select(_of_state(thread, snapshot, point), names))
    return answer(told)


def _open(app: App, thread_id: str) -> _Thread:
    found = thread_searching.find(app, thread_id)
    cards = observing.list_inbox(
        app, statuses=(), thread_id=thread_id, limit=MAX_CARDS, newest_first=True
    )
    return _Thread(found=found, cards=cards)


def _of_state(thread: _Thread, snapshot: Snapshot, point: Point | None) -> dict[str, Json]:
    return agent_documents.of_state(
        snapshot,
        workflow=thread.found.thread.workflow,
        point=point,
        cards=thread.cards,
        is_head=snapshot.checkpoint_id == thread.head,
    )


def _refuse_subgraphs(*, wanted: bool) -> None:
    if wanted:
        raise NotServed("the states of subgraphs")
