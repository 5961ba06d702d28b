"""Values of a state as JSON that stays the same from run to run, as far as the values do."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import math
from collections import deque
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, SecretBytes, SecretStr

from interlock.core.types import Json

# Of a message what was said; what a provider adds (usage, finish reasons) is not what a test is about.
_MESSAGE_FIELDS = ("id", "name", "tool_calls", "invalid_tool_calls", "tool_call_id", "artifact")
_SCALARS = (str, bool, int, type(None))


def as_json(value: Any) -> Json:
    """
    Make JSON of what a state, an interrupt or an input holds.

    Sets are sorted, a message is what was said, and what is no data is told by its text.
    """
    if isinstance(value, Enum):
        return as_json(value.value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, Mapping):
        return _fields(value.items())
    if isinstance(value, BaseMessage):
        return _fields(_message_fields(value))
    if isinstance(value, BaseModel):
        return _fields({**vars(value), **(value.__pydantic_extra__ or {})}.items())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields((f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value))
    if isinstance(value, (set, frozenset)):
        return [as_json(item) for item in sorted(value, key=repr)]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return _fields(zip(value._fields, value, strict=True))
    if isinstance(value, (list, tuple, deque)):
        return [as_json(item) for item in value]
    return _leaf(value)


def _leaf(value: Any) -> Json:
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, (SecretStr, SecretBytes)):
        return "***"
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # numpy, without importing it
        return as_json(value.tolist())
    return str(value)


def _fields(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Json]:
    named = ((key.value if isinstance(key, Enum) else key, item) for key, item in pairs)
    return {str(key): as_json(item) for key, item in named}


def _message_fields(message: BaseMessage) -> Iterable[tuple[str, Any]]:
    yield "type", message.type
    yield "content", message.content
    for name in _MESSAGE_FIELDS:
        item = getattr(message, name, None)
        if item:
            yield name, item
    if getattr(message, "status", "success") != "success":
        yield "status", getattr(message, "status", None)
