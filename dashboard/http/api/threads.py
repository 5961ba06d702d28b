"""Threads: listed, their state, their history, two points compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from interlock.core.model.history import PointFilter
from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadFilter
from interlock.core.model.threads import Origin
from interlock.core.services import (
    completing,
    documents,
    figure_documents,
    history,
    reading,
    threads_listing,
)
from interlock.core.services.context import App
from interlock.core.types import Json, RunId
from interlock.dashboard import deps
from interlock.dashboard.http.api import examples, waiting
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.described import responses
from interlock.dashboard.http.api.identity import Bound
from interlock.dashboard.http.api.pages import Cursor, Limit, page, read_cursor

router = APIRouter(tags=["threads"])


@router.get("/threads", responses=responses(examples.THREADS, 404))
def list_threads(
    *,
    workflow: Annotated[str | None, Query(max_length=1000)] = None,
    status: Annotated[list[RunStatus] | None, Query(description="Of the last run.")] = None,
    origin: Annotated[list[Origin] | None, Query(description="May be repeated.")] = None,
    search: Annotated[str, Query(max_length=1000)] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Threads, the one that moved last first; one that moves meanwhile comes again at the front."""
    wanted = ThreadFilter(
        workflow=workflow,
        statuses=tuple(dict.fromkeys(status or ())),
        origins=tuple(dict.fromkeys(origin or ())),
        words=search,
    )
    which = ["threads", workflow, wanted.statuses, wanted.origins, search]
    place = read_cursor(cursor, which=which)
    found = threads_listing.list_threads(deps.app(), wanted, limit=limit + 1, before=place)
    return page(
        found,
        limit=limit,
        which=which,
        place=lambda line: [line.thread.thread_id],
        show=figure_documents.of_thread,
    )


@router.get("/threads/{thread_id:path}/state", responses=responses(examples.STATE, 404))
async def get_state(
    thread_id: str,
    app: Bound,
    checkpoint_id: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """The state now, or at a checkpoint; a worker reads what no run ended with."""
    wanted = await waiting.for_state(app, thread_id, checkpoint_id)
    return await run_in_threadpool(
        lambda: answer(documents.of_snapshot(reading.state(app, thread_id, wanted, wait_s=0.0)))
    )


@router.get(
    "/threads/{thread_id:path}/history",
    responses=responses(examples.POINTS, 404),
)
async def get_history(
    thread_id: str,
    app: Bound,
    *,
    step: Annotated[int | None, Query(ge=-1, le=2**31 - 1)] = None,
    node: Annotated[str | None, Query(max_length=1000)] = None,
    source: Annotated[list[str] | None, Query(description="May be repeated.")] = None,
    run_id: Annotated[str | None, Query(max_length=200)] = None,
    branch: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
    decisions: Annotated[bool, Query(description="Only where a human was asked.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The checkpoints, newest first; no state is read."""
    wanted = PointFilter(
        step_from=step,
        step_to=step,
        node=node,
        sources=tuple(source or ()),
        run_id=None if run_id is None else RunId(run_id),
        branch=branch,
        only_decisions=decisions,
    )
    which = ["history", thread_id, step, node, wanted.sources, run_id, branch, decisions]
    place = read_cursor(cursor, which=which)
    await waiting.for_history(app, thread_id)
    return await run_in_threadpool(
        _page_of_points, app, thread_id, wanted, limit=limit, which=which, before=place
    )


def _page_of_points(
    app: App,
    thread_id: str,
    wanted: PointFilter,
    *,
    limit: int,
    which: Sequence[Json],
    before: str | None,
) -> Response:
    missing = completing.complete(app, thread_id, wait_s=0.0)
    found, head = history.list_points(
        app, thread_id, wanted, limit=limit + 1, before=before, wait_s=0.0
    )
    return page(
        found,
        limit=limit,
        which=which,
        place=lambda point: [point.checkpoint_id],
        show=lambda point: documents.of_point(point, head=head),
        **({"missing": missing} if missing else {}),
    )


@router.get("/threads/{thread_id:path}/diff", responses=responses(examples.DIFF, 404))
async def get_diff(
    thread_id: str,
    app: Bound,
    from_: Annotated[str, Query(alias="from", max_length=200, description="A checkpoint.")],
    to: Annotated[str, Query(max_length=200, description="Another one.")],
) -> Response:
    """How the states of two checkpoints differ."""
    one = await waiting.for_state(app, thread_id, from_)
    other = await waiting.for_state(app, thread_id, to)
    return await run_in_threadpool(_compare, app, thread_id, one, other)


def _compare(app: App, thread_id: str, one: str, other: str) -> Response:
    found = history.compare(app, thread_id, one, other, wait_s=0.0)
    return answer(documents.of_comparison(thread_id, found))
