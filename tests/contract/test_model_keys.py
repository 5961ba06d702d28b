"""Keys used in turn by real httpx clients against a real server, told on both databases."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from interlock.core.graphs.model_keys import CLIENTS
from interlock.core.model.policies import ModelRules, Policies
from interlock.core.queue.local import LocalQueue
from interlock.core.services import limiting
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.worker.model_keys import Keys, open_keys


class Provider(ThreadingHTTPServer):
    """Keeps which keys it was sent; those that are used up it refuses."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.seen: list[tuple[str, str]] = []
        self.used_up: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Answer(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        key = self.headers.get("authorization", "").removeprefix("Bearer ")
        self.server.seen.append((key, body))
        is_refused = key in self.server.used_up
        self.send_response(429 if is_refused else 200)
        if is_refused:
            self.send_header("Retry-After", "30")
        self.send_header("x-ratelimit-remaining-requests", str(100 - len(self.server.seen)))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def app(engine, frozen) -> App:
    return App(Settings(), engine, LocalQueue(), frozen)


@pytest.fixture
def keys(app, monkeypatch) -> Iterator[Keys]:
    monkeypatch.setenv("KEY_A", "sk-a")
    monkeypatch.setenv("KEY_B", "sk-b")
    monkeypatch.delenv("KEY_C", raising=False)
    rules = ModelRules(keys=("KEY_A", "KEY_B", "KEY_C"))
    found = open_keys(app, Policies(models={"gpt": rules}))
    assert found is not None
    yield found
    found.stop()


def post(provider, key="sk-a", **content) -> int:
    content = content or {"content": b"hi"}
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(provider.url, headers=headers, **content).status_code


async def post_async(provider) -> int:
    async with httpx.AsyncClient() as client:
        headers = {"Authorization": "Bearer sk-a"}
        return (await client.post(provider.url, headers=headers, content=b"hi")).status_code


@pytest.mark.parametrize("is_async", [False, True])
def test_keys_take_turns_and_one_that_is_used_up_is_moved_on_from(
    app, provider, keys, frozen, is_async
):
    def send() -> int:
        return asyncio.run(post_async(provider)) if is_async else post(provider)

    assert [send(), send()] == [200, 200]
    assert provider.seen == [("sk-a", "hi"), ("sk-b", "hi")]
    provider.used_up.add("sk-a")
    provider.seen.clear()
    assert [send(), send()] == [200, 200]
    assert [key for key, _ in provider.seen] == ["sk-a", "sk-b", "sk-b"]
    provider.used_up.add("sk-b")
    assert send() == 429  # all are
    keys.stop()
    first, second = limiting.list_keys(app)
    assert (first.variable, first.blocked_until) == ("KEY_A", second.blocked_until)
    assert first.quota == {"requests": {"left": 99, "of": None}}


def test_a_worker_that_starts_knows_which_keys_rest(app, provider, keys, frozen):
    provider.used_up.add("sk-a")
    post(provider)
    keys.stop()
    again = open_keys(app, Policies(models={"gpt": ModelRules(keys=("KEY_A", "KEY_B"))}))
    provider.seen.clear()
    post(provider)
    frozen.advance(seconds=31)
    post(provider)
    assert [key for key, _ in provider.seen] == ["sk-b", "sk-a", "sk-b"]
    again.stop()


def test_what_is_not_ours_is_left_alone(provider, keys):
    assert post(provider, key="sk-x") == 200
    assert httpx.post(provider.url, content=b"").status_code == 200
    assert [key for key, _ in provider.seen] == ["sk-x", ""]
    provider.used_up.add("sk-a")
    assert post(provider, content=iter([b"once"])) == 429  # its body is gone
    assert "httpx" in CLIENTS


def test_without_keys_nothing_is_put_in_place(app, monkeypatch):
    monkeypatch.delenv("KEY_C", raising=False)
    before = httpx.Client.send
    assert open_keys(app, Policies(models={"gpt": ModelRules(keys=("KEY_C",))})) is None
    assert open_keys(app, Policies()) is None
    assert httpx.Client.send is before
