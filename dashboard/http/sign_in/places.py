"""Places: where one may be led after signing in, and what is open to everybody."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"
OIDC = "/sign-in/oidc"
CALLBACK = "/sign-in/oidc/callback"
HOME = "/"
MAX_NEXT_CHARS = 2000
_NO_PAGES = (
    "/api/",
    "/agent-server",
    "/sign-in",
    "/sign-out",
    "/_stcore/",
    "/media/",
    "/live",
    "/metrics",
)
_OPEN = frozenset({"/healthz", "/readyz", SIGN_OUT, "/favicon.ico", "/favicon.png", "/robots.txt"})
_OPEN_BENEATH = ("/static/", "/app/static/", f"{SIGN_IN}/")


def is_open(path: str) -> bool:
    """Whether everybody may ask for this: signing in itself, and what is the same for all."""
    return path == SIGN_IN or path in _OPEN or path.startswith(_OPEN_BENEATH)


def read_next(text: str | None) -> str:
    r"""
    Where to go after signing in: a page of ours; anything else leads home.

    A browser reads `//` and `/\` as the beginning of another host, and takes tabs and line ends out.
    """
    if not text or len(text) > MAX_NEXT_CHARS or not text.startswith("/"):
        return HOME
    if text.startswith(("//", "/\\")) or "\\" in text or not text.isprintable() or " " in text:
        return HOME
    try:
        parts = urlsplit(text)
    except ValueError:
        return HOME
    if parts.scheme or parts.netloc or text.startswith(_NO_PAGES):
        return HOME
    return text


def with_next(place: str, next_: str) -> str:
    """A place of signing in that leads on to a page."""
    return place if next_ == HOME else f"{place}?next={quote(next_, safe='')}"
