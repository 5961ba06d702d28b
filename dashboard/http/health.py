"""
`/healthz`: this process answers. `/readyz`: the product works: database, worker, workflows.

A load balancer and `interlock up` ask these; neither needs a session.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse

from interlock.core.errors import InterlockError
from interlock.core.services import health
from interlock.dashboard import deps

logger = structlog.get_logger(__name__)

_TIMEOUT_S = 5.0
_NO_STORE = {"cache-control": "no-store"}


async def answer_alive(_request: Request) -> JSONResponse:
    """200 as long as the event loop turns; touches nothing else."""
    return JSONResponse({"status": "ok"}, headers=_NO_STORE)


async def answer_ready(_request: Request) -> JSONResponse:
    """200 once everything is there, otherwise 503 with what is missing."""
    try:
        body = await asyncio.wait_for(asyncio.to_thread(_check), _TIMEOUT_S)
    except TimeoutError:
        body = _failed("The database did not answer within 5 s.")
    return JSONResponse(body, status_code=200 if body["ready"] else 503, headers=_NO_STORE)


def _check() -> dict[str, Any]:
    try:
        found = health.check(deps.app())
    except InterlockError as exc:
        logger.warning("not ready", reason=str(exc))
        return _failed("The database does not answer; the log of the web process has the reason.")
    checks = {name: {"ok": c.ok, "message": c.message} for name, c in found.checks.items()}
    return {"ready": found.healthy, "checks": checks}


def _failed(message: str) -> dict[str, Any]:
    return {"ready": False, "checks": {"database": {"ok": False, "message": message}}}
