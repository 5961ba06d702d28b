"""
The door of the API: what every request has to pass, before anything is carried out.

Who asks is known and asks no more often than they may, another site's page may not act, a body is JSON
of a bounded size, and a request with an `Idempotency-Key` is carried out once.
"""

from __future__ import annotations

import secrets

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interlock.core.errors import InterlockError
from interlock.core.model.people import LOCAL, CallerKind
from interlock.core.settings import Settings
from interlock.dashboard import deps
from interlock.dashboard.http.api import incoming, once
from interlock.dashboard.http.api.answers import problem, refusal
from interlock.dashboard.http.api.identity import (
    Admitted,
    admit,
    find_visitor,
    note_use,
    with_admitted,
)
from interlock.dashboard.http.api.once import Once
from interlock.dashboard.http.api.rates import Rates, Uses
from interlock.dashboard.http.guarding import Hosts

logger = structlog.get_logger(__name__)

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_ELSEWHERE = frozenset({"cross-site", "same-site"})


class Door:
    """Pure ASGI, so that streams pass it unread."""

    def __init__(self, app: ASGIApp, *, welcome: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._welcome = welcome  # origins of other sites that may ask, with a token or as nobody
        self._once = Once(app)
        self._rates = Rates()
        self._uses = Uses()
        self._hosts: tuple[Settings, Hosts] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, or refuse."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        has_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._pass(scope, receive, send_noted)
        except InterlockError as exc:
            if has_begun:
                raise
            await refusal(exc)(scope, receive, send_noted)
        except Exception:
            if has_begun:
                raise
            reference = secrets.token_hex(4)
            logger.exception("a request failed", reference=reference)
            told = f"The log of the web process has the reason under {reference}."
            await problem(500, told, reference=reference)(scope, receive, send_noted)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor = find_visitor(scope)
        mark = deps.visitor.set(visitor)
        try:
            is_reading = scope["method"] in _READING
            who = await run_in_threadpool(self._admit, scope, visitor, is_reading=is_reading)
            if isinstance(who, Response):
                await who(scope, receive, send)
                return
            at, a_minute = who.app.clock.now(), who.app.settings.api_rate
            self._rates.take(visitor.caller, a_minute=a_minute, at=at)
            scope = with_admitted(scope, who)
            if is_reading:
                await self._app(scope, receive, send)
            else:
                await self._carry_out(who, scope, receive, send)
            if visitor.caller != LOCAL and self._uses.is_due(visitor.caller):
                await run_in_threadpool(note_use, who.app)
        finally:
            deps.visitor.reset(mark)

    def _admit(
        self, scope: Scope, visitor: deps.Visitor, *, is_reading: bool
    ) -> Admitted | Response:
        headers = Headers(scope=scope)
        is_session = visitor.caller.kind is CallerKind.SESSION
        is_foreign = self._is_foreign(headers, is_reading=is_reading, is_session=is_session)
        if is_foreign or (is_session and not is_reading and not _is_own_page(headers)):
            told = "Another site's page asked; the API answers programs and Interlock's own pages."
            return problem(403, told, name="foreign-origin")
        return admit(visitor, is_reading=is_reading)

    def _is_foreign(self, headers: Headers, *, is_reading: bool, is_session: bool) -> bool:
        """
        Whether a browser says that a page of elsewhere asks.

        A program sends neither header. What is only read needs no more than its origin: without a CORS
        header of ours no page of elsewhere gets to see it. A session is for our own pages alone, whoever
        else is welcome: a browser sends its cookie along to every port of a host.
        """
        origin = headers.get("origin")
        if origin is not None:
            is_welcome = origin in self._welcome and not is_session
            return not is_welcome and not self._find_hosts().allows_origin(
                origin, headers.get("host")
            )
        return (is_session or not is_reading) and headers.get("sec-fetch-site") in _ELSEWHERE

    def _find_hosts(self) -> Hosts:
        """The names this process answers to; it may ask the network for its own, so once."""
        settings = deps.process_app().settings
        if self._hosts is None or self._hosts[0] is not settings:
            self._hosts = settings, Hosts(settings)
        return self._hosts[1]

    async def _carry_out(self, who: Admitted, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        body = await incoming.read(headers, receive)
        if body is None:
            return  # half a request is none, and nobody is there to be told
        if isinstance(body, Response):
            await body(scope, receive, send)
            return
        key = headers.get(once.HEADER)
        if key is None:
            await self._app(scope, incoming.replay(body, receive), send)
        else:
            await self._once.carry_out(who, key, body, scope, receive, send)


def _is_own_page(headers: Headers) -> bool:
    """
    Whether a browser says so: its cookie comes along by itself, so that silence is not enough.

    An origin that is not ours was refused before.
    """
    return "origin" in headers or headers.get("sec-fetch-site") == "same-origin"
