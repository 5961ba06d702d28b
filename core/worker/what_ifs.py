"""Trying one side of a what-if beside the worker's runs, in memory, and keeping what it came to."""

from __future__ import annotations

import logging
import time
from typing import Any

from interlock.core.errors import InterlockError
from interlock.core.graphs import failing
from interlock.core.graphs.sandbox_runs import Tried, try_on_copy
from interlock.core.model.history import WhatIfStatus
from interlock.core.model.runs import RunStatus
from interlock.core.queue.port import Job
from interlock.core.services import trying
from interlock.core.worker import output
from interlock.core.worker.carrying import Tools

WHAT_IF_S = 300.0  # models that think take their time; then the side is given up

logger = logging.getLogger(__name__)

_STATUSES = {
    RunStatus.FAILED: WhatIfStatus.FAILED,
    RunStatus.WAITING: WhatIfStatus.WAITING,
    RunStatus.PAUSED: WhatIfStatus.WAITING,
}


async def answer_what_if(tools: Tools, job: Job) -> None:
    """Try one side; a failure is what it came to."""
    what_if_id, side = str(job.payload["what_if_id"]), str(job.payload["side"])
    about = {"what_if_id": what_if_id, "side": side}
    started = time.perf_counter()
    try:
        trial = await tools.call(trying.begin, tools.app, what_if_id, side)
        settings = tools.app.settings
        with output.captured(lambda _stream, _text: None):
            tried = await try_on_copy(
                tools.workshop,
                trial,
                now=tools.app.clock.now,
                snapshot_bytes=settings.max_snapshot_bytes,
                recursion_limit=settings.recursion_limit,
            )
        outcome = _tell(tried)
    except InterlockError as exc:  # it says by itself what is wrong and what to do
        logger.info("what_if_refused", extra={**about, "reason": str(exc)})
        outcome = {"status": WhatIfStatus.FAILED, "error": str(exc)}
    except Exception as exc:
        logger.exception("what_if_failed", extra=about)
        outcome = {"status": WhatIfStatus.FAILED, "error": failing.message_of(exc)}
    outcome["duration_ms"] = (time.perf_counter() - started) * 1000
    await tools.call(trying.end, tools.app, job, what_if_id, side, outcome)


def _tell(tried: Tried) -> dict[str, Any]:
    outcome, usage = tried.outcome, tried.usage
    return {
        "status": _STATUSES.get(outcome.status, WhatIfStatus.DONE),
        "path": tuple(step.as_json() for step in tried.path),
        "values": outcome.snapshot.values if outcome.snapshot is not None else None,
        "asks": tried.asks,
        "error": _say_error(tried),
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
        "cost": usage.cost,
    }


def _say_error(tried: Tried) -> str | None:
    failure = tried.outcome.failure
    if failure is not None:
        where = f" in {failure.node}" if failure.node else ""
        return f"{failure.type}{where}: {failure.message}"
    refused = tuple(tried.outcome.refused.values())
    return f"The graph refused the answer: {refused[0]}" if refused else None
