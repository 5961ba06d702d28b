"""
Tell, while a value is encoded, whether it will come back as what it is.

Plain data (text, numbers, lists, dicts) never reaches Python code here. An object is looked at
with what it holds; the first of each shape is really decoded again and compared, later ones of
that shape are known. LangGraph gives a tuple back as a list and a subclass of dict, list, str or
int as its base; graphs rely on that everywhere, so it counts as the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ormsgpack
from langgraph.checkpoint.serde import jsonplus
from langgraph.checkpoint.serde._msgpack import SAFE_MSGPACK_TYPES

from interlock.core.graphs.trusting import TrustedTypes
from interlock.core.graphs.walking import (
    PLAIN,
    children_of,
    collect_types,
    find_difference,
    join,
    join_path,
    type_name,
)

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
        collect_types(obj, kinds, set())
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
        difference = find_difference(obj, self._restore(data), "")
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
        if type(value) in PLAIN and type(value) is not int:
            return None
        failure = self._try(value, path)
        if failure is None:
            return None
        if depth < _MAX_DEPTH:
            for name, child in children_of(value):
                nested = self._locate(child, join(path, name), depth + 1)
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
            return UnstorableValue(first.type_name, join_path(path, first.key_path), first.reason)
        return None


def _simplify(exc: BaseException, value: Any) -> str:
    text = str(exc).rstrip(".")
    if text.startswith("Type is not msgpack serializable"):
        return "it is not data (store an id or plain values, and make the object again in the node)"
    if "ecursion" in text:
        return "it holds itself, or is nested too deep"
    if isinstance(value, int):
        return "it does not fit in 64 bits; store it as text"
    return text
