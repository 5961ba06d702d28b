"""Whether the server is there, and what it is."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter
from starlette.responses import Response

from interlock.dashboard.http.api.answers import answer

router = APIRouter()

DISTRIBUTION = "interlock-control-room"
OPEN_PATHS = frozenset({"/ok", "/info"})  # these look at nobody and at nothing


@router.get("/ok")
async def tell_alive() -> Response:
    """It is there."""
    return answer({"ok": True})


@router.get("/info")
async def tell_what() -> Response:
    """What it is; clients look here for what it serves."""
    return answer(
        {
            "version": version(DISTRIBUTION),
            "server": "interlock",
            "flags": {
                "assistants": True,
                "crons": False,
                "langsmith": False,
                "strict_resume": True,
            },
            "strict_resume": True,
            "host": {
                "kind": "self-hosted",
                "project_id": None,
                "revision_id": None,
                "tenant_id": None,
            },
        }
    )
