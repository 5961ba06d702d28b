"""
Signing in at a provider: a real one on a port of this machine, small but whole (discovery, keys, codes
with PKCE, id tokens, userinfo), which can be told to lie in every way that has to be noticed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from interlock.core import bootstrap
from interlock.core.errors import InvalidInput
from interlock.core.model.people import SYSTEM, Role
from interlock.core.services import opening, operators, signing_in
from interlock.core.services.context import App
from interlock.core.services.operators import Change
from interlock.core.settings import Settings
from interlock.dashboard import deps
from interlock.dashboard.http.guarding import Hosts
from interlock.dashboard.http.sign_in import provider as providers
from interlock.dashboard.http.sign_in import routes as sign_in_routes

HERE = "http://127.0.0.1:8501"
CLIENT, SECRET = "interlock", "a client's secret, of some length"
ROLES = {"interlock-admins": "admin", "crew": "operator"}


class Provider:
    """An OIDC provider. What a test sets on it holds for the next sign-in."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "first", "alg": "ES256", "use": "sig"})
        self.shown = [self.key]
        self.claims: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.changes: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.signs_with: Any = None
        self.metadata: dict[str, Any] = {}
        self.asked: dict[str, dict[str, str]] = {}
        self.seen: dict[str, str] = {}
        self.key_looks = 0
        config = uvicorn.Config(self._app(), host="127.0.0.1", port=0, log_config=None)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)  # its own state is all there is to wait for
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.issuer = f"http://127.0.0.1:{port}/realms/work"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def _app(self) -> Starlette:
        at = "/realms/work"
        return Starlette(
            routes=[
                Route(f"{at}/.well-known/openid-configuration", self._discovery),
                Route(f"{at}/authorize", self._authorize),
                Route(f"{at}/token", self._token, methods=["POST"]),
                Route(f"{at}/keys", self._keys),
                Route(f"{at}/userinfo", self._userinfo),
            ]
        )

    async def _discovery(self, _request):
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            }
            | self.metadata
        )

    async def _authorize(self, request):
        asked = dict(request.query_params)
        code = secrets.token_urlsafe(8)
        self.asked[code] = asked
        return RedirectResponse(
            f"{asked['redirect_uri']}?code={code}&state={asked['state']}", status_code=302
        )

    async def _token(self, request):
        given = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        self.seen = given | {"authorization": request.headers.get("authorization", "")}
        asked = self.asked.pop(given.get("code", ""), None)
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "subject-7",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        }
        claims = {k: v for k, v in (claims | self.claims | self.changes).items() if v is not None}
        header = {"alg": "ES256", "kid": self.key.kid} | self.header
        signer = self.signs_with or self.key
        if header["alg"] == "none":
            token = unsigned(claims)
        else:
            token = jwt.encode(header, claims, signer, algorithms=[header["alg"]])
        return JSONResponse(
            {"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token}
        )

    async def _keys(self, _request):
        self.key_looks += 1
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.shown]})

    async def _userinfo(self, request):
        assert request.headers["authorization"] == "Bearer access"
        return JSONResponse({"sub": "subject-7"} | self.userinfo)


def unsigned(claims: dict[str, Any]) -> str:
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(claims)}."


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    served = Provider()
    served.start()
    yield served
    served.stop()


@pytest.fixture
def provider(running) -> Provider:
    """As it is when nobody has told it anything; ann is known there."""
    running.claims = {"email": "ann@example.com", "email_verified": True, "groups": ["finance"]}
    running.userinfo, running.changes, running.header, running.metadata = {}, {}, {}, {}
    running.shown, running.signs_with = [running.key], None
    return running


class Way:
    """A browser on its way: to the provider, and back."""

    def __init__(self, app: App, asgi: Any) -> None:
        self.app = app
        self.browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(asgi), base_url=app.settings.public_url or HERE
        )

    async def go(self, next_: str = "/inbox") -> str:
        """To the provider; where it sends the browser back to."""
        answered = await self.browser.get("/sign-in/oidc", params={"next": next_})
        assert answered.status_code == 303, answered.text
        async with httpx.AsyncClient(verify=False) as outside:  # no certificates to be read
            sent = await outside.get(answered.headers["location"])
        return sent.headers["location"]

    async def sign_in(self, next_: str = "/inbox") -> httpx.Response:
        """To the provider and back."""
        return await self.browser.get(await self.go(next_))


@pytest.fixture
def build(tmp_path, sqlite_template, monkeypatch, provider) -> Iterator[Callable[..., Way]]:
    opened: list[App] = []

    def open_(**settings: Any) -> Way:
        given = {
            "sign_in": "oidc",
            "oidc_issuer": provider.issuer,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SECRET,
            "sign_in_roles": ROLES,
        } | settings
        read = Settings(data_dir=tmp_path / "data", **given)
        read.data_dir.mkdir()
        shutil.copyfile(sqlite_template, read.data_dir / "app.db")
        app = bootstrap.build_app(read, caller=SYSTEM)
        opened.append(app)
        monkeypatch.setattr(deps, "process_app", lambda: app)
        deps.forget_all()
        opening.open_door(app)
        return Way(app, Starlette(routes=sign_in_routes.routes(read, Hosts(read))))

    yield open_
    for app in opened:
        app.engine.dispose()


@pytest.fixture
def way(build) -> Way:
    return build()


def problem(answered: httpx.Response) -> str:
    return re.search('role="alert">([^<]+)<', answered.text)[1]


async def refused(way: Way, status: int = 403) -> str:
    """Sign in, in vain; what is said about it."""
    answered = await way.sign_in()
    assert answered.status_code == status, answered.text
    assert "interlock_session=" not in str(answered.headers.get_list("set-cookie"))
    assert signing_in.list_sessions(way.app) == []
    return problem(answered)


async def test_one_comes_back_to_where_one_was_with_groups_and_role(way, provider):
    provider.claims |= {"groups": ["finance", "interlock-admins", "a b"]}
    answered = await way.sign_in("/inbox?card=7")
    assert (answered.status_code, answered.headers["location"]) == (303, "/inbox?card=7")
    ann = operators.get_operator(way.app, "ann@example.com")
    assert (ann.role, ann.groups, ann.source) == (
        Role.ADMIN,
        ("finance", "interlock-admins"),
        "oidc",
    )
    (session,) = signing_in.list_sessions(way.app)
    assert (session.operator, session.method) == ("ann@example.com", "oidc")
    assert base64.b64decode(provider.seen["authorization"].split()[1]).decode().startswith(CLIENT)
    assert provider.seen["redirect_uri"] == f"{HERE}/sign-in/oidc/callback"


async def test_what_changes_there_changes_here_at_the_next_sign_in(way, provider):
    provider.claims |= {"groups": ["interlock-admins"]}
    await way.sign_in()
    provider.claims |= {"groups": ["crew"]}
    await way.sign_in()
    ann = operators.get_operator(way.app, "ann@example.com")
    assert (ann.role, ann.groups) == (Role.OPERATOR, ("crew",))
    assert len(signing_in.list_sessions(way.app)) == 1
    with pytest.raises(InvalidInput, match="changed there"):
        operators.change(way.app, ann.name, Change(role=Role.ADMIN), actor="root")


async def test_an_id_token_that_is_not_for_this_sign_in_is_refused(way, provider):
    now = int(time.time())
    other = ECKey.generate_key("P-256", {"kid": "first", "alg": "ES256"})
    for changes, header, signer in (
        ({"nonce": "another"}, {}, None),
        ({"nonce": None}, {}, None),
        ({"aud": "another-client"}, {}, None),
        ({"aud": ["another-client", CLIENT], "azp": "another-client"}, {}, None),
        ({"aud": None}, {}, None),
        ({"exp": now - 3600, "iat": now - 7200}, {}, None),
        ({"exp": None}, {}, None),
        ({"iat": now + 3600}, {}, None),
        ({"nbf": now + 3600}, {}, None),
        ({"iss": "https://evil.example"}, {}, None),
        ({"sub": None}, {}, None),
        ({"at_hash": "of another access token"}, {}, None),
        ({}, {}, other),
        ({}, {"alg": "none"}, None),
        ({}, {"alg": "HS256"}, OctKey.import_key(SECRET)),
        ({}, {"kid": "nobody-has-it"}, None),
    ):
        provider.changes, provider.header, provider.signs_with = changes, header, signer
        assert "is not good" in await refused(way), (changes, header)


async def test_an_address_that_nobody_has_verified_names_nobody(way, provider):
    provider.claims |= {"email_verified": False}
    assert "not verified" in await refused(way)
    provider.claims |= {"email": None}
    assert "does not tell the claim" in await refused(way)


async def test_name_and_groups_may_be_other_claims(build, provider):
    way = build(oidc_name_claim="sub", oidc_groups_claim="realm_access.roles")
    provider.claims = {"realm_access": {"roles": ["crew"]}}
    assert (await way.sign_in()).status_code == 303
    assert operators.get_operator(way.app, "subject-7").role is Role.OPERATOR


async def test_what_the_token_leaves_out_is_asked_for_and_must_be_of_the_same_person(way, provider):
    provider.claims = {}
    provider.userinfo = {"email": "ann@example.com", "email_verified": True, "groups": ["crew"]}
    assert (await way.sign_in()).status_code == 303
    assert operators.get_operator(way.app, "ann@example.com").groups == ("crew",)
    provider.userinfo |= {"sub": "somebody else", "email": "root@example.com"}
    answered = await way.sign_in()
    assert answered.status_code == 403
    assert "does not tell" in problem(answered)


async def test_only_the_browser_that_went_can_come_back_and_once(way):
    back = await way.go()
    asgi = way.browser._transport
    async with httpx.AsyncClient(transport=asgi, base_url=HERE) as other:
        assert "another browser" in problem(await other.get(back))
    assert "another browser" in problem(await way.browser.get(f"{back}x"))
    back = await way.go()
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert (await way.browser.get(back)).status_code == 303
    assert "another browser" in problem(await way.browser.get(back))
    again = urlsplit(await way.go())
    state = parse_qs(again.query)["state"][0]
    answered = await way.browser.get(f"{again.path}?code={code}&state={state}")
    assert "is not good" in problem(answered)  # a code is good once


async def test_an_answer_of_another_provider_is_refused(way):
    back = await way.go()
    assert "another provider" in problem(await way.browser.get(f"{back}&iss=https://evil.example"))


async def test_what_the_provider_says_against_it_is_told_inert(way):
    state = parse_qs(urlsplit(await way.go()).query)["state"][0]
    told = {"error": "access_denied", "error_description": "<b>No</b>", "state": state}
    answered = await way.browser.get("/sign-in/oidc/callback", params=told)
    assert answered.status_code == 403
    assert "&lt;b&gt;No&lt;/b&gt;" in answered.text


async def test_a_cookie_that_somebody_wrote_leads_nowhere(way):
    for text in ("", "x", "bm8=", base64.b64encode(b'{"state": 1}').decode(), "%ff"):
        cookie = {"cookie": f"interlock_oidc={text}"}
        answered = await way.browser.get("/sign-in/oidc/callback?state=&code=1", headers=cookie)
        assert answered.status_code == 403
    evil = {"state": "s", "nonce": "n", "verifier": "v" * 43, "next": "//evil.example"}
    cookie = base64.urlsafe_b64encode(json.dumps(evil).encode()).decode()
    answered = await way.browser.get(
        "/sign-in/oidc/callback?state=s&code=1", headers={"cookie": f"interlock_oidc={cookie}"}
    )
    assert answered.status_code == 403


async def test_one_is_not_led_to_another_site(way):
    assert (await way.sign_in("//evil.example")).headers["location"] == "/"


async def test_keys_that_change_are_looked_for_again_but_not_at_every_call(
    way, provider, monkeypatch
):
    await way.sign_in()
    looks = provider.key_looks
    second = ECKey.generate_key("P-256", {"kid": "second", "alg": "ES256"})
    provider.shown = [*provider.shown, second]
    provider.header, provider.signs_with = {"kid": "second"}, second
    answered = await way.sign_in()
    assert "is not good" in problem(answered)
    assert provider.key_looks == looks
    monkeypatch.setattr(providers, "RETRY_S", 0.0)
    assert (await way.sign_in()).status_code == 303
    assert provider.key_looks == looks + 1


async def test_a_public_client_has_pkce_alone(build, provider):
    way = build(oidc_client_secret=None)
    assert (await way.sign_in()).status_code == 303
    assert provider.seen["authorization"] == ""
    assert (provider.seen["client_id"], "client_secret" in provider.seen) == (CLIENT, False)


async def test_a_provider_that_takes_secrets_in_the_form_gets_them_there(way, provider):
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert (await way.sign_in()).status_code == 303
    assert (provider.seen["authorization"], provider.seen["client_secret"]) == ("", SECRET)


async def test_a_provider_that_is_not_as_it_should_be_is_told_by_a_reference(
    build, provider, caplog
):
    provider.metadata = {"issuer": "https://evil.example"}
    way = build()
    answered = await way.browser.get("/sign-in/oidc")
    assert answered.status_code == 502
    assert re.search("reason under [0-9a-f]{8}", problem(answered))
    provider.metadata = {"token_endpoint": None}
    assert (await way.browser.get("/sign-in/oidc")).status_code == 502
    provider.metadata = {"token_endpoint": f"{provider.issuer}/nothing"}
    assert "does not work now" in await refused(way, 502)


async def test_under_https_the_address_to_come_back_to_is_the_public_one(build, provider):
    way = build(
        public_url="https://interlock.example.com/", allowed_hosts=("interlock.example.com",)
    )
    answered = await way.browser.get("/sign-in/oidc")
    asked = parse_qs(urlsplit(answered.headers["location"]).query)
    assert asked["redirect_uri"] == ["https://interlock.example.com/sign-in/oidc/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    (cookie,) = answered.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-interlock_oidc=")
    assert cookie.endswith("; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure")


async def test_two_sign_ins_at_once_do_not_mix(way, provider):
    first, second = await asyncio.gather(way.go("/runs"), way.go("/inbox"))
    found = [(await way.browser.get(back)).status_code for back in (first, second, first)]
    assert sorted(found) == [303, 403, 403]  # one cookie: of the one that came last


async def test_there_is_a_page_before_it_which_leads_there_by_a_click(way):
    page = await way.browser.get("/sign-in", params={"next": "/inbox?card=7"})
    assert 'href="/sign-in/oidc?next=%2Finbox%3Fcard%3D7"' in page.text
    assert "may still know you" in (await way.browser.get("/sign-in?out=1")).text
    answered = await way.browser.post("/sign-in", data={"name": "ann"}, headers={"origin": HERE})
    assert (answered.status_code, answered.headers["location"]) == (303, "/sign-in")
