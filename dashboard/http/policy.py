"""
The headers every answer carries, first of all the Content-Security-Policy.

It keeps a page that shows an agent's text from fetching anything from elsewhere (law 9).
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import streamlit

_SCRIPT = re.compile(
    r"<script(?P<attributes>[^>]*)>(?P<body>.*?)</script>", re.DOTALL | re.IGNORECASE
)


def inline_script_hashes(html: str) -> tuple[str, ...]:
    """The CSP sources of the scripts that stand in a page itself; they change with Streamlit's releases."""
    bodies = [m["body"] for m in _SCRIPT.finditer(html) if "src=" not in m["attributes"]]
    digests = [hashlib.sha256(body.encode()).digest() for body in bodies]
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def content_security_policy(script_hashes: tuple[str, ...]) -> str:
    """
    The policy under which every element of Streamlit that we use was seen to work.

    `blob:` is how inline components are loaded, `wasm-unsafe-eval` is for graphs drawn from DOT.
    """
    scripts = " ".join(["'self'", "blob:", "'wasm-unsafe-eval'", *script_hashes])
    directives = {
        "default-src": "'self'",
        "script-src": scripts,
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def security_headers() -> tuple[tuple[bytes, bytes], ...]:
    """All headers, computed once at start from the installed Streamlit."""
    page = Path(streamlit.__file__).parent / "static" / "index.html"
    policy = content_security_policy(inline_script_hashes(page.read_text(encoding="utf-8")))
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    return tuple((name.encode(), value.encode()) for name, value in headers.items())
