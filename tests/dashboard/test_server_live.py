"""The live socket tells a screen within a moment that something changed, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from interlock.core.services import observing
from interlock.core.services.context import App
from interlock.core.types import new_id


@asynccontextmanager
async def listening(web: Any, *topics: str) -> AsyncIterator[ClientConnection]:
    url = f"ws://{urlsplit(web.url).netloc}/live"
    async with connect(url, origin=web.url) as socket:
        await socket.send(json.dumps({"topics": list(topics)}))
        yield socket


async def next_heads(socket: ClientConnection, timeout_s: float = 5.0) -> dict[str, int]:
    message = await asyncio.wait_for(socket.recv(), timeout_s)
    heads: dict[str, int] = json.loads(message)["heads"]
    return heads


async def hear(screen: ClientConnection, inbox_head: int) -> None:
    """Listen until the inbox has come so far."""
    heads: dict[str, int] = {}
    while heads.get("inbox") != inbox_head:
        heads = await next_heads(screen)


async def test_a_new_card_reaches_every_screen_within_a_second(
    web: Any, served_app: App, make_seed: Callable[..., Any]
) -> None:
    seed = make_seed(served_app)
    seed.card()
    known = observing.heads(served_app)["inbox"]
    async with listening(web, "inbox") as one, listening(web, "inbox", "runs") as other:
        for screen in (one, other):
            await hear(screen, known)

        await asyncio.to_thread(seed.card)
        async with asyncio.timeout(1.0):
            for screen in (one, other):
                await hear(screen, known + 1)


async def test_a_screen_hears_only_of_what_it_asked_for(
    web: Any, served_app: App, make_seed: Callable[..., Any]
) -> None:
    seed = make_seed(served_app)
    run = seed.run()
    async with listening(web, "workflows", f"run:{run.run_id}") as socket:
        await next_heads(socket)

        await asyncio.to_thread(seed.card)
        await asyncio.to_thread(seed.workflow)
        news = await next_heads(socket)

    assert set(news) == {"workflows"}


async def test_a_run_can_be_followed_from_the_first_message(
    web: Any, served_app: App, make_seed: Callable[..., Any]
) -> None:
    run = make_seed(served_app).run()
    async with listening(web, "inbox") as socket:
        await socket.send(json.dumps({"topics": [f"run:{run.run_id}"]}))
        heads: dict[str, int] = {}
        while f"run:{run.run_id}" not in heads:
            heads = await next_heads(socket)


async def test_a_run_that_does_not_exist_is_no_error(web: Any) -> None:
    async with listening(web, f"run:{new_id()}", "workers") as socket:
        assert "workers" in await next_heads(socket)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "no json",
        "[]",
        "null",
        '{"topics": "inbox"}',
        '{"topics": ["audit"]}',
        '{"topics": ["run:"]}',
        '{"topics": ["run:a b"]}',
        '{"topics": [1]}',
        json.dumps({"topics": ["inbox"] * 100}),
        json.dumps({"topics": ["run:" + "x" * 20_000]}),
        "[" * 10_000,
        b'{"topics": ["inbox"]}',
    ],
)
async def test_nonsense_ends_the_socket_and_nothing_else(web: Any, message: str | bytes) -> None:
    url = f"ws://{urlsplit(web.url).netloc}/live"
    async with connect(url, origin=web.url) as socket:
        await socket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008

    async with listening(web, "workers") as other:
        assert await next_heads(other)
