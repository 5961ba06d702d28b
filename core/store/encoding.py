"""
JSON and text as the databases can keep them: what has no JSON form is refused by key, never stored broken.

Values are stored as text in the order they came in, so that a form is drawn in the order of its schema.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from sqlalchemy.exc import DontWrapMixin

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.types import Json

_MAX_INT_BITS = 14_285  # of 4300 digits, the longest number that Python writes as text
MAX_DEPTH = 200  # levels of nesting; far below what makes the json module give up


class _UnstorableJson(DontWrapMixin, InvalidInput):
    """Raised while a statement's parameters are bound; SQLAlchemy must let it through unwrapped."""


def dump_json(value: Json) -> str:
    """
    Write a value as JSON text.

    Raises:
        InvalidInput: Something in it has no JSON form (NaN, infinity, an object, a cycle); its path is named.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(value):
            raise RecursionError("is nested too deeply")  # whoever reads it may stand deeper
    except (TypeError, ValueError, RecursionError) as exc:
        raise _UnstorableJson(
            "This value cannot be stored as JSON:", problems=[_find(value, exc)]
        ) from exc
    return text if text.isascii() or _is_utf8(text) else json.dumps(value, separators=(",", ":"))


def load_json(text: str | bytes) -> Json:
    """Read what `dump_json` wrote."""
    return json.loads(text)


def load_numbers(text: str) -> Json:
    """Read lists of numbers that `dump_json` wrote: three times as fast, and megabytes of them are read."""
    return orjson.loads(text)


def canonical_json(value: Json) -> str:
    """Write a value so that equal values give equal text, whichever database they came back from."""
    return json.dumps(json.loads(dump_json(value)), sort_keys=True, separators=(",", ":"))


def are_same(one: Json, other: Json) -> bool:
    """Whether two values are stored alike, whatever the order of their keys; `1` is not `true`."""
    return dump_json(one) == dump_json(other) or canonical_json(one) == canonical_json(other)


def storable_text(text: str, *, length: int | None = None) -> str:
    """Replace what a text column cannot keep (NUL, half a surrogate pair) and cut at `length`."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if not text.isascii() and not _is_utf8(text):
        text = text.encode("utf-8", "replace").decode("utf-8")
    if length is not None and len(text) > length:
        text = text[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return text


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_too_deep(value: Json) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return False
    return True


def _inner(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return [v for v in value.values() if isinstance(v, dict | list | tuple)]
    if isinstance(value, list | tuple):
        return [v for v in value if isinstance(v, dict | list | tuple)]
    return ()


def _find(value: Json, exc: Exception) -> FieldProblem:
    return next(_problems(value, "", 0), FieldProblem("", str(exc) or type(exc).__name__))


def _problems(value: Any, path: str, depth: int) -> Iterator[FieldProblem]:
    if depth > MAX_DEPTH:
        yield FieldProblem(
            path.split(".", maxsplit=1)[0], "is nested too deeply, or contains itself"
        )
    elif isinstance(value, float) and not math.isfinite(value):
        yield FieldProblem(path, f"is {value}, which JSON has no number for")
    elif isinstance(value, int) and value.bit_length() > _MAX_INT_BITS:
        yield FieldProblem(path, "is a whole number of more than 4300 digits")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str | int | float | bool | None):
                yield FieldProblem(
                    path, f"has a key of type {type(key).__name__}; JSON keys are text"
                )
            yield from _problems(item, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _problems(item, f"{path}.{index}" if path else str(index), depth + 1)
    elif not isinstance(value, str | int | float | bool | None):
        yield FieldProblem(path, f"is a {type(value).__name__}, which has no JSON form")
