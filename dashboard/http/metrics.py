"""`/metrics`: what Prometheus reads. Any web process says the same of the installation."""

from __future__ import annotations

import asyncio
import threading

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from interlock.core.errors import InterlockError
from interlock.core.services.exposing import CONTENT_TYPE, Exposition
from interlock.dashboard import deps

logger = structlog.get_logger(__name__)

_lock = threading.Lock()
_exposition: Exposition | None = None


async def answer_metrics(_request: Request) -> Response:
    """200 with the figures; 503 while the database does not answer."""
    try:
        text = await asyncio.to_thread(_read)
    except InterlockError as exc:
        logger.warning("no figures", reason=str(exc))
        return PlainTextResponse("The database does not answer.\n", status_code=503)
    return Response(text, media_type=CONTENT_TYPE, headers={"cache-control": "no-store"})


def _read() -> bytes:
    global _exposition
    with _lock:
        if _exposition is None:
            _exposition = Exposition(deps.process_app())
    return _exposition.text()
