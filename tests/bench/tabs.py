"""
A hundred open browsers, as the server sees them: each a session of Streamlit that has drawn the inbox and
holds its socket, and a live socket beside it.

No browser draws here; what the server does for one is the same.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import live
import psutil
import serving
import websockets
from load import house
from measuring import Row, percentile
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from interlock.core.services import launching, observing
from interlock.core.services.context import App
from interlock.core.services.launching import Launch

TABS = 100
AT_ONCE = 5  # that open the page in the same moment
CARDS = 20
EVENTS = 10
DRAW_S = 120.0
DEADLINE_S = 120.0


def measure(folder: Path) -> Iterator[Row]:
    """From opening them all to what they cost at rest, and how soon an event is with all of them."""
    with house.standing(folder) as standing:
        _ask(standing.app)
        web = psutil.Process(standing.processes[0].pid)
        yield from asyncio.run(_measure(standing.url, web, standing.app))


def _ask(app: App) -> None:
    request = Launch(workflow="hold", input=serving.INPUT)
    for _ in range(CARDS):
        launching.launch(app, request, actor="bench")
    deadline = time.monotonic() + DEADLINE_S
    while len(observing.list_inbox(app, limit=CARDS)) < CARDS:
        if time.monotonic() > deadline:
            raise TimeoutError("The worker did not get through its runs.")
        time.sleep(serving.LOOK_S)


async def _measure(url: str, web: psutil.Process, app: App) -> list[Row]:
    gate = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:
        await _open(stack, url, gate)  # the first one builds what all others use
        before, begun = web.memory_info().rss, time.perf_counter()
        drawn = await asyncio.gather(*(_open(stack, url, gate) for _ in range(TABS)))
        opened_s, grown = time.perf_counter() - begun, web.memory_info().rss - before
        sockets = [await _listen(stack, url) for _ in range(TABS)]
        web.cpu_percent()
        await asyncio.sleep(live.IDLE_S)
        share = web.cpu_percent() / 100
        spent = [await live._time_event(sockets, app) for _ in range(EVENTS)]
    p95 = percentile(spent, 0.95)
    return [
        Row(
            f"{TABS} browsers open the inbox, {AT_ONCE} in one moment",
            f"p50 {percentile(drawn, 0.5):.2f} s, p95 {percentile(drawn, 0.95):.2f} s each,"
            f" {opened_s:.0f} s for all, {grown / 1e6 / TABS:.2f} MB each",
            "all are drawn",
            len(drawn) == TABS,
        ),
        Row(
            f"{TABS} open browsers, idle: the web process",
            f"{share:.1%} of a core",
            "<= 10 %",
            share <= 0.1,
        ),
        Row(
            f"{TABS} open browsers: an event's head reaches all",
            f"p95 {p95 * 1000:.0f} ms (n = {len(spent)})",
            "<= 1 s",
            p95 <= 1,
        ),
    ]


async def _open(stack: AsyncExitStack, url: str, gate: asyncio.Semaphore) -> float:
    """Open the page in a session of its own, which stays; the seconds until it was drawn."""
    async with gate:
        begun = time.perf_counter()
        address = url.replace("http://", "ws://", 1) + "/_stcore/stream"
        socket = await stack.enter_async_context(
            websockets.connect(
                address,
                origin=url,  # type: ignore[arg-type]
                subprotocols=["streamlit"],  # type: ignore[list-item]
                max_size=None,
            )
        )
        wanted = BackMsg()
        wanted.rerun_script.page_name = "inbox"
        await socket.send(wanted.SerializeToString())
        async with asyncio.timeout(DRAW_S):
            while True:
                message = ForwardMsg()
                message.ParseFromString(await socket.recv())
                assert message.delta.new_element.WhichOneof("type") != "exception", message
                if message.WhichOneof("type") == "script_finished":
                    break
        stack.push_async_callback(_drain(socket))
        return time.perf_counter() - begun


def _drain(socket: websockets.ClientConnection):  # type: ignore[no-untyped-def]
    """Go on reading, as a browser does; stopped with the stack."""

    async def read() -> None:
        async for _ in socket:
            pass

    task = asyncio.create_task(read())

    async def stop() -> None:
        task.cancel()

    return stop


async def _listen(stack: AsyncExitStack, url: str) -> websockets.ClientConnection:
    address = url.replace("http://", "ws://", 1) + "/live"
    socket = await stack.enter_async_context(websockets.connect(address, origin=url))  # type: ignore[arg-type]
    await socket.send(json.dumps({"topics": ["inbox"]}))
    await socket.recv()
    return socket
