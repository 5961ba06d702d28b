"""
Coming in: the gate before pages and sockets, forms and cookies, proxies that are believed and those that
are not. The routes and the wrappers are those of the web process; behind them stands a page that says
what reached it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from interlock.core import bootstrap
from interlock.core.errors import StoreUnavailable
from interlock.core.model import people
from interlock.core.model.audit_lists import AuditFilter
from interlock.core.model.people import SYSTEM, Permission, Role
from interlock.core.services import (
    auditing,
    opening,
    operators,
    signing_in,
    token_keeping,
)
from interlock.core.services.context import App
from interlock.core.services.operators import Change
from interlock.core.settings import Settings
from interlock.dashboard import deps
from interlock.dashboard.http.guarding import Guard, Hosts
from interlock.dashboard.http.policy import security_headers
from interlock.dashboard.http.sign_in import places
from interlock.dashboard.http.sign_in import routes as sign_in_routes
from interlock.dashboard.http.sign_in.gate import Gate
from interlock.dashboard.http.sign_in.peers import Peers

pytestmark = pytest.mark.usefixtures("quick_passwords")

PASSWORD = "correct horse battery"
HERE = "http://127.0.0.1"
AWAY = "https://control.example.com"
HTML = {"accept": "text/html"}


@dataclass
class House:
    """The web process as far as signing in goes, and its database."""

    app: App
    asgi: Any

    def client(self, base: str = HERE, *, peer: str = "127.0.0.1", **headers: str):
        transport = httpx.ASGITransport(self.asgi, client=(peer, 4711))
        return httpx.AsyncClient(transport=transport, base_url=base, headers=headers)

    async def connect(self, path: str, **headers: str) -> list[dict[str, Any]]:
        """Open a socket; what was answered."""
        sent: list[dict[str, Any]] = []

        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        given = {"host": "127.0.0.1", "origin": HERE} | headers
        scope = {
            "type": "websocket",
            "path": path,
            "scheme": "ws",
            "query_string": b"",
            "client": ("127.0.0.1", 4711),
            "headers": [(k.encode(), v.encode()) for k, v in given.items() if v],
        }
        await self.asgi(scope, receive, send)
        return sent

    def addresses(self, action: str) -> list[str]:
        """From where something was done, as the audit has it."""
        found = auditing.list_entries(self.app, AuditFilter(action=action)).entries
        return [entry.address for entry in found]


async def tell(request) -> JSONResponse:
    return JSONResponse(
        {
            "client": request.client.host,
            "scheme": request.url.scheme,
            "headers": dict(request.headers),
        }
    )


async def inside(scope, receive, send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await Starlette(routes=[Route("/{path:path}", tell, methods=["GET", "POST"])])(
        scope, receive, send
    )


@pytest.fixture
def build(tmp_path, sqlite_template, monkeypatch) -> Iterator[Callable[..., House]]:
    """Build a house with these settings; two admins and one operator live in it."""
    opened: list[App] = []

    def open_(**settings: Any) -> House:
        given = Settings(data_dir=tmp_path / "data", **({"sign_in": "local"} | settings))
        if not opened:
            given.data_dir.mkdir()
            shutil.copyfile(sqlite_template, given.data_dir / "app.db")
        app = bootstrap.build_app(given, caller=SYSTEM)
        opened.append(app)
        monkeypatch.setattr(deps, "process_app", lambda: app)
        deps.forget_all()
        opening.open_door(app)
        hosts = Hosts(given)
        routes = Starlette(routes=sign_in_routes.routes(given, hosts))
        routes.router.default = inside
        guard = Guard(
            Gate(routes, settings=given, hosts=hosts), hosts=hosts, headers=security_headers()
        )
        return House(app, Peers(guard, settings=given))

    yield open_
    for app in opened:
        app.engine.dispose()


@pytest.fixture
def house(build) -> House:
    """People sign in here with a password."""
    built = build(allowed_hosts=("control.example.com",))
    operators.add(built.app, "root", role=Role.ADMIN, password=PASSWORD, actor="setup")
    operators.add(built.app, "ann", role=Role.OPERATOR, password=PASSWORD, actor="setup")
    return built


async def ask_form(client, next_: str = "") -> str:
    answered = await client.get("/sign-in", params={"next": next_} if next_ else None)
    assert answered.status_code == 200, answered.text
    return re.search('name="token" value="([0-9a-f]+)"', answered.text)[1]


async def sign_in(client, name="ann", password=PASSWORD, next_="/", **headers):
    token = await ask_form(client, next_)
    return await client.post(
        "/sign-in",
        data={"token": token, "next": next_, "name": name, "password": password},
        headers={"origin": str(client.base_url).rstrip("/")} | headers,
    )


def cookie_of(answered) -> str:
    (found,) = [c for c in answered.headers.get_list("set-cookie") if "interlock_session=" in c]
    return found


# The gate ---------------------------------------------------------------------------------------


async def test_a_page_leads_to_where_one_signs_in_and_back(house):
    async with house.client() as client:
        answered = await client.get("/inbox?card=7&q=%2F", headers=HTML)
        assert answered.status_code == 303
        assert answered.headers["location"] == "/sign-in?next=%2Finbox%3Fcard%3D7%26q%3D%252F"
        page = await client.get(answered.headers["location"])
        assert 'name="next" value="/inbox?card=7&amp;q=%2F"' in page.text
        answered = await sign_in(client, next_="/inbox?card=7")
        assert (answered.status_code, answered.headers["location"]) == (303, "/inbox?card=7")
        assert (await client.get("/inbox?card=7", headers=HTML)).status_code == 200


OPEN = ("/healthz", "/readyz", "/static/x.js", "/app/static/mark.svg")
SEES_ITSELF = ("/api/v1/workflows", "/agent-server/threads")  # these answer 401 by themselves
CLOSED = (
    "/media/secret.csv",
    "/_stcore/upload_file/1/2",
    "/_stcore/host-config",
    "/anything",
    "/signin",
    "/healthz/../media/x",
)


async def test_what_is_no_page_is_refused_unless_it_is_open_to_all(house):
    async with house.client() as client:
        for path in (*OPEN, *SEES_ITSELF):
            assert (await client.get(path)).status_code == 200, path
        for path in CLOSED:
            assert (await client.get(path)).status_code == 401, path
        await sign_in(client)
        for path in CLOSED:
            assert (await client.get(path)).status_code == 200, path


async def test_a_socket_needs_a_session_and_an_origin(house):
    async with house.client() as client:
        secret = re.match("interlock_session=([^;]+)", cookie_of(await sign_in(client)))[1]
    good = f"interlock_session={secret}"
    for path in ("/live", "/_stcore/stream"):
        assert await house.connect(path, cookie=good) == [{"type": "websocket.accept"}]
        for refused in (
            {},
            {"cookie": "interlock_session=made-up"},
            {"cookie": good, "origin": ""},
            {"cookie": good, "origin": "https://evil.example"},
        ):
            (sent,) = await house.connect(path, **refused)
            assert (sent["type"], sent["code"]) == ("websocket.close", 1008)


async def test_with_sign_in_off_nothing_is_asked(build):
    house = build(sign_in="none")
    async with house.client() as client:
        assert (await client.get("/inbox", headers=HTML)).status_code == 200
        answered = await client.get("/sign-in")
        assert (answered.status_code, answered.headers["location"]) == (303, "/")
    operators.set_sign_in(house.app, "local", actor="another process")
    async with house.client() as client:
        answered = await client.get("/sign-in")
        assert answered.status_code == 503
        assert "INTERLOCK_SIGN_IN" in answered.text


async def test_a_command_with_the_cookie_needs_our_origin(house):
    async with house.client() as client:
        await sign_in(client)
        for headers in ({}, {"origin": "https://evil.example"}, {"origin": "null"}):
            assert (await client.post("/api/v1/runs", headers=headers)).status_code == 403
            assert (await client.post("/_stcore/upload", headers=headers)).status_code == 403
        assert (await client.post("/api/v1/runs", headers={"origin": HERE})).status_code == 200
        bearer = {"authorization": "Bearer ilk_x"}
        assert (await client.post("/api/v1/runs", headers=bearer)).status_code == 200
    async with house.client() as client:
        assert (await client.post("/api/v1/runs")).status_code == 200  # it answers 401 itself


async def test_figures_are_for_this_machine_or_a_token(house):
    async with house.client() as client:
        assert (await client.get("/metrics")).status_code == 200
        relayed = {"x-forwarded-for": "192.0.2.9"}
        assert (await client.get("/metrics", headers=relayed)).status_code == 401
    made = {
        scope: token_keeping.make(
            house.app, "figures", scopes=[scope], days=1, operator="ann", actor="root"
        )
        for scope in (Permission.SEE, Permission.DECIDE)
    }
    async with house.client(peer="192.0.2.9") as client:
        for given, status in (
            ("", 401),
            ("Bearer ilk_made_up", 401),
            (f"Bearer {made[Permission.DECIDE].secret}", 401),
            (f"Basic {made[Permission.SEE].secret}", 401),
            (f"Bearer {made[Permission.SEE].secret}", 200),
        ):
            headers = {"authorization": given} if given else {}
            assert (await client.get("/metrics", headers=headers)).status_code == status


async def test_while_the_database_is_away_pages_come_to_say_so_and_nothing_else_does(
    house, monkeypatch
):
    async with house.client() as known, house.client() as stranger:
        await sign_in(known)
        assert (await known.get("/x", headers=HTML)).status_code == 200

        def away(*_args, **_options):
            raise StoreUnavailable("It is away.")

        monkeypatch.setattr(deps.permitting, "resolve", away)
        monkeypatch.setattr(deps, "_SEEN_S", 0.0)
        assert (await known.get("/x", headers=HTML)).status_code == 200
        stranger.cookies.set("interlock_session", "made-up")
        assert (await stranger.get("/x", headers=HTML)).status_code == 200  # it draws nothing
        assert (await stranger.get("/media/x")).status_code == 401
        assert (await stranger.get("/sign-in")).status_code == 503
        stranger.cookies.clear()
        assert (await stranger.get("/x", headers=HTML)).status_code == 303


# Forms and cookies ------------------------------------------------------------------------------


async def test_the_cookie_is_for_us_alone(house):
    async with house.client() as client:
        plain = cookie_of(await sign_in(client))
    assert re.fullmatch(
        r"interlock_session=[\w-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax", plain
    )


async def test_under_https_no_other_site_of_the_domain_can_set_it(build):
    house = build(public_url=AWAY, allowed_hosts=("control.example.com",))
    operators.add(house.app, "ann", role=Role.ADMIN, password=PASSWORD, actor="setup")
    async with house.client(AWAY) as client:
        found = cookie_of(await sign_in(client))
        assert found.startswith("__Host-interlock_session=")
        assert found.endswith("; HttpOnly; Max-Age=43200; Path=/; SameSite=lax; Secure")
        secret = re.match("__Host-interlock_session=([^;]+)", found)[1]
        assert (await client.get("/x", headers=HTML)).status_code == 200
    async with house.client(AWAY) as client:
        client.cookies.set("interlock_session", secret)
        assert (await client.get("/x", headers=HTML)).status_code == 303


async def test_a_session_is_always_a_new_one(house):
    async with house.client() as client:
        client.cookies.set("interlock_session", "chosen-by-somebody-else", domain="127.0.0.1")
        first = cookie_of(await sign_in(client))
        assert "chosen" not in first
        second = cookie_of(await sign_in_again(client))
        assert first != second
    assert len(signing_in.list_sessions(house.app)) == 1  # the one before has ended


async def sign_in_again(client):
    """Sign in while one is signed in, as a form in another tab does."""
    client.cookies.set("interlock_form", "f" * 32, domain="127.0.0.1")
    data = {"token": "f" * 32, "next": "/", "name": "root", "password": PASSWORD}
    return await client.post("/sign-in", data=data, headers={"origin": HERE})


FORGED = (
    ({"origin": "https://evil.example"}, {}, {}),
    ({"origin": "null"}, {}, {}),
    ({"origin": ""}, {}, {}),
    ({}, {"token": "0" * 32}, {}),
    ({}, {"token": ""}, {}),
    ({}, {"token": "ü"}, {}),
    ({}, {}, {"interlock_form": "0" * 32}),
    ({"content-type": "application/json"}, {}, {}),
    ({"content-type": "multipart/form-data; boundary=x"}, {}, {}),
    ({}, {"more": "x" * 20_000}, {}),
)


async def test_no_other_site_can_sign_anybody_in(house):
    for headers, data, cookies in FORGED:
        async with house.client() as client:
            token = await ask_form(client)
            for name, value in cookies.items():
                client.cookies.set(name, value, domain="127.0.0.1")
            sent = {"token": token, "next": "/", "name": "ann", "password": PASSWORD} | data
            given = {k: v for k, v in ({"origin": HERE} | headers).items() if v}
            answered = await client.post("/sign-in", data=sent, headers=given)
            assert answered.status_code in {400, 403}, (headers, data, cookies)
            assert "interlock_session" not in answered.headers.get("set-cookie", "")
    assert house.addresses("sign-in") == []


async def test_no_other_site_can_sign_anybody_out(house):
    async with house.client() as client:
        await sign_in(client)
        for origin in ("https://evil.example", "null"):
            answered = await client.post("/sign-out", headers={"origin": origin})
            assert answered.status_code == 403
        assert (await client.get("/sign-out")).status_code == 200  # asks, and ends nothing
        assert (await client.get("/x", headers=HTML)).status_code == 200


async def test_signing_out_ends_the_session_whoever_holds_its_cookie(house):
    async with house.client() as client, house.client() as thief:
        secret = re.match("interlock_session=([^;]+)", cookie_of(await sign_in(client)))[1]
        thief.cookies.set("interlock_session", secret)
        assert (await thief.get("/x", headers=HTML)).status_code == 200
        answered = await client.post("/sign-out", headers={"origin": HERE})
        assert (answered.status_code, answered.headers["location"]) == (303, "/sign-in?out=1")
        assert "Max-Age=0" in cookie_of(answered)
        assert (await thief.get("/x", headers=HTML)).status_code == 303
        assert "You are signed out." in (await client.get("/sign-in?out=1")).text
        assert (await client.post("/sign-out", headers={"origin": HERE})).status_code == 303


async def test_wrong_passwords_are_told_alike_and_slow_down(house):
    told = set()
    async with house.client() as client:
        for name in ("ann", "nobody"):
            answered = await sign_in(client, name, "wrong wrong wrong")
            assert answered.status_code == 403
            told.add(re.search('role="alert">([^<]+)<', answered.text)[1])
            assert f'value="{name}"' in answered.text
        assert told == {"The name or the password is wrong."}
        for _ in range(people.FREE_TRIES - 2):
            await sign_in(client, "ann", "wrong wrong wrong")
        answered = await sign_in(client)
        assert answered.status_code == 429
        assert int(answered.headers["retry-after"]) >= 1
        assert "Too many wrong passwords" in answered.text


async def test_a_name_of_any_shape_is_no_failure(house):
    async with house.client() as client:
        for name in ("a\x00b", "\ufffd", "x" * 500):
            assert (await sign_in(client, name)).status_code == 403


async def test_without_an_account_the_page_says_how_to_make_one(build):
    house = build()
    async with house.client() as client:
        page = (await client.get("/sign-in")).text
        assert "interlock operator add NAME --role admin" in page
        assert "<form" not in page


async def test_who_is_signed_in_is_led_on_or_offered_to_leave(house):
    async with house.client() as client:
        await sign_in(client)
        assert "You are signed in as ann." in (await client.get("/sign-in")).text
        answered = await client.get("/sign-in", params={"next": "/inbox?card=7"})
        assert answered.headers["location"] == "/inbox?card=7"
        operators.change(house.app, "ann", Change(is_active=False), actor="root")
        deps.forget_all()
        assert 'name="password"' in (await client.get("/sign-in")).text


async def test_the_page_is_held_by_a_policy_of_its_own(house):
    async with house.client() as client:
        headers = (await client.get("/sign-in")).headers
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; style-src 'sha256-"
        )
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/inbox?card=7#x", "/inbox?card=7#x"),
        ("", "/"),
        (None, "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/x\\..\\evil", "/"),
        ("///evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("inbox", "/"),
        ("/ /evil", "/"),
        ("/sign-in?next=/sign-in", "/"),
        ("/sign-out", "/"),
        ("/api/v1/runs", "/"),
        ("/media/x", "/"),
        ("/" + "x" * 3000, "/"),
        ("/x\u202ey", "/"),
    ],
)
def test_one_is_led_to_pages_of_ours_alone(asked, led):
    assert places.read_next(asked) == led


# Proxies ----------------------------------------------------------------------------------------

FORWARDED = {
    "x-forwarded-for": "203.0.113.5, 10.0.0.9",
    "x-forwarded-proto": "https",
    "x-forwarded-user": "root",
    "x-forwarded-groups": "admins",
    "x-real-ip": "203.0.113.5",
    "forwarded": "for=203.0.113.5",
}


async def read_open(client, **headers):
    """What reaches the inside of an address that is open to all."""
    return (await client.get("/static/x", headers=headers)).json()


async def test_what_a_proxy_says_is_believed_from_its_address_alone(build):
    house = build(trusted_proxies=("10.0.0.0/24",))
    async with house.client(peer="198.51.100.1") as stranger:
        told = await read_open(stranger, **FORWARDED)
        assert (told["client"], told["scheme"]) == ("198.51.100.1", "http")
        assert not set(FORWARDED) & set(told["headers"])
    async with house.client(peer="10.0.0.5") as proxy:
        told = await read_open(proxy, **FORWARDED)
        assert (told["client"], told["scheme"]) == ("203.0.113.5", "https")
        assert not set(FORWARDED) & set(told["headers"])


ADDRESSES = (
    ("203.0.113.5", "203.0.113.5"),
    ("6.6.6.6, 203.0.113.5", "203.0.113.5"),  # the first was there before our proxy
    ("203.0.113.5:4711", "203.0.113.5"),
    ("[2001:db8::1]:4711", "2001:db8::1"),
    ("::ffff:203.0.113.5", "203.0.113.5"),
    ("not an address", "10.0.0.5"),
    ("203.0.113.5, nonsense", "10.0.0.5"),
    ("", "10.0.0.5"),
    ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
)


async def test_the_address_is_the_last_one_no_trusted_proxy_speaks_for(build):
    house = build(trusted_proxies=("10.0.0.0/24",))
    async with house.client(peer="10.0.0.5") as proxy:
        for said, address in ADDRESSES:
            told = await read_open(proxy, **{"x-forwarded-for": said})
            assert told["client"] == address, said


async def test_the_audit_and_the_throttle_know_the_forwarded_address(build):
    house = build(trusted_proxies=("10.0.0.5",))
    operators.add(house.app, "ann", role=Role.ADMIN, password=PASSWORD, actor="setup")
    async with house.client(peer="10.0.0.5", **{"x-forwarded-for": "203.0.113.5"}) as client:
        await sign_in(client)
    (session,) = signing_in.list_sessions(house.app)
    assert session.address == "203.0.113.5"
    assert house.addresses("sign-in") == ["203.0.113.5"]


@pytest.fixture
def behind(build) -> House:
    """A proxy in front says who has signed in."""
    return build(
        sign_in="proxy",
        trusted_proxies=("10.0.0.5",),
        sign_in_roles={"admins": "admin", "user:bob": "operator"},
    )


def said(name: str = "ann", groups: str = "finance") -> dict[str, str]:
    return {"x-forwarded-user": name, "x-forwarded-groups": groups} | HTML


async def test_whom_the_proxy_names_is_let_in_with_groups_and_role(behind):
    async with behind.client(peer="10.0.0.5") as client:
        answered = await client.get("/inbox?card=7", headers=said(groups="finance, admins"))
        answered = await client.get(
            answered.headers["location"], headers=said(groups="finance, admins")
        )
        assert (answered.status_code, answered.headers["location"]) == (303, "/inbox?card=7")
        again = await client.get("/inbox?card=7", headers=said(groups="finance, admins"))
        assert again.status_code == 200
    ann = operators.get_operator(behind.app, "ann")
    assert (ann.role, ann.groups, ann.source) == (Role.ADMIN, ("admins", "finance"), "proxy")


async def test_nobody_else_can_name_anybody(behind):
    async with behind.client(peer="10.0.0.6") as client:
        answered = await client.get("/sign-in", headers=said("root", "admins"))
        assert answered.status_code == 403
        assert "did not come by it" in answered.text
    assert operators.list_operators(behind.app) == []


async def test_two_names_are_none(behind):
    async with behind.client(peer="10.0.0.5") as client:
        twice = [("x-forwarded-user", "ann"), ("x-forwarded-user", "root")]
        assert (await client.get("/sign-in", headers=twice)).status_code == 403


async def test_a_session_is_good_through_the_proxy_and_for_its_name_alone(behind):
    async with behind.client(peer="10.0.0.5") as client:
        answered = await client.get("/sign-in", headers=said())
        secret = re.match("interlock_session=([^;]+)", cookie_of(answered))[1]
        assert (await client.get("/x", headers=said())).status_code == 200
        assert (await client.get("/x", headers=said("group:x"))).status_code == 303
        assert (await client.get("/x", headers=said("bob"))).status_code == 303
        assert (await client.get("/x", headers=HTML)).status_code == 303
        assert (await client.get("/x", headers=said(groups="admins"))).status_code == 303
        assert (await client.get("/api/v1/x", headers=said())).status_code == 200
        for other in (said("bob"), HTML, said(groups="admins")):
            refused = await client.get("/api/v1/x", headers=other)
            assert (refused.status_code, refused.json()["status"]) == (401, 401)
        assert (await client.get("/api/v1/runs", headers=said())).status_code == 200
    async with behind.client() as client:
        client.cookies.set("interlock_session", secret)
        assert (await client.get("/x", headers=said())).status_code == 303
        assert (await client.get("/api/v1/runs", headers=said())).status_code == 401


async def test_other_groups_are_brought_level_in_sessions_that_are_open(behind):
    async with behind.client(peer="10.0.0.5") as client:
        await client.get("/sign-in", headers=said(groups="admins"))
        assert operators.get_operator(behind.app, "ann").role is Role.ADMIN
        answered = await client.get("/x", headers=said(groups="finance"))
        await client.get(answered.headers["location"], headers=said(groups="finance"))
        assert operators.get_operator(behind.app, "ann").role is Role.VIEWER
        assert (await client.get("/x", headers=said(groups="finance"))).status_code == 200
    assert len(signing_in.list_sessions(behind.app)) == 1


async def test_signed_out_one_stays_until_one_comes_again(behind):
    async with behind.client(peer="10.0.0.5") as client:
        await client.get("/sign-in", headers=said("bob"))
        assert operators.get_operator(behind.app, "bob").role is Role.OPERATOR
        answered = await client.post("/sign-out", headers=said("bob") | {"origin": HERE})
        answered = await client.get(answered.headers["location"], headers=said("bob"))
        assert "Sign in as bob" in answered.text
        assert (await client.post("/sign-in", headers={"origin": HERE})).status_code == 303


async def test_a_closed_account_is_not_let_in_by_the_proxy(behind):
    async with behind.client(peer="10.0.0.5") as client:
        await client.get("/sign-in", headers=said())
        operators.change(behind.app, "ann", Change(is_active=False), actor="root")
        deps.forget_all()
        answered = await client.get("/sign-in", headers=said())
        assert answered.status_code == 403
        assert "closed" in answered.text
