"""Answers of signing in: a page under its own strict headers, and the session that a browser is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from interlock.core.model.people import Caller, CallerKind
from interlock.core.services import permitting, signing_in
from interlock.core.services.context import App
from interlock.core.services.signing_in import SignedIn
from interlock.dashboard import deps
from interlock.dashboard.http.sign_in import cookies, knowing
from interlock.dashboard.http.sign_in.peers import peer_of
from interlock.dashboard.views import sign_in as views

MAX_AGENT_CHARS = 300
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": views.content_security_policy(),
    # Without any, a browser sends its form from nowhere: `Origin: null`.
    "referrer-policy": "same-origin",
}


def show(page: views.Page, *, status: int = 200) -> HTMLResponse:
    """A page of signing in."""
    return HTMLResponse(views.build(page), status_code=status, headers=HEADERS)


def lead(target: str) -> RedirectResponse:
    """To another page, by asking for it."""
    return RedirectResponse(target, status_code=303, headers=HEADERS)


def door_of(request: Request) -> App:
    """The application as whoever has not signed in yet may use it: known by their address alone."""
    nobody = Caller(CallerKind.SESSION)
    return permitting.bind(
        deps.process_app(), nobody, origin="web", address=address_of(request.scope)
    )


def address_of(scope: Scope) -> str:
    """From where somebody comes, for the audit and for throttling."""
    return peer_of(scope).address[:100]


def agent_of(request: Request) -> str:
    """What the browser calls itself."""
    return request.headers.get("user-agent", "")[:MAX_AGENT_CHARS]


async def open_session(
    request: Request, admit: Callable[[App], SignedIn], *, next_: str
) -> Response:
    """
    Let somebody in: a new session, whatever the browser held before, which ends.

    Raises:
        NotAllowed: They are not let in.
        RateLimited: Too many wrong passwords.
        StoreUnavailable: The database does not answer.
    """
    app = door_of(request)
    before = knowing.caller_of(request.scope)
    opened = await asyncio.to_thread(admit, app)
    if before is not None:
        await asyncio.to_thread(end_session, app, before)
    response = lead(next_)
    is_safe = cookies.is_safe(request.scope, app.settings)
    lasts_s = int(app.settings.session_hours * 3600)
    cookies.put(response, deps.COOKIE, opened.secret, safe=is_safe, max_age_s=lasts_s)
    cookies.drop(response, cookies.FORM, safe=is_safe)
    return response


def end_session(app: App, caller: Caller) -> None:
    """End a session, if it has not ended."""
    signing_in.sign_out(permitting.bind(app, caller))
    deps.forget(caller)
