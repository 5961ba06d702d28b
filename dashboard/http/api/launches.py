"""Launching a workflow."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from interlock.core.errors import InterlockError
from interlock.core.model.approvals import Approval
from interlock.core.model.runs import OPEN, Run
from interlock.core.services import documents, launching, observing
from interlock.core.services.context import App
from interlock.dashboard.http.api import examples, waiting
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.bodies import LaunchBody
from interlock.dashboard.http.api.described import body_example, responses
from interlock.dashboard.http.api.identity import Actor, Bound
from interlock.dashboard.http.api.mounting import PATH

logger = structlog.get_logger(__name__)
router = APIRouter(tags=["runs"])

MAX_CARDS = 1000


@router.post(
    "/workflows/{name:path}/runs",
    responses=responses(examples.LAUNCHED, 404, what="ended, or needs a human", also=202),
    openapi_extra=body_example(input={"amount": 700}, wait_s=10),
)
async def launch(name: str, body: LaunchBody, app: Bound, actor: Actor) -> Response:
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
    run = await run_in_threadpool(launching.launch, app, request, actor=actor)
    seen = await waiting.for_run(app, run, body.wait_s)
    if seen.status in OPEN:
        return _answer(seen, [])
    return await run_in_threadpool(_tell, app, run, seen)


def _tell(app: App, launched: Run, seen: Run) -> Response:
    """The run with its cards, as it is not going on; it is launched in any case, and that is said."""
    try:
        cards = observing.list_inbox(app, thread_id=seen.thread_id, limit=MAX_CARDS)
    except InterlockError as exc:
        logger.warning("cards were not read", run_id=launched.run_id, reason=str(exc))
        seen, cards = launched, []
    return _answer(seen, cards)


def _answer(seen: Run, cards: Sequence[Approval]) -> Response:
    return answer(
        documents.of_launch(seen, cards),
        status=202 if seen.status in OPEN else 200,
        headers={"location": f"{PATH}/runs/{seen.run_id}"},
    )
