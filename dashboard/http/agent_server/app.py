"""The application of the Agent Server API, behind the same door as `/api/v1`."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from interlock.dashboard import deps
from interlock.dashboard.http.agent_server import (
    assistants,
    missing,
    runs,
    states,
    system,
    threads,
)
from interlock.dashboard.http.api import app as api
from interlock.dashboard.http.api.door import Door

_TOLD = ("Location", "Content-Location", "Retry-After")  # headers that pages of elsewhere may read


class Front:
    """Tells anybody that the server is there: clients ask before they show who they are."""

    def __init__(self, app: ASGIApp, door: ASGIApp) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, all but those two through the door."""
        is_reading = scope["type"] == "http" and scope["method"] == "GET"
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        is_open = is_reading and path in system.OPEN_PATHS
        await (self._app if is_open else self._door)(scope, receive, send)


def build() -> ASGIApp:
    """The application, for programs, and for the pages of the origins that an operator has named."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    # What is more exact stands before what may hold a slash.
    for router in (
        system.router,
        runs.router,
        states.router,
        missing.router,
        threads.router,
        assistants.router,
        missing.last,
    ):
        app.include_router(router)
    api.tell_errors(app)
    origins = deps.process_app().settings.agent_server_origins
    front = Front(app, Door(app, welcome=frozenset(origins)))
    if not origins:
        return front
    return CORSMiddleware(
        front,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["*"],
        expose_headers=_TOLD,
    )
