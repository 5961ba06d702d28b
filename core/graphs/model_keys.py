"""
Several keys of one provider used in turn, without touching the user's models.

Providers' clients send by httpx. A request that carries a key of a ring is sent with the key whose turn
it is, and once more with the next when the provider says that one is used up.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any

from interlock.core.model.failure_kinds import find_retry_after_s
from interlock.core.model.key_ring import RATE_LIMITED, Key, KeyRing, read_quota, rest_until

CLIENTS = ("httpx", "httpx2")  # of which the second is a fork that some clients moved to
HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")

Tell = Callable[[KeyRing, Key, datetime | None, Mapping[str, Any]], None]


class Turns:
    """The rings of a process; `tell` hears of each answer until when its key rests, and what is left."""

    def __init__(
        self, rings: Sequence[KeyRing], *, now: Callable[[], datetime], tell: Tell
    ) -> None:
        self._rings = rings
        self._now = now
        self._tell = tell
        self._before: list[tuple[type, Any]] = []

    def install(self) -> None:
        """Stand before every client of this process."""
        for name in CLIENTS:
            try:
                module = importlib.import_module(name)
            except ImportError:
                continue
            self._replace(module.Client, self._wrap(module.Client.send))
            self._replace(module.AsyncClient, self._wrap_async(module.AsyncClient.send))

    def uninstall(self) -> None:
        """As before."""
        while self._before:
            kind, send = self._before.pop()
            kind.send = send  # type: ignore[attr-defined]

    def _replace(self, kind: Any, send: Any) -> None:
        self._before.append((kind, kind.send))
        kind.send = send

    def _wrap(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(inner)
        def send(client: Any, request: Any, **kwargs: Any) -> Any:
            turn = self._find(request)
            if turn is None:
                return inner(client, request, **kwargs)
            while True:
                key = turn.swap(self._now())
                response = inner(client, request, **kwargs)
                if not self._goes_on(turn, key, response):
                    return response
                response.close()

        return send

    def _wrap_async(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(inner)
        async def send(client: Any, request: Any, **kwargs: Any) -> Any:
            turn = self._find(request)
            if turn is None:
                return await inner(client, request, **kwargs)
            while True:
                key = turn.swap(self._now())
                response = await inner(client, request, **kwargs)
                if not self._goes_on(turn, key, response):
                    return response
                await response.aclose()

        return send

    def _find(self, request: Any) -> _Turn | None:
        for name in HEADERS:
            text = request.headers.get(name)
            for ring in self._rings if text else ():
                key = ring.find(text)
                if key is not None:
                    return _Turn(request, name, ring, key)
        return None

    def _goes_on(self, turn: _Turn, key: Key, response: Any) -> bool:
        """Learn of an answer; whether the request should be sent with another key."""
        now = self._now()
        rests: datetime | None = None
        if response.status_code == RATE_LIMITED:
            rests = rest_until(now, asked_s=find_retry_after_s(_Answered(response), now))
            turn.ring.block(key, rests)
        self._tell(turn.ring, key, rests, read_quota(response.headers))
        return rests is not None and turn.may_repeat and turn.ring.is_any_free(now)


class _Turn:
    """One request, and the key that it carries now."""

    def __init__(self, request: Any, header: str, ring: KeyRing, key: Key) -> None:
        self.ring = ring
        self._request = request
        self._header = header
        self._key = key

    def swap(self, now: datetime) -> Key:
        key = self.ring.take(now)
        text = self._request.headers[self._header]
        self._request.headers[self._header] = text.replace(self._key.value, key.value)
        self._key = key
        return key

    @property
    def may_repeat(self) -> bool:
        """Whether its body is at hand; a stream was read."""
        try:
            return self._request.content is not None
        except Exception:  # noqa: BLE001  httpx's RequestNotRead, of either module
            return False


class _Answered(Exception):
    """Carries a response as clients' errors do, for what reads `Retry-After` from those."""

    def __init__(self, response: Any) -> None:
        self.response = response
