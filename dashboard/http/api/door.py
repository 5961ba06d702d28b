"""
The door of the API: what every request has to pass, before anything is carried out.

Another site's page may not act, a body is JSON of a bounded size, and a request with an
`Idempotency-Key` is carried out once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Mapping

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interlock.core.errors import Conflict, InterlockError
from interlock.core.model import json_texts
from interlock.core.model.kept_answers import KeptAnswer
from interlock.core.services import repeating
from interlock.dashboard import deps
from interlock.dashboard.http.api.answers import NO_STORE, problem, refusal
from interlock.dashboard.http.api.identity import actor_of
from interlock.dashboard.http.guarding import Hosts

logger = structlog.get_logger(__name__)

MAX_BODY_BYTES = 4 * 1024 * 1024  # an answer has kilobytes
KEY_HEADER = "idempotency-key"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_KEPT_HEADERS = ("content-type", "location", "etag")
_FOR_NOW = frozenset({429, 503})  # refused before it was done: sent again, it is carried out


class Door:
    """Pure ASGI, so that streams pass it unread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, or refuse."""
        if scope["type"] != "http":
            return
        has_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._pass(scope, receive, send_noted)
        except InterlockError as exc:
            await refusal(exc)(scope, receive, send_noted)
        except Exception:
            if has_begun:
                raise
            reference = secrets.token_hex(4)
            logger.exception("a request failed", reference=reference)
            told = f"The log of the web process has the reason under {reference}."
            await problem(500, told, reference=reference)(scope, receive, send_noted)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        is_reading = scope["method"] in _READING
        if _is_foreign(headers, is_reading=is_reading):
            told = "Another site's page asked; the API answers programs and Interlock's own pages."
            await problem(403, told, name="foreign-origin")(scope, receive, send)
            return
        if is_reading:
            await self._app(scope, receive, send)
            return
        body = await _read_body(headers, receive)
        if not isinstance(body, bytes):
            await body(scope, receive, send)
            return
        key = headers.get(KEY_HEADER)
        if key is None:
            await self._app(scope, _replay(body, receive), send)
        else:
            await self._once(key, body, scope, receive, send)

    async def _once(
        self, key: str, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        app, actor = await asyncio.to_thread(deps.app), actor_of(Request(scope))
        known = await asyncio.to_thread(
            repeating.begin, app, actor=actor, key=key, fingerprint=_fingerprint(scope, body)
        )
        if known is not None:
            await _again(known)(scope, receive, send)
            return
        answered = _Recorder()
        try:
            await self._app(scope, _replay(body, receive), answered)
        except InterlockError as exc:
            await refusal(exc)(scope, receive, answered)
        if answered.status in _FOR_NOW:
            await asyncio.to_thread(repeating.give_up, app, actor=actor, key=key)
        else:
            await asyncio.to_thread(
                repeating.end,
                app,
                actor=actor,
                key=key,
                status=answered.status,
                headers=answered.kept_headers(),
                body=answered.body.decode(),
            )
        for message in answered.messages:
            await send(message)


class _Recorder:
    """Takes an answer in, to be kept before it is sent."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    def kept_headers(self) -> Mapping[str, str]:
        headers = Headers(raw=self.messages[0]["headers"])
        return {name: headers[name] for name in _KEPT_HEADERS if name in headers}


def _again(known: KeptAnswer) -> Response:
    assert known.status is not None
    headers = NO_STORE | dict(known.headers) | {"idempotent-replayed": "true"}
    if known.body is None:
        raise Conflict(
            "This request was carried out; its answer was too long to be kept.",
            hint=f"See {headers['location']}." if "location" in headers else "",
        )
    return Response(known.body.encode(), status_code=known.status, headers=headers)


def _is_foreign(headers: Headers, *, is_reading: bool) -> bool:
    """
    Whether a browser says that a page of elsewhere asks.

    A program sends neither header. What is only read needs no more than its origin: without a CORS
    header of ours no page of elsewhere gets to see it.
    """
    origin = headers.get("origin")
    if origin is not None:
        return not Hosts(deps.process_app().settings).allows_origin(origin, headers.get("host"))
    return not is_reading and headers.get("sec-fetch-site") in {"cross-site", "same-site"}


async def _read_body(headers: Headers, receive: Receive) -> bytes | Response:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if "content-type" in headers and kind != "application/json":
        return problem(415, "The body has to be application/json.")
    too_large = problem(413, f"A body has at most {MAX_BODY_BYTES} bytes.")
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MAX_BODY_BYTES:
        return too_large
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return too_large
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            break
    if body and not kind:
        return problem(415, "A body needs the header `content-type: application/json`.")
    fault = await asyncio.to_thread(_find_fault, bytes(body)) if body else ""
    return problem(422, f"The body is not JSON: {fault}.") if fault else bytes(body)


def _find_fault(body: bytes) -> str:
    try:
        json_texts.loads(body.decode())
    except UnicodeDecodeError:
        return "it is not UTF-8"
    except RecursionError:
        return "it is nested too deeply"
    except json_texts.DoubledKey as exc:
        return f"it names {exc.key[:100]!r} twice in one object"
    except json.JSONDecodeError as exc:
        return f"{exc.msg} (line {exc.lineno}, column {exc.colno})"
    except ValueError as exc:
        return str(exc)
    return ""


def _replay(body: bytes, receive: Receive) -> Receive:
    is_read = False

    async def again() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _fingerprint(scope: Scope, body: bytes) -> str:
    query = scope.get("query_string", b"")
    headers = Headers(scope=scope)
    asked = [scope["method"], scope["path"], query.decode("latin-1"), headers.get("if-match", "")]
    return hashlib.sha256("\n".join(asked).encode() + b"\n" + body).hexdigest()
