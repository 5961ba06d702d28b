"""Nothing gets past the guard: hosts, origins of sockets, closed paths, headers on every answer."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from interlock.core.settings import Settings
from interlock.dashboard.http.guarding import Hosts, read_host
from interlock.dashboard.http.policy import content_security_policy, inline_script_hashes

PATHS = [
    "/",
    "/inbox?approval_id=x",
    "/healthz",
    "/metrics",
    "/readyz",
    "/_stcore/health",
    "/nowhere.js",
]
SOCKETS = ["/live", "/_stcore/stream"]


def netloc(web: Any) -> str:
    return urlsplit(web.url).netloc


# Hosts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_host_gets_no_page(web: Any, path: str) -> None:
    answer = httpx.get(web.url + path, headers={"host": "rebound.example"})

    assert answer.status_code == 421
    assert "INTERLOCK_ALLOWED_HOSTS" in answer.text


@pytest.mark.parametrize("path", PATHS[:3])
def test_localhost_is_answered(web: Any, path: str) -> None:
    port = urlsplit(web.url).port

    answer = httpx.get(web.url + path, headers={"host": f"localhost:{port}"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("127.0.0.1:8501", "127.0.0.1"),
        ("LOCALHOST", "localhost"),
        ("localhost.", "localhost"),
        ("[::1]:8501", "::1"),
        ("control.example.com", "control.example.com"),
        ("evil.example@localhost", None),
        ("localhost/", None),
        ("localhost, evil.example", None),
        ("localhost:x", None),
        ("localhost:99999", None),
        ("[::1", None),
        ("", None),
        (None, None),
    ],
)
def test_host_headers_are_read_strictly(header: str | None, name: str | None) -> None:
    assert read_host(header) == name


def test_only_named_hosts_are_answered_on_loopback() -> None:
    hosts = Hosts(Settings(allowed_hosts=("Control.Example.com",)))

    assert hosts.allows("control.example.com")
    assert hosts.allows("127.0.0.1")
    assert not hosts.allows("192.0.2.1")
    assert not hosts.allows("example.com")
    assert not hosts.allows(None)


def test_listening_beyond_it_answers_to_addresses_but_not_to_any_name() -> None:
    hosts = Hosts(Settings(host="0.0.0.0", allow_remote=True))

    assert hosts.allows("192.0.2.1")
    assert not hosts.allows("rebound.example")


# Origins ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://localhost:3000",
        "http://127.0.0.1",
        "file://",
        "http://127.0.0.1:1@evil.example",
    ],
)
async def test_a_socket_from_elsewhere_is_refused(web: Any, path: str, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://{netloc(web)}{path}", origin=origin):  # type: ignore[arg-type]
            pass

    assert refused.value.response.status_code == 403


async def test_the_page_itself_may_open_the_live_socket(web: Any) -> None:
    async with connect(f"ws://{netloc(web)}/live", origin=web.url) as socket:
        await socket.send(json.dumps({"topics": ["workers"]}))

        assert json.loads(await socket.recv())["heads"] == {"workers": 0}


async def test_the_page_itself_may_open_streamlits_socket(web: Any) -> None:
    async with connect(
        f"ws://{netloc(web)}/_stcore/stream", origin=web.url, subprotocols=["streamlit"]
    ) as socket:
        assert socket.subprotocol == "streamlit"


@pytest.mark.parametrize("path", SOCKETS)
def test_a_socket_for_a_foreign_host_is_refused(web: Any, path: str) -> None:
    handshake = {
        "host": "rebound.example",
        "origin": "http://rebound.example",
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": base64.b64encode(b"0123456789abcdef").decode(),
    }

    assert httpx.get(web.url + path, headers=handshake).status_code == 403


@pytest.mark.parametrize(
    ("origin", "host", "is_allowed"),
    [
        ("https://control.example.com", "control.example.com", True),
        ("https://control.example.com", "127.0.0.1:8501", True),
        ("https://control.example.com:443", "control.example.com", True),
        ("http://127.0.0.1:8501", "127.0.0.1:8501", True),
        ("http://127.0.0.1:9000", "127.0.0.1:8501", False),
        ("http://localhost:8501", "127.0.0.1:8501", False),
        ("https://example.com", "127.0.0.1:8501", False),
        ("ftp://127.0.0.1:8501", "127.0.0.1:8501", False),
        ("https://control.example.com@evil.example", "127.0.0.1:8501", False),
        ("", "127.0.0.1:8501", False),
        ("http://[::1", "127.0.0.1:8501", False),
    ],
)
def test_an_origin_is_the_host_itself_or_was_named(
    origin: str, host: str, is_allowed: bool
) -> None:
    hosts = Hosts(Settings(allowed_hosts=("control.example.com",)))

    assert hosts.allows_origin(origin, host) is is_allowed


def test_another_program_of_the_same_host_is_another_origin() -> None:
    hosts = Hosts(Settings(host="192.0.2.7", allow_remote=True))

    assert hosts.allows_origin("http://192.0.2.7:8501", "192.0.2.7:8501")
    assert not hosts.allows_origin("http://192.0.2.7:9000", "192.0.2.7:8501")


# Closed paths and headers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/metrics",
        "/_stcore/agent/interact",
        "/_stcore/agent/openapi.json",
        "/_stcore/agent/mcp",
        "/_stcore/%6detrics",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_no_page_of_ours_is_closed(web: Any, path: str, method: str) -> None:
    assert httpx.request(method, web.url + path).status_code == 404


def test_the_first_page_is_found_by_its_name_too(web: Any) -> None:
    answer = httpx.get(f"{web.url}/overview", follow_redirects=True)

    assert (answer.status_code, answer.url.path) == (200, "/")


@pytest.mark.parametrize("path", [*PATHS, "/_stcore/metrics", "/app/static/mark.svg"])
def test_every_answer_carries_the_headers(web: Any, path: str) -> None:
    headers = httpx.get(web.url + path).headers

    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_the_policy_lets_the_pages_own_script_run_and_no_other(web: Any) -> None:
    answer = httpx.get(web.url)
    scripts = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    policy = answer.headers["content-security-policy"]

    assert len(scripts) >= 1
    for digest in hashes:
        assert f"'sha256-{digest}'" in policy
    assert "'unsafe-inline'" not in policy.split("style-src")[0]
    assert "http:" not in policy
    assert "https:" not in policy


def test_a_release_without_inline_scripts_needs_no_hash() -> None:
    page = '<script type="module" src="./index.js"></script>'

    assert inline_script_hashes(page) == ()
    assert "sha256" not in content_security_policy(())


def test_no_other_site_may_steer_a_page_by_messages(web: Any) -> None:
    assert httpx.get(f"{web.url}/_stcore/host-config").json()["allowedOrigins"] == []
