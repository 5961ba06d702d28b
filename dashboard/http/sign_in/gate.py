"""
The gate before pages, files and sockets: with sign-in on, nobody passes who has not signed in.

It keeps strangers away from what is drawn. What may be done is looked at by every command itself.
"""

from __future__ import annotations

from urllib.parse import quote

import structlog
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from interlock.core.errors import InterlockError, SignedOut, StoreUnavailable
from interlock.core.settings import Settings
from interlock.dashboard import deps
from interlock.dashboard.http.api import mounting
from interlock.dashboard.http.api.answers import refusal
from interlock.dashboard.http.guarding import Hosts, is_loopback
from interlock.dashboard.http.sign_in import knowing, places
from interlock.dashboard.http.sign_in.peers import peer_of

logger = structlog.get_logger(__name__)

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_SEES_ITSELF = (
    f"{mounting.PATH}/",
    f"{mounting.AGENT_SERVER_PATH}/",
)  # asks who it is by itself, and tells it as programs read it
_FIGURES = "/metrics"
_DRAWN_WITHOUT = ("/_stcore/health", "/_stcore/host-config", "/_stcore/stream", "/live")


class Gate:
    """Pure ASGI, so that sockets pass it as well."""

    def __init__(self, app: ASGIApp, *, settings: Settings, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts
        self._is_on = settings.sign_in != "none"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, lead to where one signs in, or refuse."""
        if scope["type"] not in {"http", "websocket"} or not self._is_on:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            if await _is_known(scope):
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
        else:
            refusal = await self._refuse(scope)
            await (refusal or self._app)(scope, receive, send)

    async def _refuse(self, scope: Scope) -> Response | None:
        path = scope["path"]
        if self._is_forged(scope):
            return PlainTextResponse("Another site's page asked.", status_code=403)
        if places.is_open(path):
            return None
        if path.startswith(_SEES_ITSELF):
            return await _refuse_session(scope)
        if path == _FIGURES:
            return await _refuse_figures(scope)
        if await _is_known(scope):
            if _is_opening(scope):
                await _note_seen(scope)
            return None
        if not _is_opening(scope):
            return PlainTextResponse("Sign in first.", status_code=401)
        query = scope.get("query_string", b"").decode("latin-1")
        asked = f"{quote(path)}?{query}" if query else quote(path)
        target = places.with_next(places.SIGN_IN, places.read_next(asked))
        return RedirectResponse(target, status_code=303, headers={"cache-control": "no-store"})

    def _is_forged(self, scope: Scope) -> bool:
        """Whether a command comes with our cookie, and not from a page of ours."""
        headers = Headers(scope=scope)
        if scope["method"] in _READING or "authorization" in headers:
            return False
        if deps.secret_of(HTTPConnection(scope).cookies) is None:
            return False
        return not self._hosts.allows_origin(headers.get("origin"), headers.get("host"))


async def _is_known(scope: Scope) -> bool:
    try:
        return await knowing.find_person(scope) is not None
    except StoreUnavailable:
        # A page says by itself that the database does not answer, and comes back when it does. Nothing
        # is drawn on it but that: whatever is read asks first who it is for.
        has_cookie = knowing.caller_of(scope) is not None
        return has_cookie and (_is_opening(scope) or scope["path"].startswith(_DRAWN_WITHOUT))


async def _refuse_session(scope: Scope) -> Response | None:
    """A session that is good for no page any more is good for nothing else; a token is looked at there."""
    headers = Headers(scope=scope)
    if "authorization" in headers or knowing.caller_of(scope) is None:
        return None
    try:
        is_known = await knowing.find_person(scope) is not None
    except StoreUnavailable:
        return None  # it is told there, too
    return (
        None if is_known else refusal(SignedOut("This session has ended.", hint="Sign in again."))
    )


async def _refuse_figures(scope: Scope) -> Response | None:
    peer = peer_of(scope)
    if not peer.is_relayed and is_loopback(peer.address):
        return None
    given = Headers(scope=scope).get("authorization", "")
    kind, _, secret = given.partition(" ")
    try:
        if kind.lower() == "bearer" and await knowing.may_see(secret.strip()):
            return None
    except StoreUnavailable:
        return PlainTextResponse("The database does not answer.\n", status_code=503)
    told = "Show a token with the scope see: `Authorization: Bearer ilk_…`.\n"
    return PlainTextResponse(told, status_code=401, headers={"www-authenticate": "Bearer"})


async def _note_seen(scope: Scope) -> None:
    try:
        await knowing.note_seen(scope)
    except InterlockError as exc:
        logger.warning("a visit was not noted", reason=str(exc))


def _is_opening(scope: Scope) -> bool:
    """Whether a browser opens a page, rather than a part of one."""
    if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
        return False
    headers = Headers(scope=scope)
    mode = headers.get("sec-fetch-mode")
    return mode == "navigate" if mode else "text/html" in headers.get("accept", "")
