"""The cookies of signing in: which there are, how they are guarded, and that they are safe under https."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from interlock.core.settings import Settings
from interlock.dashboard import deps

FORM = "interlock_form"  # what a form has to send back, so that no other site can send one
FLOW = "interlock_oidc"  # what a sign-in at a provider has to come back to
FLOW_S = 600


def is_safe(scope: Scope, settings: Settings) -> bool:
    """Whether the browser comes by https, as far as it is known here."""
    return scope.get("scheme") in {"https", "wss"} or deps.is_public_safe(settings)


def name_of(cookie: str, *, safe: bool) -> str:
    """As the browser knows it; with `__Host-` no other site of the domain can have set it."""
    return f"{deps.SAFE_PREFIX}{cookie}" if safe else cookie


def put(response: Response, cookie: str, value: str, *, safe: bool, max_age_s: int) -> None:
    """Let the browser keep a cookie, for us alone."""
    response.set_cookie(
        name_of(cookie, safe=safe),
        value,
        max_age=max_age_s,
        path="/",
        secure=safe,
        httponly=True,
        samesite="lax",
    )


def drop(response: Response, cookie: str, *, safe: bool) -> None:
    """Let the browser forget a cookie, under both of its names."""
    for each in {False, safe}:
        response.set_cookie(
            name_of(cookie, safe=each),
            "",
            max_age=0,
            path="/",
            secure=each,
            httponly=True,
            samesite="lax",
        )


def read(scope: Scope, settings: Settings, cookie: str) -> str:
    """What the browser holds; empty if nothing."""
    return HTTPConnection(scope).cookies.get(name_of(cookie, safe=is_safe(scope, settings)), "")
