"""
`/sign-in/oidc` and its callback: to the provider and back, ending in the same session as a password.

What has to be the same on the way back (state, nonce, PKCE's verifier) lies in a short-lived cookie of
the browser, so that any web process can end what another one began.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from functools import partial

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.core.errors import InterlockError, NotAllowed, StoreUnavailable
from interlock.core.model import sign_ins
from interlock.core.services import signing_in
from interlock.core.services.context import App
from interlock.core.services.signing_in import Elsewhere, SignedIn
from interlock.core.settings import Settings
from interlock.dashboard.http.sign_in import answering, cookies, places
from interlock.dashboard.http.sign_in.provider import Provider, ProviderAway
from interlock.dashboard.views.sign_in import Page

logger = structlog.get_logger(__name__)

_PARTS = frozenset({"state", "nonce", "verifier", "next"})
_LOST = "This sign-in was begun in another browser or too long ago. Try again."


def routes(settings: Settings) -> list[BaseRoute]:
    """The way to the provider, and back."""
    door = _Door(settings)
    return [
        Route(places.OIDC, door.lead, methods=["GET"]),
        Route(places.CALLBACK, door.come_back, methods=["GET"]),
    ]


class _Door:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._provider = Provider(settings)

    async def lead(self, request: Request) -> Response:
        """To the provider."""
        flow = {
            "state": secrets.token_urlsafe(24),
            "nonce": secrets.token_urlsafe(24),
            "verifier": secrets.token_urlsafe(48),
            "next": places.read_next(request.query_params.get("next")),
        }
        try:
            target = await self._provider.lead(
                back=self._back(request),
                state=flow["state"],
                nonce=flow["nonce"],
                verifier=flow["verifier"],
            )
        except ProviderAway as exc:
            return _tell_away(exc)
        response = answering.lead(target)
        cookies.put(
            response,
            cookies.FLOW,
            base64.urlsafe_b64encode(json.dumps(flow).encode()).decode(),
            safe=cookies.is_safe(request.scope, self._settings),
            max_age_s=cookies.FLOW_S,
        )
        return response

    async def come_back(self, request: Request) -> Response:
        """From the provider."""
        flow = _read_flow(cookies.read(request.scope, self._settings, cookies.FLOW))
        state = request.query_params.get("state", "")
        if flow is None or not hmac.compare_digest(state.encode(), flow["state"].encode()):
            return _refuse(_LOST)  # what was begun here stays: anybody can send a browser here
        response = await self._enter(request, flow)
        is_safe = cookies.is_safe(request.scope, self._settings)
        cookies.drop(response, cookies.FLOW, safe=is_safe)  # a code is redeemed once
        return response

    async def _enter(self, request: Request, flow: dict[str, str]) -> Response:
        given = request.query_params
        # A provider that names itself must be ours (RFC 9207).
        if given.get("iss", self._settings.oidc_issuer) != self._settings.oidc_issuer:
            return _refuse("This answer is of another provider.")
        if "code" not in given:
            told = given.get("error_description") or given.get("error") or "no reason was given"
            return _refuse(f"The provider did not let you in: {told[:300]}.")
        try:
            claims = await self._provider.redeem(
                given["code"],
                back=self._back(request),
                nonce=flow["nonce"],
                verifier=flow["verifier"],
            )
            return await answering.open_session(
                request,
                partial(
                    _admit,
                    claims=claims,
                    address=answering.address_of(request.scope),
                    agent=answering.agent_of(request),
                ),
                next_=places.read_next(flow["next"]),
            )
        except NotAllowed as exc:
            logger.warning("a sign-in was refused", reason=str(exc))
            return _refuse(str(exc))
        except (ProviderAway, StoreUnavailable) as exc:
            return _tell_away(exc)

    def _back(self, request: Request) -> str:
        """Where the provider sends the browser; it has to be registered there letter by letter."""
        base = self._settings.public_url or f"{request.url.scheme}://{request.url.netloc}"
        return base.rstrip("/") + places.CALLBACK


def _admit(app: App, *, claims: dict[str, object], address: str, agent: str) -> SignedIn:
    settings = app.settings
    told = sign_ins.read_vouched(
        sign_ins.read_name_claim(claims, settings.oidc_name_claim),
        sign_ins.read_group_claim(claims, settings.oidc_groups_claim),
        dict(settings.sign_in_roles or ()),
    )
    if told.left_out:
        logger.warning("groups were left out", name=told.name, count=len(told.left_out))
    known = Elsewhere(name=told.name, method="oidc", role=told.role, groups=told.groups)
    return signing_in.admit(app, known, address=address, agent=agent)


def _read_flow(text: str) -> dict[str, str] | None:
    try:
        flow = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, RecursionError):
        return None
    if not isinstance(flow, dict) or set(flow) != _PARTS:
        return None
    return flow if all(isinstance(value, str) and value for value in flow.values()) else None


def _refuse(told: str) -> Response:
    page = Page(title="Sign in", problem=told, link=("Try again", places.SIGN_IN))
    return answering.show(page, status=403)


def _tell_away(exc: InterlockError) -> Response:
    reference = secrets.token_hex(4)
    logger.error("a sign-in failed", reference=reference, reason=str(exc))
    told = f"Signing in does not work now. The log of the web process has the reason under {reference}."
    page = Page(title="Sign in", problem=told, link=("Try again", places.SIGN_IN))
    return answering.show(page, status=502)
