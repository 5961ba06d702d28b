"""What a body has to be before anything looks at it: JSON of a bounded size, whole, and read strictly."""

from __future__ import annotations

import asyncio
import json

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive

from interlock.core.model import json_texts
from interlock.core.types import Json
from interlock.dashboard.http.api.answers import problem

MAX_BODY_BYTES = 4 * 1024 * 1024  # an answer has kilobytes
MAX_DEPTH = (
    100  # levels: far beyond any form, and what is read on the loop must not reach Python's end
)
SMALL_BYTES = 4096
READ_S = 60.0  # for all of it


async def read(headers: Headers, receive: Receive) -> bytes | Response | None:
    """The body, or why it is refused; None where whoever sent it left before all of it was there."""
    refused = _refuse(headers)
    if refused is not None:
        return refused
    try:
        async with asyncio.timeout(READ_S):
            body = await _receive(receive)
    except TimeoutError:
        return problem(408, f"The body has to come within {READ_S:g} s.")
    if body is None:
        return None
    if len(body) > MAX_BODY_BYTES:
        return _too_large()
    if body and "content-type" not in headers:
        return problem(415, "A body needs the header `content-type: application/json`.")
    fault = await _look_for_fault(body) if body else ""
    return problem(422, f"The body is not JSON: {fault}.") if fault else body


def replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, for who reads it after us."""
    is_read = False

    async def again() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _refuse(headers: Headers) -> Response | None:
    kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        return problem(415, "The body has to be application/json.")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        return problem(415, "The body has to be sent as it is, not compressed.")
    length = headers.get("content-length", "0")
    is_number = length.isascii() and length.isdigit() and len(length) < 20
    return None if is_number and int(length) <= MAX_BODY_BYTES else _too_large()


def _too_large() -> Response:
    return problem(413, f"A body has at most {MAX_BODY_BYTES} bytes.")


async def _receive(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES or not message.get("more_body", False):
            return bytes(body)


async def _look_for_fault(body: bytes) -> str:
    """What is small is read here: to hand it to a thread takes longer than to read it."""
    if len(body) <= SMALL_BYTES:
        return _find_fault(body)
    return await run_in_threadpool(_find_fault, body)


def _find_fault(body: bytes) -> str:
    try:
        found = json_texts.loads(body.decode())
    except UnicodeDecodeError:
        return "it is not UTF-8"
    except RecursionError:
        return "it is nested too deeply"
    except json_texts.DoubledKey as exc:
        return f"it names {exc.key[:100]!r} twice in one object"
    except json.JSONDecodeError as exc:
        return f"{exc.msg} (line {exc.lineno}, column {exc.colno})"
    except ValueError as exc:
        return str(exc)
    is_deep = body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_too_deep(found)
    return f"it is nested more than {MAX_DEPTH} levels deep" if is_deep else ""


def _is_too_deep(found: Json) -> bool:
    level = [found]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return False
    return True


def _inner(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return [inner for inner in value.values() if isinstance(inner, dict | list)]
    return (
        [inner for inner in value if isinstance(inner, dict | list)]
        if isinstance(value, list)
        else []
    )
