"""
Tell, while a value is encoded, whether it will come back as what it is.

Plain data (text, numbers, lists, dicts) never reaches Python code here. An object is looked at
with what it holds; the first of each shape is really decoded again and compared, later ones of
that shape are known. LangGraph gives a tuple back as a list and a subclass of dict, list, str or
int as its base; graphs rely on that everywhere, so it counts as the same.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

import ormsgpack
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.serde import jsonplus
from langgraph.checkpoint.serde._msgpack import SAFE_MSGPACK_TYPES
from langgraph.types import Send
from pydantic import BaseModel

from interlock.core.graphs.trusting import TrustedTypes

_PLAIN = frozenset({str, int, float, bool, bytes, bytearray, type(None)})
_PLAIN_CONTAINERS = frozenset({list, tuple, set, frozenset, deque})
_MAX_SHAPES = 10_000  # a program that makes classes as it runs must not fill the memory
_MAX_DEPTH = 200  # of the explanation only; LangGraph's encoder has its own limit

Shape = tuple[type, frozenset[type]]


class UnstorableValue(TypeError):
    """
    A value of the state cannot be stored, or would come back as something less.

    Fields: `type_name` of the value, `key_path` from the channel on ("report.items[3]"), `reason`.
    """

    def __init__(self, type_name: str, key_path: str, reason: str) -> None:
        self.type_name = type_name
        self.key_path = key_path
        self.reason = reason
        where = f" at {key_path!r}" if key_path else ""
        super().__init__(f"A value of type {type_name}{where} cannot be stored: {reason}.")

    def within(self, channel: str) -> UnstorableValue:
        """The same problem, its path starting at a channel of the state."""
        joint = "" if not self.key_path or self.key_path.startswith("[") else "."
        return UnstorableValue(self.type_name, f"{channel}{joint}{self.key_path}", self.reason)


class Fidelity:
    """Encodes what LangGraph's encoder hands over, and refuses what would not survive."""

    def __init__(self, trusted: TrustedTypes, restore: Callable[[bytes], Any]) -> None:
        self._trusted = trusted
        self._restore = restore
        self._faithful: set[Shape] = set()

    def encode(self, obj: Any) -> Any:
        """
        Encode one object for ormsgpack's `default`.

        Raises:
            UnstorableValue: With no path yet; `explain` finds it.
        """
        kinds: set[type] = set()
        _collect_types(obj, kinds, set())
        shape = (type(obj), frozenset(kinds))
        encoded = jsonplus._msgpack_default(obj)  # noqa: SLF001
        if shape not in self._faithful:
            self._check(obj)
            if len(self._faithful) < _MAX_SHAPES:
                self._faithful.add(shape)
        return encoded

    def _check(self, obj: Any) -> None:
        data = ormsgpack.packb(
            obj,
            default=jsonplus._msgpack_default,  # noqa: SLF001
            option=jsonplus._option,  # noqa: SLF001
        )
        difference = _find_difference(obj, self._restore(data), "")
        if difference is not None:
            value, path, other = difference
            raise UnstorableValue(type_name(value), path, self._reason(value, other))

    def _reason(self, value: Any, other: Any) -> str:
        cls = type(value)
        key = (cls.__module__, cls.__name__)
        if isinstance(value, BaseException):
            return "LangGraph keeps only the text of an exception"
        if "<locals>" in cls.__qualname__:
            return "its class is defined inside a function, so it cannot be found again"
        if "." in cls.__qualname__:
            return "its class is defined inside another class, so LangGraph cannot find it again"
        if key not in self._trusted and key not in SAFE_MSGPACK_TYPES:
            return (
                f"it would come back as {type_name(other)}, because its class is neither in the "
                "graph's schemas nor defined in the project's own modules; store plain data, or "
                f'name ["{key[0]}", "{key[1]}"] in checkpointer.serde.allowed_msgpack_modules of '
                "langgraph.json"
            )
        return f"it would come back as {type_name(other)}"

    def explain(self, obj: Any, exc: BaseException) -> UnstorableValue:
        """Find which value an encoding failed on; slow, and only called after a failure."""
        found = self._locate(obj, "", 0)
        return found or UnstorableValue(type_name(obj), "", _simplify(exc, obj))

    def _locate(self, value: Any, path: str, depth: int) -> UnstorableValue | None:
        if type(value) in _PLAIN and type(value) is not int:
            return None
        failure = self._try(value, path)
        if failure is None:
            return None
        if depth < _MAX_DEPTH:
            for name, child in _children(value):
                nested = self._locate(child, _join(path, name), depth + 1)
                if nested is not None:
                    return nested
        return failure

    def _try(self, value: Any, path: str) -> UnstorableValue | None:
        refused: list[UnstorableValue] = []

        def encode(obj: Any) -> Any:
            try:
                return self.encode(obj)
            except UnstorableValue as exc:
                refused.append(exc)  # ormsgpack raises an error of its own, without this one
                raise

        try:
            ormsgpack.packb(value, default=encode, option=jsonplus._option)  # noqa: SLF001
        except (TypeError, ValueError, RecursionError) as exc:
            if not refused:
                return UnstorableValue(type_name(value), path, _simplify(exc, value))
            first = refused[0]
            return UnstorableValue(first.type_name, _join_path(path, first.key_path), first.reason)
        return None


def type_name(value: Any) -> str:
    """The full name of a value's class, without `builtins`."""
    cls = type(value)
    return (
        cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    )


def _simplify(exc: BaseException, value: Any) -> str:
    text = str(exc).rstrip(".")
    if text.startswith("Type is not msgpack serializable"):
        return "it is not data (store an id or plain values, and make the object again in the node)"
    if "ecursion" in text:
        return "it holds itself, or is nested too deep"
    if isinstance(value, int):
        return "it does not fit in 64 bits; store it as text"
    return text


def _collect_types(value: Any, kinds: set[type], seen: set[int]) -> None:
    for child in _held_by(value):
        cls = type(child)
        if cls in _PLAIN or id(child) in seen:
            continue
        if cls is not dict and cls is not list:
            kinds.add(cls)
        seen.add(id(child))
        _collect_types(child, kinds, seen)


def _held_by(value: Any) -> Iterable[Any]:
    """As `_children` without the names, which is what the common case needs."""
    cls = type(value)
    if isinstance(value, dict) and cls is dict:
        return value.values()
    if isinstance(value, (list, tuple, set, frozenset, deque)) and cls in _PLAIN_CONTAINERS:
        return value
    return (child for _, child in _children(value))


def _children(value: Any) -> Iterator[tuple[str | int | None, Any]]:
    """What a value holds: (field or key, index, or None where there is no order) and the child."""
    if isinstance(value, (BaseMessage, Document)):
        return  # LangGraph vouches for them; what a tool attaches to its message it stores as data
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield (key if isinstance(key, str) else repr(key)), child
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from zip(value._fields, value, strict=False)
    elif isinstance(value, (list, tuple, deque)):
        yield from enumerate(value)
    elif isinstance(value, (set, frozenset)):
        for child in value:
            yield None, child
    elif isinstance(value, Send):
        yield "arg", value.arg
    elif isinstance(value, BaseModel):
        yield from vars(value).items()
        yield from (value.__pydantic_extra__ or {}).items()
    elif dataclasses.is_dataclass(value) and not isinstance(value, (Enum, type)):
        for name in _field_names(type(value)):
            if hasattr(value, name):
                yield name, getattr(value, name)


@lru_cache(maxsize=1000)
def _field_names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


def _find_difference(before: Any, after: Any, path: str) -> tuple[Any, str, Any] | None:
    """The first value whose class was not restored: the value, its path, what came back."""
    if not _is_same_kind(before, after):
        return before, path, after
    if isinstance(before, (set, frozenset)):
        return _compare_sets(before, after, path)
    old, new = list(_children(before)), list(_children(after))
    restored = dict(new)
    for name, child in old:
        if name not in restored:
            return child, _join(path, name), None
        found = _find_difference(child, restored[name], _join(path, name))
        if found is not None:
            return found
    return None


def _compare_sets(before: Any, after: Any, path: str) -> tuple[Any, str, Any] | None:
    kinds = {type(child) for child in after}
    for child in before:
        if type(child) not in kinds and not any(_is_same_kind(child, other) for other in after):
            return child, path, next(iter(after), None)
    return None


def _is_same_kind(before: Any, after: Any) -> bool:
    if type(before) is type(after):
        return True
    if isinstance(before, Enum) or hasattr(before, "_fields"):
        return False
    for plain in (dict, str, int, list):
        if isinstance(before, plain):
            return isinstance(after, plain)
    if isinstance(before, tuple):
        return isinstance(after, list)
    return isinstance(before, float) and isinstance(after, float)


def _join(path: str, name: str | int | None) -> str:
    if name is None:
        return path
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def _join_path(path: str, rest: str) -> str:
    if not path or not rest:
        return path or rest
    return f"{path}{rest}" if rest.startswith("[") else f"{path}.{rest}"
