"""Runs: created, waited for, streamed, joined, listed, cancelled."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from interlock.core.errors import InvalidInput, NotFound, NotServed
from interlock.core.model.runs import OPEN, Run
from interlock.core.services import observing, running, thread_searching
from interlock.core.services.context import App
from interlock.dashboard import deps
from interlock.dashboard.http.agent_server import following, starting
from interlock.dashboard.http.agent_server.bodies import RunBody
from interlock.dashboard.http.agent_server.following import Cancel, Line
from interlock.dashboard.http.agent_server.threads import REASON
from interlock.dashboard.http.api import waiting
from interlock.dashboard.http.api.answers import NO_STORE, answer
from interlock.dashboard.http.api.identity import Actor, Bound
from interlock.dashboard.views import agent_asks, agent_documents
from interlock.dashboard.views.agent_events import Stream

router = APIRouter()

MAX_SEQ = 2**31 - 1
CANCEL_S = 60.0
OPEN_LINE = {"x-accel-buffering": "no"}
Status = Literal["pending", "running", "error", "success", "timeout", "interrupted"]
Modes = Annotated[list[str] | None, Query(max_length=20)]
LastEvent = Annotated[str | None, Header(alias="last-event-id", max_length=20)]


@router.post("/runs/wait")
async def wait_alone(body: RunBody, app: Bound, actor: Actor) -> Response:
    """Run on a new thread, which is kept, and wait."""
    return await _wait(app, None, body, actor)


@router.post("/runs/stream")
async def stream_alone(body: RunBody, app: Bound, actor: Actor) -> Response:
    """Run on a new thread, which is kept, and stream."""
    return await _stream(app, None, body, actor)


@router.post("/runs")
def create_alone(body: RunBody, actor: Actor) -> Response:
    """Run on a new thread, which is kept."""
    return _told(starting.start(deps.app(), None, body, actor=actor))


@router.post("/threads/{thread_id:path}/runs/wait")
async def wait(thread_id: str, body: RunBody, app: Bound, actor: Actor) -> Response:
    """Run and wait until it ends or asks."""
    return await _wait(app, thread_id, body, actor)


@router.post("/threads/{thread_id:path}/runs/stream")
async def stream(thread_id: str, body: RunBody, app: Bound, actor: Actor) -> Response:
    """Run and stream."""
    return await _stream(app, thread_id, body, actor)


@router.post("/threads/{thread_id:path}/runs")
def create(thread_id: str, body: RunBody, actor: Actor) -> Response:
    """Run."""
    return _told(starting.start(deps.app(), thread_id, body, actor=actor))


@router.get("/threads/{thread_id:path}/runs/{run_id}/join")
async def join(thread_id: str, run_id: str, app: Bound) -> Response:
    """Wait for a run that was created before."""
    run = await run_in_threadpool(_find, app, thread_id, run_id)
    return _waiting(app, run, following.hold_place(app), None)


@router.get("/threads/{thread_id:path}/runs/{run_id}/stream")
async def join_stream(
    thread_id: str,
    run_id: str,
    app: Bound,
    actor: Actor,
    *,
    stream_mode: Modes = None,
    cancel_on_disconnect: bool = False,
    last_event_id: LastEvent = None,
) -> Response:
    """Stream a run that was created before, from where the line broke."""
    modes = agent_asks.read_modes(stream_mode)
    after_seq = _read_seq(last_event_id)
    run = await run_in_threadpool(_find, app, thread_id, run_id)
    cancel = following.arm(app, run, actor, is_asked=cancel_on_disconnect)
    heard = Stream(run.run_id, run.workflow, modes)
    return _streaming(app, run, heard, following.hold_place(app), cancel, after_seq=after_seq)


@router.post("/threads/{thread_id:path}/runs/{run_id}/cancel")
async def cancel(
    thread_id: str,
    run_id: str,
    app: Bound,
    actor: Actor,
    *,
    wait: bool = False,
    action: Literal["interrupt", "rollback"] = "interrupt",
) -> Response:
    """Cancel a run."""
    if action == "rollback":
        raise NotServed("`action: rollback`: what a run did stays in the history")
    run = await run_in_threadpool(_find, app, thread_id, run_id)
    run = await run_in_threadpool(running.cancel, app, run.run_id, actor=actor, reason=REASON)
    run = await waiting.for_run(app, run, CANCEL_S if wait else 0.0)
    return Response(status_code=202 if run.status in OPEN else 204, headers=NO_STORE)


@router.get("/threads/{thread_id:path}/runs/{run_id}")
def get(thread_id: str, run_id: str) -> Response:
    """One run."""
    return answer(agent_documents.of_run(_find(deps.app(), thread_id, run_id)))


@router.get("/threads/{thread_id:path}/runs")
def list_runs(
    thread_id: str,
    *,
    limit: Annotated[int, Query(ge=1, le=200)] = 10,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
    status: Status | None = None,
    select: Annotated[list[str] | None, Query(max_length=100)] = None,
) -> Response:
    """The runs of a thread, newest first."""
    app = deps.app()
    thread_searching.find(app, thread_id)
    statuses = [own for own, theirs in agent_documents.RUN_STATUSES.items() if theirs == status]
    if status is not None and not statuses:
        return answer([])
    found = observing.list_runs(
        app, statuses=statuses, thread_id=thread_id, limit=limit, offset=offset
    )
    told = [agent_documents.select(agent_documents.of_run(run), select) for run in found]
    return answer(told)


async def _wait(app: App, thread_id: str | None, body: RunBody, actor: str) -> Response:
    held = following.hold_place(app)
    try:
        run = await run_in_threadpool(starting.start, app, thread_id, body, actor=actor)
    except BaseException:
        held.close()
        raise
    cancel = following.arm(app, run, actor, is_asked=body.on_disconnect == "cancel")
    return _waiting(app, run, held, cancel)


async def _stream(app: App, thread_id: str | None, body: RunBody, actor: str) -> Response:
    modes = agent_asks.read_modes(body.stream_mode)
    held = following.hold_place(app)
    try:
        run = await run_in_threadpool(starting.start, app, thread_id, body, actor=actor)
    except BaseException:
        held.close()
        raise
    cancel = following.arm(app, run, actor, is_asked=body.on_disconnect == "cancel")
    heard = Stream(run.run_id, run.workflow, modes, has_subgraphs=bool(body.stream_subgraphs))
    return _streaming(app, run, heard, held, cancel)


def _waiting(app: App, run: Run, held: ExitStack, cancel: Cancel | None) -> Line:
    return Line(
        following.wait(app, run, held, cancel),
        held=held,
        cancel=cancel,
        media_type="application/json",
        headers=NO_STORE | OPEN_LINE | _places(run, "join"),
    )


def _streaming(
    app: App,
    run: Run,
    heard: Stream,
    held: ExitStack,
    cancel: Cancel | None,
    *,
    after_seq: int = 0,
) -> Line:
    again = "stream?" + urlencode({"stream_mode": heard.modes}, doseq=True)
    return Line(
        following.stream(app, heard, held, after_seq=after_seq, cancel=cancel),
        held=held,
        cancel=cancel,
        media_type="text/event-stream",
        headers=NO_STORE | OPEN_LINE | _places(run, again),
    )


def _told(run: Run) -> Response:
    return answer(agent_documents.of_run(run), headers=_places(run))


def _places(run: Run, again: str = "") -> dict[str, str]:
    """
    Where the run is, and where who lost the line comes back.

    From the base of this API on, not from the server's: clients put their base before it.
    """
    place = f"/threads/{quote(run.thread_id, safe='')}/runs/{run.run_id}"
    found = {"content-location": place}
    return {**found, "location": f"{place}/{again}"} if again else found


def _find(app: App, thread_id: str, run_id: str) -> Run:
    run = observing.get_run(app, run_id)
    if run.thread_id != thread_id:
        raise NotFound("run", run_id, hint=f"Thread {thread_id} has no such run.")
    return run


def _read_seq(given: str | None) -> int:
    if not given or given == "-1":  # which means all of it
        return 0
    if not (given.isascii() and given.isdigit()):
        raise InvalidInput("Last-Event-ID is a number that this stream has sent.")
    return min(int(given), MAX_SEQ)
