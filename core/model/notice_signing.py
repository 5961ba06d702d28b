"""
Signing what programs are sent, by the scheme of the Standard Webhooks, and where it may be sent at all.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

PREFIX = "whsec_"
MIN_BYTES, MAX_BYTES = 24, 64  # of a secret, as the scheme has it


def sign(secrets: Iterable[bytes], *, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one signature a secret, blanks between them."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.new(secret, signed, hashlib.sha256).digest() for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def read_secret(text: str) -> bytes:
    """
    The bytes of a secret: `whsec_` and base64 of 24 to 64 bytes.

    Raises:
        ValueError: It is none; the message does not hold it.
    """
    try:
        found = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        found = b""
    if not text.startswith(PREFIX) or not MIN_BYTES <= len(found) <= MAX_BYTES:
        raise ValueError(f"a secret is {PREFIX} and base64 of {MIN_BYTES} to {MAX_BYTES} bytes")
    return found


def find_problem(url: str, *, insecure: bool) -> str:
    """Why nothing is sent to an address; empty if it may be. The address is not in the answer."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is no address"
    if parts.scheme not in {"http", "https"} or not host:
        return "it is no https:// address"
    if parts.username is not None or parts.password is not None:
        return "it has a user or a password in it, which belong in the receiver's check of the signature"
    if not url.isascii() or any(c.isspace() or not c.isprintable() for c in url):
        return "it has characters that an address cannot have"
    if parts.scheme == "http" and not insecure and not is_loopback(host):
        return "it is http:// and leads beyond this machine; `insecure = true` lets it"
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def show(address: str) -> str:
    """An address as it may be shown: the kind of service, of a web address its host; no path, no secret."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return "?"
    if scheme not in {"http", "https"}:
        return f"{scheme}://\u2026"
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"{scheme}://{rest[:0]}\u2026"
    return f"{scheme}://{parts.hostname or ''}{port}/\u2026"
