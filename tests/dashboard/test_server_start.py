"""The web process starts where it may, says clearly where it may not, and stops when told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect

from interlock.core.errors import InterlockError, InvalidInput
from interlock.core.settings import Settings
from interlock.dashboard import server


def test_port_0_takes_a_free_port_and_says_which(start_web: Callable[..., Any]) -> None:
    web = start_web(port=0)

    assert httpx.get(f"{web.url}/healthz").json()["status"] == "ok"


IMPORTED_FOR_A_PAGE = """
import sys
from interlock.dashboard import server
server.import_components()
before = set(sys.modules)
from interlock.dashboard.app_pages import inbox_beside, inbox_cards, launch_chat, launch_file, run_tabs
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new - {"interlock"}), "pandas" in before)
"""


def test_what_pages_import_is_there_before_the_first_of_them() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", IMPORTED_FOR_A_PAGE],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[] True"


def test_a_signal_ends_it_with_0(start_web: Callable[..., Any]) -> None:
    web = start_web()
    httpx.get(f"{web.url}/healthz")

    web.process.send_signal(signal.SIGTERM)

    assert web.wait(10) == 0, web.output


async def test_what_the_server_says_goes_through_our_log(start_web: Callable[..., Any]) -> None:
    web = start_web()
    async with connect(f"ws://{urlsplit(web.url).netloc}/live", origin=web.url) as socket:
        await socket.send(json.dumps({"topics": ["workers"]}))
        await socket.recv()
    web.process.send_signal(signal.SIGTERM)
    web.wait(10)

    assert web.output == f"Interlock is at {web.url}\n"


def test_under_a_parent_it_leaves_the_address_to_it(start_web: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    web = start_web(port=port, INTERLOCK_PARENT_PID=str(os.getpid()))
    with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
        assert client.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    web.process.send_signal(signal.SIGTERM)

    assert web.wait() == 0
    assert web.output == ""


def test_a_port_in_use_is_one_clear_sentence(start_web: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        web = start_web(port=port)

        assert web.wait() == 1
    assert f"Port {port} on 127.0.0.1 is in use." in web.output
    assert "Traceback" not in web.output


def test_it_does_not_listen_beyond_this_machine_by_itself(start_web: Callable[..., Any]) -> None:
    web = start_web(INTERLOCK_HOST="0.0.0.0")

    assert web.wait() == 1
    assert "INTERLOCK_ALLOW_REMOTE=true" in web.output
    assert "Traceback" not in web.output


def test_it_listens_beyond_this_machine_when_told_to(start_web: Callable[..., Any]) -> None:
    web = start_web(INTERLOCK_HOST="0.0.0.0", INTERLOCK_ALLOW_REMOTE="true")

    assert httpx.get(f"{web.url}/healthz").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "127.0.0.1.example"])
def test_every_other_address_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput, match="host"):
        server.refuse_open_door(Settings(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_is_never_refused(host: str) -> None:
    server.refuse_open_door(Settings(host=host))


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(InterlockError, match=r"192\.0\.2\.1"):
        server.listen("192.0.2.1", 0)


def test_the_url_names_the_port_that_was_taken() -> None:
    with server.listen("127.0.0.1", 0) as listener:
        url = server.url_of(Settings(port=0), listener)

        assert f"http://127.0.0.1:{listener.getsockname()[1]}" == url
