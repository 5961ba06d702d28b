"""
Look into a value and at two of them: what it holds, under which names, and where classes differ.

Used on what a state holds, so it takes any value and calls nothing of the user's beyond attributes.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langgraph.types import Send
from pydantic import BaseModel

PLAIN = frozenset({str, int, float, bool, bytes, bytearray, type(None)})
_PLAIN_CONTAINERS = frozenset({list, tuple, set, frozenset, deque})


def type_name(value: Any) -> str:
    """The full name of a value's class, without `builtins`."""
    cls = type(value)
    return (
        cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    )


def collect_types(value: Any, kinds: set[type], seen: set[int]) -> None:
    """Add the classes of all that a value holds, at any depth, to `kinds`; `seen` are ids to skip."""
    for child in _held_by(value):
        cls = type(child)
        if cls in PLAIN or id(child) in seen:
            continue
        if cls is not dict and cls is not list:
            kinds.add(cls)
        seen.add(id(child))
        collect_types(child, kinds, seen)


def _held_by(value: Any) -> Iterable[Any]:
    """As `children_of` without the names, which is what the common case needs."""
    cls = type(value)
    if isinstance(value, dict) and cls is dict:
        return value.values()
    if isinstance(value, (list, tuple, set, frozenset, deque)) and cls in _PLAIN_CONTAINERS:
        return value
    return (child for _, child in children_of(value))


def children_of(value: Any) -> Iterator[tuple[str | int | None, Any]]:
    """What a value holds: (field or key, index, or None where there is no order) and the child."""
    if isinstance(value, (BaseMessage, Document)):
        return iter(())  # LangGraph vouches for them; what a tool attaches to its message is data
    if isinstance(value, Mapping):
        return ((k if isinstance(k, str) else repr(k), child) for k, child in value.items())
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return zip(value._fields, value, strict=False)
    if isinstance(value, (list, tuple, deque)):
        return enumerate(value)
    if isinstance(value, (set, frozenset)):
        return ((None, child) for child in value)
    return _fields_of(value)


def _fields_of(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Send):
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


def find_difference(before: Any, after: Any, path: str) -> tuple[Any, str, Any] | None:
    """The first value whose class was not restored: the value, its path, what came back."""
    if not _is_same_kind(before, after):
        return before, path, after
    if isinstance(before, (set, frozenset)):
        return _compare_sets(before, after, path)
    old, new = list(children_of(before)), list(children_of(after))
    restored = dict(new)
    for name, child in old:
        if name not in restored:
            return child, join(path, name), None
        found = find_difference(child, restored[name], join(path, name))
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


def join(path: str, name: str | int | None) -> str:
    """A path and one more step: a field, an index, or None within a set."""
    if name is None:
        return path
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def join_path(path: str, rest: str) -> str:
    """Two paths as one."""
    if not path or not rest:
        return path or rest
    return f"{path}{rest}" if rest.startswith("[") else f"{path}.{rest}"
