"""
`/healthz`: this process answers. `/readyz`: the product works: database, worker, workflows.

A load balancer and `interlock up` ask these; neither needs a session.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse

from interlock.core.errors import InterlockError
from interlock.core.services import health
from interlock.core.services.health import Check, health_of
from interlock.dashboard import deps

logger = structlog.get_logger(__name__)

_TIMEOUT_S = 5.0
_NO_STORE = {"cache-control": "no-store"}


async def answer_alive(_request: Request) -> JSONResponse:
    """200 as long as the event loop turns; touches nothing else."""
    started = time.perf_counter()
    await asyncio.sleep(0)
    took_ms = (time.perf_counter() - started) * 1000
    alive = health_of({"loop": Check(ok=True, message="turns", ms=took_ms)}, datetime.now(UTC))
    return JSONResponse({"status": "ok"} | alive.as_json(), headers=_NO_STORE)


async def answer_ready(_request: Request) -> JSONResponse:
    """200 once all that is needed is there, otherwise 503 with what is missing."""
    try:
        body = await asyncio.wait_for(asyncio.to_thread(_check), _TIMEOUT_S)
    except TimeoutError:
        body = _failed(f"The database did not answer within {_TIMEOUT_S:g} s.")
    return JSONResponse(body, status_code=200 if body["ready"] else 503, headers=_NO_STORE)


def _check() -> dict[str, Any]:
    try:
        return health.check(deps.process_app()).as_json()
    except InterlockError as exc:
        logger.warning("not ready", reason=str(exc))
        return _failed("The database does not answer; the log of the web process has the reason.")


def _failed(message: str) -> dict[str, Any]:
    return health_of({"database": Check(ok=False, message=message)}, datetime.now(UTC)).as_json()
