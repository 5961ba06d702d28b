"""
Who is at the other end: the one place that believes a proxy, and takes from everybody else what only a
proxy may say.

Outside of all other parts, so that none of them sees a header that anybody could have written.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from interlock.core.settings import Settings

KEY = "interlock.peer"
_FORWARDED = frozenset(
    {
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-proto",
        "x-forwarded-server",
        "x-real-ip",
    }
)
_Address = IPv4Address | IPv6Address


@dataclass(frozen=True, kw_only=True)
class Peer:
    """
    Where a request comes from.

    `is_relayed` is whether it came by a proxy, believed or not. `name` and `groups` are what a trusted
    proxy says of who has signed in; empty from anybody else.
    """

    address: str = ""
    is_relayed: bool = False
    name: str = ""
    groups: str = ""


def peer_of(scope: Scope) -> Peer:
    """Where a request comes from."""
    found: Peer = scope.get(KEY) or Peer()
    return found


class Peers:
    """Pure ASGI, so that sockets pass it as well."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._trusted = tuple(
            ipaddress.ip_network(item, strict=False) for item in settings.trusted_proxies
        )
        self._name = settings.proxy_name_header.lower()
        self._groups = settings.proxy_groups_header.lower()
        self._taken_off = _FORWARDED | {self._name, self._groups}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on as who it really comes from."""
        if scope["type"] in {"http", "websocket"}:
            scope = self._read(scope)
        await self._app(scope, receive, send)

    def _read(self, scope: Scope) -> Scope:
        headers = Headers(scope=scope)
        client = scope.get("client")
        host = client[0] if client else ""
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if name.decode("latin-1").lower() not in self._taken_off
        ]
        is_relayed = any(name in headers for name in _FORWARDED)
        if not _is_in(_read_address(host), self._trusted):
            return {**scope, "headers": kept, KEY: Peer(address=host, is_relayed=is_relayed)}
        address = self._find_origin(headers, host)
        told = Peer(
            address=address,
            is_relayed=True,
            name=_read_one(headers, self._name),
            groups=",".join(headers.getlist(self._groups)),
        )
        port = client[1] if client else 0
        return {
            **scope,
            "headers": kept,
            "client": (address, port),
            "scheme": _read_scheme(headers, scope),
            KEY: told,
        }

    def _find_origin(self, headers: Headers, host: str) -> str:
        """The last one that no trusted proxy speaks for: all before it could have been made up."""
        listed = ",".join(headers.getlist("x-forwarded-for")).split(",")
        for item in reversed(listed):
            address = _read_address(item)
            if address is None:
                break
            host = str(address)
            if not _is_in(address, self._trusted):
                break
        return host


def _read_one(headers: Headers, name: str) -> str:
    """A header that says one thing; said twice, it says nothing."""
    values = headers.getlist(name)
    if len(values) != 1:
        return ""
    try:
        return values[0].encode("latin-1").decode().strip()
    except UnicodeDecodeError:
        return ""


def _read_address(text: str) -> _Address | None:
    """An address, also as `1.2.3.4:80`, `[::1]:80` or an IPv4 one written as IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: _Address | None, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return address is not None and any(address in network for network in networks)


def _read_scheme(headers: Headers, scope: Scope) -> str:
    told = ",".join(headers.getlist("x-forwarded-proto")).rpartition(",")[2].strip().lower()
    if told not in {"http", "https", "ws", "wss"}:
        return str(scope["scheme"])
    is_safe = told in {"https", "wss"}
    if scope["type"] == "websocket":
        return "wss" if is_safe else "ws"
    return "https" if is_safe else "http"
