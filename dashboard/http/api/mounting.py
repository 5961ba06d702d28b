"""
The API as the web process mounts it: imported and built by the first request.

FastAPI takes a quarter of a second to import, which whoever opens a page must not wait for.
"""

from __future__ import annotations

import asyncio
import importlib
import re

from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/api/v1"
AGENT_SERVER_PATH = "/agent-server"


class Api:
    """Pure ASGI; built once a process, by the package that is named."""

    def __init__(self, package: str = "api") -> None:
        self._package = package
        self._app: ASGIApp | None = None
        self._turn: asyncio.Lock | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        app = self._app or await self._open()
        await app(scope, receive, send)

    async def _open(self) -> ASGIApp:
        self._turn = self._turn or asyncio.Lock()
        async with self._turn:
            if self._app is None:
                self._app = await asyncio.to_thread(_build, self._package)
            return self._app


def mount(path: str, package: str = "api") -> Mount:
    """
    Everything beneath a path, whatever it holds.

    Starlette's own pattern stops at the end of a line (`%0A`), and what it does not match would be
    answered with a page of Streamlit's.
    """
    made = Mount(path, app=Api(package))
    made.path_regex = re.compile(made.path_regex.pattern.removesuffix("$"), re.DOTALL)
    return made


def _build(package: str) -> ASGIApp:
    app = importlib.import_module(f"interlock.dashboard.http.{package}.app")
    built: ASGIApp = app.build()
    return built
