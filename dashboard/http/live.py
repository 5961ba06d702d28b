"""
The live socket: a screen names its topics and is told their heads, never any data.

`{"topics": ["inbox", "run:…"]}` in, `{"heads": {"inbox": 17}, "server": "…"}` out; `server` changes with
a restart. Who may connect is checked around it; who has signed out since is told to go.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from interlock.core.errors import StoreUnavailable
from interlock.core.types import new_id
from interlock.dashboard import deps
from interlock.dashboard.http import broadcasting
from interlock.dashboard.http.broadcasting import Broadcaster, Subscription
from interlock.dashboard.http.heads import PEOPLE, is_topic
from interlock.dashboard.http.sign_in import knowing

PATH = "/live"
KEEPALIVE_S = 15.0  # heads are said again, which also heals a screen that missed one
_GAP_S = 0.05  # between two messages to one screen
_MAX_TOPICS = 64
_MAX_MESSAGE_CHARS = 16_384
_MAX_SOCKETS = 2000
_GUARD_S = 1.0  # how often it is looked whether anything has changed about people
_EXPIRY_S = 30.0  # and whether a session has run out, which changes nothing

_SERVER = new_id()
_POLICY_VIOLATION = 1008
_TRY_AGAIN_LATER = 1013


async def serve(websocket: WebSocket) -> None:
    """Serve one screen until it leaves, asks for nonsense, or nobody watches the database."""
    await websocket.accept()
    broadcaster = broadcasting.current()
    if broadcaster is None or not broadcaster.is_watching or broadcaster.count >= _MAX_SOCKETS:
        await websocket.close(_TRY_AGAIN_LATER)
        return
    with broadcaster.subscribe() as subscription:
        subscription.person = await _find_name(websocket)
        beside = [asyncio.create_task(_send(websocket, subscription))]
        if deps.process_app().settings.sign_in != "none":
            beside.append(asyncio.create_task(_guard(websocket, broadcaster)))
        try:
            await _listen(websocket, broadcaster, subscription)
        finally:
            for task in beside:
                task.cancel()
                with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                    await task


async def _find_name(websocket: WebSocket) -> str:
    """Whose screen it is; empty if nobody knows."""
    settings = deps.process_app().settings
    if settings.sign_in == "none":
        return settings.operator
    try:
        person = await knowing.find_person(websocket.scope)
    except StoreUnavailable:
        return ""
    return "" if person is None else person.name


async def _listen(
    websocket: WebSocket, broadcaster: Broadcaster, subscription: Subscription
) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            topics = _read_topics(message.get("text") or "")  # a frame of bytes has none
            if topics is None:
                await websocket.close(_POLICY_VIOLATION)
                return
            broadcaster.follow(subscription, topics)


async def _send(websocket: WebSocket, subscription: Subscription) -> None:
    while True:
        heads = await subscription.take(KEEPALIVE_S)
        if subscription.is_lost:
            await websocket.close(_TRY_AGAIN_LATER)
            return
        await websocket.send_json({"heads": heads or subscription.again(), "server": _SERVER})
        await asyncio.sleep(_GAP_S)


async def _guard(websocket: WebSocket, broadcaster: Broadcaster) -> None:
    """Close the socket once its session has ended."""
    seen, looked_at = broadcaster.heads({PEOPLE}), time.monotonic()
    while True:
        await asyncio.sleep(_GUARD_S)
        heads = broadcaster.heads({PEOPLE})
        if heads == seen and time.monotonic() - looked_at < _EXPIRY_S:
            continue
        try:
            is_known = await knowing.find_person(websocket.scope) is not None
        except StoreUnavailable:
            continue
        seen, looked_at = heads, time.monotonic()
        if not is_known:
            await websocket.close(_POLICY_VIOLATION)
            return


def _read_topics(message: str) -> frozenset[str] | None:
    if len(message) > _MAX_MESSAGE_CHARS:
        return None
    try:
        asked = json.loads(message)
    except (ValueError, RecursionError):
        return None
    topics = asked.get("topics") if isinstance(asked, dict) else None
    if not isinstance(topics, list) or len(topics) > _MAX_TOPICS:
        return None
    return frozenset(topics) if all(is_topic(topic) for topic in topics) else None
