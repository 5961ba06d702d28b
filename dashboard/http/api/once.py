"""A request with an `Idempotency-Key`: carried out once, and answered the same however often it is sent."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interlock.core.errors import Conflict, InterlockError
from interlock.core.model.kept_answers import KeptAnswer
from interlock.core.services import repeating
from interlock.core.services.context import App
from interlock.dashboard.http.api import incoming
from interlock.dashboard.http.api.answers import NO_STORE, OUTCOME_HEADER, refusal
from interlock.dashboard.http.api.identity import Admitted

logger = structlog.get_logger(__name__)

HEADER = "idempotency-key"
_KEPT_HEADERS = ("content-type", "content-location", "location", "etag")
# Refused before it was done: sent again, by somebody who may by then, it is carried out.
_FOR_NOW = frozenset({401, 403, 429, 503})
_MOST_FREED = 10_000


class Once:
    """Pure ASGI, between the door and what carries requests out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # Keys of what was refused for now, which the database could not be told of.
        self._to_free: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def carry_out(
        self,
        who: Admitted,
        key: str,
        body: bytes,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Carry it out, unless it was before."""
        app, actor = who.app, who.person.name
        if (actor, key) in self._to_free:
            await self._free(app, actor, key)
        known = await run_in_threadpool(
            repeating.begin, app, actor=actor, key=key, fingerprint=_fingerprint(scope, body)
        )
        if known is not None:
            await _again(known)(scope, receive, send)
            return
        answered = _Recorder()
        try:
            await self._app(scope, incoming.replay(body, receive), answered)
        except InterlockError as exc:
            await refusal(exc)(scope, receive, answered)
        if answered.is_unknown:
            pass  # it may be done or not: the key stays as begun and never answered
        elif answered.status in _FOR_NOW:
            await self._free(app, actor, key)
        else:
            await _keep(app, actor, key, answered)
        for message in answered.messages:
            await send(message)

    async def _free(self, app: App, actor: str, key: str) -> None:
        """Forget it; what it was answered holds in any case, so that this is tried again if it fails."""
        self._to_free[actor, key] = None
        while len(self._to_free) > _MOST_FREED:
            self._to_free.popitem(last=False)
        try:
            await run_in_threadpool(repeating.give_up, app, actor=actor, key=key)
        except InterlockError as exc:
            logger.warning("a key was not freed", reason=str(exc))
        else:
            self._to_free.pop((actor, key), None)


async def _keep(app: App, actor: str, key: str, answered: _Recorder) -> None:
    try:
        await run_in_threadpool(
            repeating.end,
            app,
            actor=actor,
            key=key,
            status=answered.status,
            headers=answered.kept_headers(),
            body=answered.body.decode(),
        )
    except InterlockError as exc:  # it is done, and who asks is told so; sent again, nobody knows
        logger.warning("an answer was not kept", reason=str(exc))


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
    def is_unknown(self) -> bool:
        return OUTCOME_HEADER in Headers(raw=self.messages[0]["headers"])

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


def _fingerprint(scope: Scope, body: bytes) -> str:
    query = scope.get("query_string", b"")
    headers = Headers(scope=scope)
    asked = [scope["method"], scope["path"], query.decode("latin-1"), headers.get("if-match", "")]
    return hashlib.sha256(json.dumps(asked).encode() + b"\n" + body).hexdigest()
