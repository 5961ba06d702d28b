"""Fifty open inboxes: what they cost while nothing happens, and how soon an event's head is there."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import psutil
import serving
import websockets
from browser import started
from measuring import Row, percentile

from interlock.core.bootstrap import build_app
from interlock.core.services import launching
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings

SOCKETS = 50
IDLE_S = 20.0
EVENTS = 20
WAIT_S = 10.0


def measure(folder: Path) -> list[Row]:
    """Idle share of a core of the web process, and seconds until every socket has a new head."""
    with started(folder) as (url, parent):
        app = build_app(Settings(data_dir=folder, config=serving.PROJECT))
        web = next(c for c in parent.children() if "web" in c.cmdline())
        share, spent = asyncio.run(_measure(url, web, app))
    p95 = percentile(spent, 0.95)
    return [
        Row(
            "50 open inboxes, idle: the web process",
            f"{share:.1%} of a core",
            "<= 5 %",
            share <= 0.05,
        ),
        Row(
            "50 open inboxes: an event's head reaches all",
            f"p95 {p95 * 1000:.0f} ms (n = {len(spent)})",
            "<= 1 s",
            p95 <= 1,
        ),
    ]


async def _measure(url: str, web: psutil.Process, app: App) -> tuple[float, list[float]]:
    address = url.replace("http://", "ws://", 1) + "/live"
    sockets = [await websockets.connect(address, origin=url) for _ in range(SOCKETS)]  # type: ignore[arg-type]
    try:
        for socket in sockets:
            await socket.send(json.dumps({"topics": ["inbox"]}))
        for socket in sockets:
            await socket.recv()
        web.cpu_percent()
        await asyncio.sleep(IDLE_S)
        share = web.cpu_percent() / 100
        spent = [await _time_event(sockets, app) for _ in range(EVENTS)]
    finally:
        for socket in sockets:
            await socket.close()
    return share, spent


async def _time_event(sockets: list[websockets.ClientConnection], app: App) -> float:
    """From a launch whose card moves the inbox to the last socket that hears of it, card included."""
    request = Launch(workflow="hold", input=serving.INPUT)
    heard = [asyncio.create_task(_hear(s)) for s in sockets]
    begun = time.perf_counter()
    await asyncio.to_thread(launching.launch, app, request, actor="bench")
    await asyncio.gather(*heard)
    return time.perf_counter() - begun


async def _hear(socket: websockets.ClientConnection) -> None:
    """Wait for a head that is newer than the last this socket was told."""
    known = getattr(socket, "known_head", None)
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), WAIT_S))
        head = message["heads"].get("inbox")
        if head is not None and head != known:
            socket.known_head = head  # type: ignore[attr-defined]
            return
