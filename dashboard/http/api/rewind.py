"""Going on from an earlier point of a thread, or only telling what would happen."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from interlock.core.model.runs import OPEN
from interlock.core.services import figure_documents, rewinding
from interlock.dashboard.http.api import figure_examples, waiting
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.bodies import RewindBody
from interlock.dashboard.http.api.described import body_example, responses
from interlock.dashboard.http.api.identity import Actor, Bound
from interlock.dashboard.http.api.mounting import PATH

router = APIRouter(tags=["threads"])


@router.post(
    "/threads/{thread_id:path}/rewind",
    responses=responses(figure_examples.REWOUND, 404, also=202),
    openapi_extra=body_example(checkpoint_id="1f0c7a9e-0000-6000-8002-000000000001", dry_run=True),
)
async def rewind(thread_id: str, body: RewindBody, app: Bound, actor: Actor) -> Response:
    """Go on from a checkpoint: as it was, with the state edited, or with a decision changed."""
    request = body.request()
    await waiting.for_history(app, thread_id)
    staged = await run_in_threadpool(
        rewinding.preview, app, thread_id, request, expected_head=body.expected_head, wait_s=0.0
    )
    if body.dry_run:
        if staged.problems:
            raise staged.problems[0].as_error()
        return answer(figure_documents.of_rewind(staged, thread_id, None, None))
    run = await run_in_threadpool(
        rewinding.apply,
        app,
        thread_id,
        request,
        expected_head=body.expected_head or staged.head_id,
        actor=actor,
        reason=body.reason,
    )
    last = await waiting.for_rewind(app, run, body.wait_s)
    return answer(
        figure_documents.of_rewind(staged, run.thread_id, last, run.run_id),
        status=202 if last.status in OPEN else 200,
        headers={"location": f"{PATH}/runs/{last.run_id}"},
    )
