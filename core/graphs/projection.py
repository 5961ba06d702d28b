"""
Show any value of a state as JSON: for screens and records, never to be read back into a graph.

Never raises, always ends, and keeps to a size: what is left out is marked {"__cut__": …}.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import math
import re
from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, SecretBytes, SecretStr

from interlock.core.model.json_values import HIGHEST_INTEGER, LOWEST_INTEGER
from interlock.core.types import Json

MAX_DEPTH = 50  # deeper than any form or tree is drawn
MAX_TEXT_SHARE = 0.5  # of what is left: one long text must not hide everything after it
MAX_PLAIN_KEY = 200  # characters
LONG_BASE64 = 1000  # characters; shorter ones are texts like any other
HIDDEN = "***"
_OVERHEAD_BYTES = 4  # quotes, comma, colon
_HIDDEN_FIELDS = (
    "password|passwd|passphrase|secret|token|api[_-]?key|apikey|authorization|credentials?|"
    "private[_-]?key|access[_-]?key|cookie|session[_-]?id|bearer"
)
_HIDDEN_KEY = re.compile(rf"(?:^|[_\-. ])(?:{_HIDDEN_FIELDS})s?$", re.IGNORECASE)
_HARMLESS_KEY = re.compile(
    r"(?:^|[_\-. ])(?:max|total|prompt|completion|input|output)_tokens$", re.IGNORECASE
)
_BASE64 = re.compile(r"(?:data:[\w/+.-]+;base64,)?[A-Za-z0-9+/_-]+={0,2}", re.ASCII)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class _Budget:
    """How many bytes may still be used, and which objects are being shown (for cycles)."""

    def __init__(self, max_bytes: int, max_media_bytes: int = 0) -> None:
        self.left = max_bytes
        self.media_left = max_media_bytes
        self.open: set[int] = set()

    def take(self, size: int) -> bool:
        self.left -= size
        return self.left >= 0


def to_json(value: Any, *, max_bytes: int, max_media_bytes: int = 0) -> Json:
    """
    Make JSON of any value.

    Args:
        value: Anything a state can hold, and what it cannot: cycles, NaN, broken objects.
        max_bytes: About how large the JSON text may become; beyond it parts are cut and marked.
        max_media_bytes: How large texts in base64 may be together, which do not count as the others:
            half a picture shows nothing.
    """
    return _project(value, _Budget(max_bytes, max_media_bytes), 0)


def mask(value: Json) -> Json:
    """The same JSON with what stands under a key that names a secret replaced by `***`."""
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if item not in (None, "") and is_secret_key(key) else mask(item)
            for key, item in value.items()
        }
    return [mask(item) for item in value] if isinstance(value, list) else value


def is_secret_key(key: object) -> bool:
    """Whether a field of this name holds something that must not be shown or recorded."""
    words = _CAMEL.sub("_", str(key))
    return bool(_HIDDEN_KEY.search(words)) and not _HARMLESS_KEY.search(words)


def _project(value: Any, budget: _Budget, depth: int) -> Json:
    if value is None or isinstance(value, bool):
        return value if budget.take(5) else _cut("no room left")
    if isinstance(value, Enum):
        return _project(value.value, budget, depth)
    if isinstance(value, int):
        return _project_int(value, budget)
    if isinstance(value, float):
        budget.take(12)
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, str):
        return _project_text(str(value), budget)
    if budget.left <= 0:
        return _cut("no room left", type=_name(value))
    if depth >= MAX_DEPTH:
        return _cut("too deep", type=_name(value))
    if id(value) in budget.open:
        return _cut("it holds itself", type=_name(value))
    budget.open.add(id(value))
    try:
        if type(value) is dict:  # nearly all there is; the questions below take their time
            return _project_fields(value.items(), budget, depth)
        if type(value) is list:
            return _project_items(value, len(value), budget, depth)
        return _project_object(value, budget, depth)
    except Exception as exc:  # noqa: BLE001 - a property or a __repr__ of the user's may raise
        return _cut(f"it could not be read ({type(exc).__name__})", type=_name(value))
    finally:
        budget.open.discard(id(value))


def _project_int(value: int, budget: _Budget) -> Json:
    budget.take(12)
    # Exact, for an answer may hold it again; whoever draws it sees to what a browser can show.
    if LOWEST_INTEGER <= value <= HIGHEST_INTEGER:
        return int(value)
    return str(value) if abs(value).bit_length() < 10_000 else _cut("too many digits", type="int")


def _project_text(text: str, budget: _Budget) -> Json:
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    size = len(text) + _OVERHEAD_BYTES
    if LONG_BASE64 < size <= budget.media_left and _BASE64.fullmatch(text):
        budget.media_left -= size
        return text
    if size <= budget.left * MAX_TEXT_SHARE or size <= 200 <= budget.left:
        budget.take(size)
        return text
    kept = text[: max(int(budget.left * MAX_TEXT_SHARE), 0)]
    budget.take(len(kept) + 60)
    return _cut("long text", text=kept, characters=len(text))


def _project_object(value: Any, budget: _Budget, depth: int) -> Json:
    if isinstance(value, BaseMessage):
        return _project_fields(_message_fields(value), budget, depth)
    if isinstance(value, (SecretStr, SecretBytes)):
        return HIDDEN
    if isinstance(value, Mapping):
        return _project_fields(value.items(), budget, depth)
    if isinstance(value, BaseModel):
        fields = {**vars(value), **(value.__pydantic_extra__ or {})}
        return _project_fields(fields.items(), budget, depth)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return _project_fields(zip(value._fields, value, strict=False), budget, depth)
    if isinstance(value, (set, frozenset)):
        return _project_items(sorted(value, key=repr), len(value), budget, depth)
    if isinstance(value, (list, tuple, deque)):
        return _project_items(value, len(value), budget, depth)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value))
        return _project_fields(pairs, budget, depth)
    return _project_leaf(value, budget, depth)


def _project_leaf(value: Any, budget: _Budget, depth: int) -> Json:
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return _project_text(value.isoformat(), budget)
    if isinstance(value, dt.timedelta):
        return _project(value.total_seconds(), budget, depth)
    if isinstance(value, (Decimal, UUID, PurePath)):
        return _project_text(str(value), budget)
    if isinstance(value, (bytes, bytearray, memoryview)):
        budget.take(60)
        return {"__bytes__": len(value), "start": base64.b64encode(bytes(value[:24])).decode()}
    if isinstance(value, BaseException):
        return _project_text(f"{type(value).__name__}: {value}", budget)
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # numpy, without importing it
        return _project(_read_array(value), budget, depth + 1)
    return _cut("not data", type=_name(value), text=repr(value)[:200])


def _read_array(value: Any) -> Any:
    if getattr(value, "size", 0) > 10_000:
        return {"__cut__": "large array", "shape": list(value.shape), "dtype": str(value.dtype)}
    return value.tolist()


def _project_fields(pairs: Iterable[tuple[Any, Any]], budget: _Budget, depth: int) -> Json:
    result: dict[str, Json] = {}
    pairs = list(pairs)
    for index, (key, item) in enumerate(pairs):
        name = _key(key)
        if not budget.take(len(name) + _OVERHEAD_BYTES):
            result["__cut__"] = f"{len(pairs) - index} more fields"
            return result
        result[name] = _project(item, budget, depth + 1)
    return result


def _project_items(items: Iterable[Any], count: int, budget: _Budget, depth: int) -> Json:
    result: list[Json] = []
    for item in items:
        if not budget.take(1):
            result.append(_cut(f"{count - len(result)} more items"))
            return result
        result.append(_project(item, budget, depth + 1))
    return result


def _key(key: Any) -> str:
    if type(key) is str and len(key) <= MAX_PLAIN_KEY and key.isascii() and "\x00" not in key:
        return key
    text = key.value if isinstance(key, Enum) else key
    return str(_project_text(str(text), _Budget(2000)))


def _message_fields(message: BaseMessage) -> Iterable[tuple[str, Any]]:
    yield "type", message.type
    yield "content", message.content
    for name in ("id", "name"):
        yield name, getattr(message, name, None)
    for name in (
        "tool_calls",
        "invalid_tool_calls",
        "tool_call_id",
        "status",
        "artifact",
        "usage_metadata",
        "additional_kwargs",
        "response_metadata",
    ):
        item = getattr(message, name, None)
        if item:
            yield name, item


def _cut(reason: str, **details: Any) -> dict[str, Json]:
    return {"__cut__": reason, **details}


def _name(value: Any) -> str:
    cls = type(value)
    return (
        cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    )
