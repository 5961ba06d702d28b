"""Launching a workflow."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from interlock.core.model.runs import OPEN
from interlock.core.services import documents, launching, observing
from interlock.dashboard import deps
from interlock.dashboard.http.api import described, following
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.bodies import LaunchBody
from interlock.dashboard.http.api.identity import Actor
from interlock.dashboard.http.api.mounting import PATH

router = APIRouter(tags=["runs"])

MAX_CARDS = 1000
_EXAMPLE = {
    "run_id": described.RUN["run_id"],
    "thread_id": described.RUN["thread_id"],
    "status": "waiting",
    "approvals": [described.APPROVAL],
    "error": None,
}


@router.post(
    "/workflows/{name:path}/runs",
    responses=described.responses(
        _EXAMPLE, 404, 409, 413, 415, 429, what="ended, or needs a human", also=202
    ),
    openapi_extra={
        "requestBody": {
            "content": {"application/json": {"example": {"input": {"amount": 700}, "wait_s": 10}}}
        }
    },
)
async def launch(name: str, body: LaunchBody, actor: Actor) -> Response:
    """Launch a workflow. 200 once it ended or needs a human within `wait_s`, else 202 and where to look."""
    request = launching.Launch(
        workflow=name,
        input=body.input,
        context=body.context,
        thread_id=body.thread_id,
        break_before=body.break_before,
        break_after=body.break_after,
        recursion_limit=body.recursion_limit,
        priority=body.priority,
        variant=body.variant,
        asks_on_failure=body.ask_on_failure,
    )
    app = deps.app()
    run = await asyncio.to_thread(launching.launch, app, request, actor=actor)
    run = await following.wait_for_run(app, run, body.wait_s)
    is_open = run.status in OPEN
    cards = (
        []
        if is_open
        else await asyncio.to_thread(
            observing.list_inbox, app, thread_id=run.thread_id, limit=MAX_CARDS
        )
    )
    return await asyncio.to_thread(
        answer,
        documents.of_launch(run, cards),
        status=202 if is_open else 200,
        headers={"location": f"{PATH}/runs/{run.run_id}"},
    )
