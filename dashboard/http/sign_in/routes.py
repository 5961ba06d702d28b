"""`/sign-in` and `/sign-out`: pages and forms without a script, in front of all that is Streamlit's."""

from __future__ import annotations

import asyncio
import hmac
import math
import secrets
from functools import partial
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.core.errors import NotAllowed, RateLimited, StoreUnavailable
from interlock.core.services import opening, permitting, signing_in
from interlock.core.services.context import App
from interlock.core.services.signing_in import Elsewhere, SignedIn
from interlock.core.settings import Settings
from interlock.dashboard import deps
from interlock.dashboard.http.guarding import Hosts
from interlock.dashboard.http.sign_in import answering, cookies, knowing, oidc, places
from interlock.dashboard.http.sign_in.peers import Peer, peer_of
from interlock.dashboard.views.sign_in import Form, Page

logger = structlog.get_logger(__name__)

MAX_FORM_BYTES = 16_384
FORM_S = 3600  # how long a page of signing in may stand open
_KIND = "application/x-www-form-urlencoded"
_AWAY = "The database does not answer. Try again in a moment."


def routes(settings: Settings, hosts: Hosts) -> list[BaseRoute]:
    """The routes of signing in."""
    door = _Door(settings, hosts)
    found: list[BaseRoute] = [
        Route(places.SIGN_IN, door.show, methods=["GET"]),
        Route(places.SIGN_IN, door.sign_in, methods=["POST"]),
        Route(places.SIGN_OUT, door.show, methods=["GET"]),
        Route(places.SIGN_OUT, door.sign_out, methods=["POST"]),
    ]
    if settings.sign_in == "oidc":
        found += oidc.routes(settings)
    return found


class _Door:
    def __init__(self, settings: Settings, hosts: Hosts) -> None:
        self._settings = settings
        self._hosts = hosts

    async def show(self, request: Request) -> Response:
        """The page on which one signs in, or is told that one has."""
        next_ = places.read_next(request.query_params.get("next"))
        mode = self._settings.sign_in
        if mode == "none":
            return await self._show_closed()
        try:
            person = await knowing.find_person(request.scope)
            if person is not None:
                return _show_known(person.name, next_)
            if mode == "proxy":
                return await self._enter_by_proxy(request, next_)
            if mode == "oidc":
                return _show_provider(next_, has_left="out" in request.query_params)
            return await self._show_form(request, next_)
        except StoreUnavailable:
            return answering.show(Page(title="Sign in", problem=_AWAY), status=503)

    async def sign_in(self, request: Request) -> Response:
        """Try a name and a password."""
        if self._settings.sign_in != "local":
            return answering.lead(places.SIGN_IN)
        if not self._is_from_us(request):
            return _show_foreign()
        given = await _read_form(request)
        if given is None:
            return answering.show(
                Page(title="Sign in", problem="This form cannot be read."), status=400
            )
        next_ = places.read_next(given.get("next"))
        name = "".join(c for c in given.get("name", "") if c.isprintable()).strip()
        token = cookies.read(request.scope, self._settings, cookies.FORM)
        if not token or not hmac.compare_digest(given.get("token", "").encode(), token.encode()):
            told = "This page stood open for too long. Try again."
            return self._ask(request, next_, name=name, problem=told, status=403)
        try:
            return await answering.open_session(
                request,
                partial(
                    signing_in.sign_in,
                    name=name,
                    password=given.get("password", ""),
                    address=answering.address_of(request.scope),
                    agent=answering.agent_of(request),
                ),
                next_=next_,
            )
        except RateLimited as exc:
            response = self._ask(request, next_, name=name, problem=str(exc), status=429)
            response.headers["retry-after"] = str(math.ceil(exc.retry_after))
            return response
        except NotAllowed as exc:
            return self._ask(request, next_, name=name, problem=str(exc), status=403)
        except StoreUnavailable:
            return self._ask(request, next_, name=name, problem=_AWAY, status=503)

    async def sign_out(self, request: Request) -> Response:
        """End the session of this browser."""
        if not self._is_from_us(request):
            return _show_foreign()
        caller = knowing.caller_of(request.scope)
        response = answering.lead(f"{places.SIGN_IN}?out=1")
        cookies.drop(response, deps.COOKIE, safe=cookies.is_safe(request.scope, self._settings))
        if caller is not None:
            try:
                app = answering.door_of(request)
                await asyncio.to_thread(answering.end_session, app, caller)
            except (
                StoreUnavailable
            ):  # it would go on, so the browser must not be told that it is over
                return answering.show(Page(title="Sign out", problem=_AWAY), status=503)
        return response

    def _is_from_us(self, request: Request) -> bool:
        return self._hosts.allows_origin(request.headers.get("origin"), request.headers.get("host"))

    async def _show_closed(self) -> Response:
        """Nobody has to sign in by this process; another one may have turned it on since."""
        try:
            is_on = await asyncio.to_thread(_is_on)
        except StoreUnavailable:
            is_on = False
        if not is_on:
            return answering.lead(places.HOME)
        told = (
            "This web process was started when nobody had to sign in, and now one has to."
            " Set INTERLOCK_SIGN_IN and start it again."
        )
        return answering.show(Page(title="Sign in", problem=told), status=503)

    async def _show_form(self, request: Request, next_: str) -> Response:
        if not await asyncio.to_thread(_has_admin):
            command = opening.FIRST.split("`")[1]
            told = (
                "There is no account yet that may make others. On the machine that runs Interlock:"
            )
            return answering.show(Page(title="Sign in", text=told, code=command))
        text = "You are signed out." if "out" in request.query_params else ""
        return self._ask(request, next_, text=text)

    def _ask(
        self,
        request: Request,
        next_: str,
        *,
        name: str = "",
        text: str = "",
        problem: str = "",
        status: int = 200,
    ) -> Response:
        token = cookies.read(request.scope, self._settings, cookies.FORM)
        if not token.isalnum():  # none yet; one that is there stays, for a second tab
            token = secrets.token_hex(16)
        form = Form(token=token, next=next_, name=name[:200])
        page = Page(title="Sign in", text=text, problem=problem, form=form)
        response = answering.show(page, status=status)
        is_safe = cookies.is_safe(request.scope, self._settings)
        cookies.put(response, cookies.FORM, token, safe=is_safe, max_age_s=FORM_S)
        return response

    async def _enter_by_proxy(self, request: Request, next_: str) -> Response:
        peer = peer_of(request.scope)
        if not peer.name:
            told = "One signs in at the proxy in front of Interlock, and this request did not come by it."
            return answering.show(Page(title="Sign in", problem=told), status=403)
        if "out" in request.query_params:
            again = (f"Sign in as {peer.name}", places.with_next(places.SIGN_IN, next_))
            told = "You are signed out here. The proxy in front still knows you."
            return answering.show(Page(title="Signed out", text=told, link=again))
        try:
            return await answering.open_session(
                request, partial(_admit, peer=peer, agent=answering.agent_of(request)), next_=next_
            )
        except NotAllowed as exc:
            return answering.show(Page(title="Sign in", problem=str(exc)), status=403)


def _admit(app: App, *, peer: Peer, agent: str) -> SignedIn:
    told = knowing.read_peer(peer, app.settings)
    known = Elsewhere(name=told.name, method="proxy", role=told.role, groups=told.groups)
    return signing_in.admit(app, known, address=peer.address[:100], agent=agent)


def _show_known(name: str, next_: str) -> Response:
    if next_ != places.HOME:
        return answering.lead(next_)
    text = f"You are signed in as {name}."
    return answering.show(
        Page(title="Signed in", text=text, link=("Go on", places.HOME), leave=True)
    )


def _show_provider(next_: str, *, has_left: bool) -> Response:
    text = "You are signed out here; the provider may still know you." if has_left else ""
    link = ("Sign in with your organisation", places.with_next(places.OIDC, next_))
    return answering.show(Page(title="Sign in", text=text, link=link))


def _show_foreign() -> Response:
    told = "This form was not sent from a page of Interlock's."
    link = ("Sign in", places.SIGN_IN)
    return answering.show(Page(title="Sign in", problem=told, link=link), status=403)


def _has_admin() -> bool:
    return opening.has_admin(deps.process_app())


def _is_on() -> bool:
    return permitting.is_sign_in_on(deps.process_app())


async def _read_form(request: Request) -> dict[str, str] | None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _KIND:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return None
    try:
        return dict(parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=10))
    except ValueError:
        return None
