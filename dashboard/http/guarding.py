"""
The guard around everything the web process answers, pages and sockets alike.

Checks the host (DNS rebinding) and the origin of sockets (another site, or another local program in
the same browser), closes what Streamlit offers beside its pages, and puts the headers on.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interlock.core.settings import Settings

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# Streamlit's figures and its programmable interface: of no use to a browser, open to anybody.
_CLOSED_PATHS = ("/_stcore/metrics", "/_stcore/agent")
# What an answer may say by itself, as pages that are not Streamlit's are held more strictly.
_OWN = frozenset({b"content-security-policy", b"referrer-policy"})


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach an address one listens on."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_host(value: str | None) -> str | None:
    """The host name in a `Host` header or in the part of a URL that names the server; None if it is none."""
    if not value or any(c in value for c in "/?#@\\ \t,"):
        return None
    try:
        parts = urlsplit(f"//{value}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname.rstrip(".") if parts.hostname else None


class Hosts:
    """The names this process answers to."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = _clean(settings.allowed_hosts)
        names = {*LOOPBACK_NAMES, settings.host}
        self._is_remote = not is_loopback(settings.host)
        if self._is_remote:
            names |= {socket.gethostname(), socket.getfqdn()}
        self._names = self._allowed | _clean(names)

    def allows(self, name: str | None) -> bool:
        """Whether it answers to this name. An address as such cannot be rebound, so it may be any."""
        if name is None:
            return False
        return name in self._names or (self._is_remote and _is_address(name))

    def allows_origin(self, origin: str | None, host: str | None) -> bool:
        """
        Whether a socket may be opened from this origin: the page's own server, by the very host it asks
        for, or a name that was allowed in so many words (a proxy in front).
        """
        parts = _read_origin(origin)
        if parts is None or host is None:
            return False
        if _with_port(parts.netloc, parts.scheme) == _with_port(host, parts.scheme):
            return True
        return read_host(parts.netloc) in self._allowed - LOOPBACK_NAMES


class Guard:
    """Pure ASGI, so that sockets pass it as well."""

    def __init__(
        self, app: ASGIApp, *, hosts: Hosts, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._headers = tuple(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, or refuse."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers:
                    if name not in _OWN or name.decode() not in headers:
                        headers[name.decode()] = value.decode()
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send_guarded)
        else:
            await refusal(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        name = read_host(Headers(scope=scope).get("host"))
        if not self._hosts.allows(name):
            return PlainTextResponse(
                "Interlock does not answer to this host name. Add it to INTERLOCK_ALLOWED_HOSTS,"
                ' for example ["control.example.com"].',
                status_code=421,
            )
        if scope["path"].startswith(_CLOSED_PATHS):
            return PlainTextResponse("Not found", status_code=404)
        return None

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host"), headers.get("origin")
        is_welcome = self._hosts.allows(read_host(host)) and self._hosts.allows_origin(origin, host)
        if not is_welcome:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(_with_own_origin(scope, host), receive, send)


def _clean(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower().rstrip(".") for name in names if name)


def _read_origin(origin: str | None) -> SplitResult | None:
    try:
        parts = urlsplit(origin or "")
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _with_port(netloc: str, scheme: str) -> str:
    default = ":443" if scheme == "https" else ":80"
    return netloc.lower().removesuffix(default)


def _with_own_origin(scope: Scope, host: str | None) -> Scope:
    """
    The scope with the origin that Streamlit compares with the host.

    The origin was checked above. Behind a proxy that changes the host the two differ, and Streamlit
    would then ask a service on the internet for this machine's address.
    """
    scheme = "https" if scope["scheme"] == "wss" else "http"
    own = f"{scheme}://{host}".encode("latin-1")
    headers = [(k, own if k == b"origin" else v) for k, v in scope["headers"]]
    return {**scope, "headers": headers}
