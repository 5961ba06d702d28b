"""
What counts as the same question to a cache: a node's input, or chosen fields of it, as bytes.

Ids that are made anew each time are no part of it, else no two questions would ever be the same: those
of messages do not count, and calls of tools are numbered, so that it counts which one was answered how.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

import xxhash
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.serde.base import SerializerProtocol
from pydantic import BaseModel

from interlock.core.graphs.cache_ids import Ids, iter_calls, iter_echoes
from interlock.core.types import Json

MAX_QUESTION_CHARS = 500  # of a question in words, as it is kept for people
_MAX_DEPTH = 100
_PASSING = frozenset({"id", "response_metadata", "usage_metadata"})
_MISSING = ["missing"]

Encode = Callable[[Any], tuple[str, bytes]]


def encoder_of(serde: SerializerProtocol) -> Encode:
    """What turns equal values into equal bytes, also where what is stored is encrypted."""
    plain: Encode = getattr(serde, "dump_plain", serde.dumps_typed)
    return plain


class NoKey(Exception):
    """Something in an input has no lasting form: it cannot be looked up again."""


@dataclasses.dataclass(frozen=True)
class Key:
    """
    A question as it is looked up.

    `exact` is all of it. `rest` is it without its texts, which are in `texts`, for a cache that
    compares texts by meaning. `question` says it to people. `ids` are those that are no part of it.
    """

    exact: str
    rest: str
    texts: tuple[str, ...]
    question: str
    ids: Ids = dataclasses.field(default_factory=Ids)


@dataclasses.dataclass
class _Seen:
    """What is met on the way through an input."""

    encode: Encode
    messages: list[str | None] = dataclasses.field(default_factory=list)
    calls: dict[str, int] = dataclasses.field(default_factory=dict)  # by id, in order

    def number(self, call_id: str) -> int:
        """The number of a call of a tool: how many were met before it."""
        return self.calls.setdefault(call_id, len(self.calls))


def make_key(value: object, fields: Sequence[str], encode: Encode) -> Key:
    """
    Make the key of an input.

    Args:
        value: The input: a dict, a data class, a pydantic model or anything else.
        fields: Its fields that count, "customer.id" within one; none is the whole input.
        encode: Turns a value of no known kind into bytes.

    Raises:
        NoKey: It holds something that has no lasting form.
    """
    chosen = {name: _field(value, name) for name in fields} if fields else {"": value}
    if not fields and isinstance(value, Mapping):
        chosen = {str(name): each for name, each in value.items()}
    texts = {name: each for name, each in chosen.items() if type(each) is str and each.strip()}
    rest = {name: each for name, each in chosen.items() if name not in texts}
    seen = _Seen(encode)
    frozen_rest = _dump([[name, _freeze(rest[name], seen, 0)] for name in sorted(rest)])
    ordered = sorted(texts)
    return Key(
        exact=digest(frozen_rest, _dump([[name, texts[name]] for name in ordered])),
        rest=digest(frozen_rest, _dump(ordered)),
        texts=tuple(texts[name] for name in ordered),
        question=_say(chosen),
        ids=Ids(tuple(seen.messages), tuple(seen.calls)),
    )


def digest(*parts: str) -> str:
    """A short name for texts, the same for the same ones alone."""
    hashed = xxhash.xxh3_128()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        hashed.update(len(data).to_bytes(8, "big"))
        hashed.update(data)
    return hashed.hexdigest()


def _field(value: Any, name: str) -> object:
    for part in name.split("."):
        is_table = isinstance(value, Mapping)
        value = value.get(part, _MISSING) if is_table else getattr(value, part, _MISSING)
        if value is _MISSING:
            return _MISSING
    return value


def _freeze(value: Any, seen: _Seen, depth: int) -> Json:
    """As JSON that tells apart whatever is not equal: `1`, `1.0`, `true` and "1"."""
    if depth > _MAX_DEPTH:
        raise NoKey("The input is nested too deeply, or contains itself.")
    if value is None or type(value) in (str, bool):
        return value
    if value is _MISSING:
        return {"missing": []}
    if type(value) in (int, float):
        return {type(value).__name__: repr(value)}

    def inner(each: Any) -> Json:
        return _freeze(each, seen, depth + 1)

    if isinstance(value, BaseMessage):
        return {"message": [type(value).__name__, inner(_numbered(value, seen))]}
    return _freeze_many(value, inner) or {"other": [_kind(value), _encoded(value, seen.encode)]}


def _freeze_many(value: Any, inner: Callable[[Any], Json]) -> Json:
    """Of a value of several parts; None of any other."""
    if isinstance(value, Enum):
        return {"enum": [_kind(value), value.name]}
    if isinstance(value, BaseModel):
        return {"model": [_kind(value), inner(dict(value))]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {"model": [_kind(value), inner({n: getattr(value, n, None) for n in names})]}
    if isinstance(value, Mapping):
        pairs = sorted(((_dump(inner(k)), v) for k, v in value.items()), key=lambda pair: pair[0])
        return {"map": [[name, inner(v)] for name, v in pairs]}
    if isinstance(value, list | tuple):
        return {"list" if isinstance(value, list) else "tuple": [inner(each) for each in value]}
    if isinstance(value, set | frozenset):
        return {"set": sorted(_dump(inner(each)) for each in value)}
    return None


def _encoded(value: object, encode: Encode) -> str:
    try:
        kind, data = encode(value)
    except Exception as exc:  # the serializer refuses in many words, a user's class in its own
        raise NoKey(f"{type(value).__name__}: {exc}") from exc
    return f"{kind}:{xxhash.xxh3_128_hexdigest(data)}"


def _numbered(message: BaseMessage, seen: _Seen) -> dict[str, Any]:
    """The parts of a message that count, with numbers in place of the ids of calls."""
    seen.messages.append(message.id)
    parts = {k: v for k, v in message.model_dump().items() if k not in _PASSING}
    for call, name in iter_calls(parts):
        if isinstance(call.get(name), str):
            call[name] = seen.number(call[name])
    if "tool_call_id" in parts:
        parts["tool_call_id"] = seen.number(parts["tool_call_id"])
    for block, name in iter_echoes(parts):
        if block[name] in seen.calls:
            block[name] = seen.number(block[name])
    return parts


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _say(chosen: Mapping[str, Any]) -> str:
    """The question in words: a single text as it is, else name and value of each field."""
    if len(chosen) == 1:
        (only,) = chosen.values()
        if isinstance(only, str):
            return only[:MAX_QUESTION_CHARS]
    said = ", ".join(f"{n}: {_word(v)}" if n else _word(v) for n, v in chosen.items())
    return said[:MAX_QUESTION_CHARS]


def _word(value: object) -> str:
    if value is _MISSING:
        return "-"
    if value is None or isinstance(value, str | int | float | bool):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset | Mapping):
        return f"{type(value).__name__} of {len(value)}"
    return type(value).__name__
