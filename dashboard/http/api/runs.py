"""Runs: listed, one of them, its log as it is written, cancelled, retried."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from interlock.core.errors import InvalidInput
from interlock.core.model.run_lists import RunFilter
from interlock.core.model.runs import OPEN, Run, RunStatus
from interlock.core.services import browsing, documents, observing, running
from interlock.core.types import RunId, ThreadId
from interlock.dashboard import deps
from interlock.dashboard.http.api import examples, following
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.bodies import WhyBody
from interlock.dashboard.http.api.described import problem, responses
from interlock.dashboard.http.api.identity import Actor, Bound
from interlock.dashboard.http.api.mounting import PATH
from interlock.dashboard.http.api.pages import Cursor, Limit, page, read_moment, read_place
from interlock.dashboard.http.api.rates import places

router = APIRouter(tags=["runs"])

MAX_SEQ = 2**31 - 1
WARNINGS_COUNT = 100  # of one run
NO_REASON = WhyBody()


@router.get("/runs", responses=responses(examples.RUNS))
def list_runs(
    *,
    status: Annotated[list[RunStatus] | None, Query(description="May be repeated.")] = None,
    workflow: Annotated[str | None, Query(max_length=1000)] = None,
    thread_id: Annotated[str | None, Query(max_length=200)] = None,
    error: Annotated[str | None, Query(max_length=1000, description="The error's type.")] = None,
    search: Annotated[str, Query(max_length=1000)] = "",
    degraded: bool = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Runs, newest first."""
    statuses = tuple(dict.fromkeys(status or ()))
    which = ["runs", statuses, workflow, thread_id, error, search, degraded]
    before = read_place(cursor, which=which, reads=(read_moment, RunId))
    wanted = RunFilter(
        statuses=statuses,
        workflow=workflow,
        thread_id=None if thread_id is None else ThreadId(thread_id),
        error_type=error,
        words=search,
        is_degraded=degraded,
    )
    found = browsing.list_runs(
        deps.app(),
        wanted,
        limit=limit + 1,
        before=None if before is None else (before[0], before[1]),
    )
    return page(
        found,
        limit=limit,
        which=which,
        place=lambda run: [run.created_at.isoformat(), run.run_id],
        show=documents.of_run,
    )


@router.get("/runs/{run_id}", responses=responses(examples.RUN_DETAIL, 404))
def get_run(run_id: str) -> Response:
    """One run: the state it ended with, its nodes, why it failed."""
    app = deps.app()
    detail = observing.run_detail(app, run_id)
    warnings = observing.list_events(app, run_id, limit=WARNINGS_COUNT, kinds=["warning"])
    values = None if detail.snapshot is None else detail.snapshot.values
    return answer(
        documents.of_run_detail(detail.run, values=values, nodes=detail.nodes, warnings=warnings)
    )


@router.get(
    "/runs/{run_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "the log, and at last `event: end` with the run",
            "content": {"text/event-stream": {"example": "id: 1\nevent: log\ndata: {…}\n\n"}},
        },
        404: problem(404),
    },
)
async def follow_run(
    run_id: str,
    app: Bound,
    after: Annotated[int, Query(ge=0, le=MAX_SEQ, description="Begin after this number.")] = 0,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> StreamingResponse:
    """The run's log as server-sent events, until it has ended or needs a human."""
    if last_event_id:
        if not (last_event_id.isascii() and last_event_id.isdigit()):
            raise InvalidInput("Last-Event-ID is a number that this stream has sent.")
        after = min(int(last_event_id), MAX_SEQ)
    await run_in_threadpool(observing.get_run, app, run_id)
    held = ExitStack()
    held.enter_context(places.take(app.caller, at=app.clock.now()))
    events = following.stream(app, run_id, after_seq=after, held=held)
    return following.Stream(events, held=held)


@router.post("/runs/{run_id}/cancel", responses=responses(examples.RUN, 404, also=202))
def cancel_run(run_id: str, actor: Actor, body: WhyBody = NO_REASON) -> Response:
    """Cancel a run: 200 once it is cancelled, 202 while its worker is still to see it."""
    return _told(running.cancel(deps.app(), run_id, actor=actor, reason=body.reason))


@router.post(
    "/runs/{run_id}/retry",
    responses=responses(examples.RUN, 404, status=202),
    status_code=202,
)
def retry_run(run_id: str, actor: Actor, body: WhyBody = NO_REASON) -> Response:
    """Go on with a failed or cancelled run where it stopped, as a new run."""
    return _told(running.retry(deps.app(), run_id, actor=actor, reason=body.reason))


def _told(run: Run) -> Response:
    return answer(
        documents.of_run(run),
        status=202 if run.status in OPEN else 200,
        headers={"location": f"{PATH}/runs/{run.run_id}"},
    )
