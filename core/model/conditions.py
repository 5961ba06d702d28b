"""
Conditions of a policy over what a card asks: `amount > 1000 and customer.tier != "gold"`.

Python's parser reads them, and each part that is not named here is refused when the policy is loaded:
there are no calls, no arithmetic and no attributes of Python's, only paths into JSON. What a payload
does not say is neither true nor false, but unknown, with the reason: a missing amount is not a small one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from interlock.core.model import json_values
from interlock.core.types import Json

MAX_CHARS = 1000  # of one condition
MAX_DEPTH = 30  # of parts within parts
WHOLE = "payload"  # names all that is asked; any other name is one of its fields

Path = tuple[str | int, ...]

_BREAKS = re.compile(r"[\t\n\r\f\v]")
_WORDS = {"true": True, "false": False, "null": None}
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)
_TAKES = (
    'paths such as amount, who.tier or items[0]["unit price"], compared by == != < <= > >= in,'
    " not in, with and, or, not"
)


class ConditionError(ValueError):
    """A condition that cannot be read; `column` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column


@dataclass(frozen=True)
class Verdict:
    """Whether a condition holds; None where it cannot be said, and then `why`."""

    holds: bool | None
    why: str = ""


class _Unknown(Exception):
    """What the payload does not say."""


@dataclass(frozen=True)
class _Missing:
    path: Path


@dataclass(frozen=True)
class Condition:
    """A condition that was read; `text` is as it was written."""

    text: str
    tree: ast.expr

    def judge(self, payload: Json) -> Verdict:
        """Whether it holds for what a card asks."""
        try:
            return Verdict(_judge(self.tree, payload))
        except _Unknown as exc:
            return Verdict(None, str(exc))


@lru_cache(maxsize=1000)
def parse(text: str) -> Condition:
    """
    Read a condition.

    Raises:
        ConditionError: It is none; with the column, and what conditions are made of.
    """
    tree = _read(text)
    if not _may_be_a_condition(tree):
        raise ConditionError("says neither true nor false", 1)
    return Condition(text, tree)


def parse_path(text: str) -> Path:
    """
    Read a path alone: `lead.name`, `approvers[0]`.

    Raises:
        ConditionError: It is none.
    """
    tree = _read(text)
    if not isinstance(tree, ast.Name | ast.Attribute | ast.Subscript) or _is_word(tree):
        raise ConditionError("is no path", 1)
    return _path_of(tree)


def read_path(value: Json, path: Path) -> tuple[bool, Json]:
    """Whether there is something at a path of a JSON value, and what."""
    for step in path:
        is_index = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if not is_index and not (isinstance(value, dict) and step in value):
            return False, None
        value = value[step]
    return True, value


def say_path(path: Path) -> str:
    """A path as it is written."""
    said = ""
    for step in path:
        if isinstance(step, str) and step.isidentifier():
            said += f".{step}" if said else step
        else:
            said += f"[{step!r}]" if said else f"{WHOLE}[{step!r}]"
    return said or WHOLE


def _read(text: str) -> ast.expr:
    """The parts of a text, all of them allowed."""
    if len(text) > MAX_CHARS:
        raise ConditionError(f"is longer than {MAX_CHARS} characters", MAX_CHARS + 1)
    if "\\" in text:
        raise ConditionError("has a backslash, which means nothing here", text.index("\\") + 1)
    body = _BREAKS.sub(" ", text).lstrip(" ")
    indent = len(text) - len(body)
    try:
        tree = ast.parse(body, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        # Where a text ends too early Python names no column, or one of the line beneath.
        at = (exc.offset if isinstance(exc, SyntaxError) else 1) or len(text) + 1
        said = f"cannot be read: {exc.msg}" if isinstance(exc, SyntaxError) else "cannot be read"
        column = min(at + indent, len(text) + 1)
        raise ConditionError(f"{said}; it takes {_TAKES}", column) from exc
    wrong = _find_wrong(tree, 0)
    if wrong is not None:
        before = body.encode()[: wrong[0].col_offset]  # Python counts bytes here
        raise ConditionError(wrong[1], len(before.decode(errors="ignore")) + indent + 1)
    return tree


def _find_wrong(node: ast.expr, depth: int) -> tuple[ast.expr, str] | None:
    """The first part that is not allowed, and why."""
    if depth > MAX_DEPTH:
        return node, "is nested too deeply"
    parts = _parts_of(node)
    if parts is None:
        return node, f"is not known here; it takes {_TAKES}"
    return next((w for part in parts if (w := _find_wrong(part, depth + 1)) is not None), None)


def _parts_of(node: ast.expr) -> Sequence[ast.expr] | None:
    """What a part is made of; None if it is not allowed."""
    match node:
        case ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            return parts
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return [part]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)) if _is_number(value):
            return []
        case ast.Compare(left=left, ops=ops, comparators=others):
            return [left, *others] if all(isinstance(op, _COMPARISONS) for op in ops) else None
        case ast.Name() | ast.Constant(value=str() | int() | float() | None):
            return []
        case ast.Attribute(value=ast.Name() | ast.Attribute() | ast.Subscript() as part):
            return [part]
        case ast.Subscript(
            value=ast.Name() | ast.Attribute() | ast.Subscript() as part,
            slice=ast.Constant(value=str() | int() as step),
        ):
            return None if isinstance(step, bool) else [part]
    return None


def _may_be_a_condition(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, bool)
    if isinstance(node, ast.Name) and node.id in _WORDS:
        return node.id != "null"
    if isinstance(node, ast.BoolOp):
        return all(map(_may_be_a_condition, node.values))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not) and _may_be_a_condition(node.operand)
    return not isinstance(node, ast.List | ast.Tuple)


def _judge(node: ast.expr, payload: Json) -> bool:
    """Kleene's logic: an unknown part leaves the whole unknown unless the others settle it."""
    if isinstance(node, ast.BoolOp):
        settles = isinstance(node.op, ast.Or)
        unknown: _Unknown | None = None
        for part in node.values:
            try:
                if _judge(part, payload) is settles:
                    return settles
            except _Unknown as exc:
                unknown = unknown or exc
        if unknown is not None:
            raise unknown
        return not settles
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _judge(node.operand, payload)
    if isinstance(node, ast.Compare):
        return _judge_all(node, payload)
    value = _known(_value_of(node, payload))
    if not isinstance(value, bool):
        raise _Unknown(f"`{ast.unparse(node)}` is neither true nor false")
    return value


def _judge_all(node: ast.Compare, payload: Json) -> bool:
    """A chain of comparisons, each with the value before it: `0 < amount < 10`."""
    values = [_value_of(each, payload) for each in (node.left, *node.comparators)]
    unknown: _Unknown | None = None
    for op, one, other in zip(node.ops, values, values[1:], strict=False):
        try:
            if not _compare(op, one, other):
                return False
        except _Unknown as exc:
            unknown = unknown or exc
    if unknown is not None:
        raise unknown
    return True


def _compare(op: ast.cmpop, one: Json, other: Json) -> bool:
    if isinstance(op, ast.Eq | ast.NotEq):
        # Only null may be asked of what is not there: `owner == null`.
        if None in (one, other):
            one, other = _or_null(one), _or_null(other)
        return json_values.are_same(_known(one), _known(other)) is isinstance(op, ast.Eq)
    one, other = _known(one), _known(other)
    if isinstance(op, ast.In | ast.NotIn):
        return _is_in(one, other) is isinstance(op, ast.In)
    if not ((_is_number(one) and _is_number(other)) or _are_texts(one, other)):
        raise _Unknown(f"{_kind_of(one)} cannot be compared with {_kind_of(other)}")
    if isinstance(op, ast.Lt):
        return bool(one < other)
    if isinstance(op, ast.LtE):
        return bool(one <= other)
    return bool(one > other) if isinstance(op, ast.Gt) else bool(one >= other)


def _is_in(one: Json, other: Json) -> bool:
    if isinstance(other, list):
        return any(json_values.are_same(one, each) for each in other)
    if isinstance(other, dict) and isinstance(one, str):
        return one in other
    if _are_texts(one, other):
        return bool(one in other)
    raise _Unknown(f"{_kind_of(one)} cannot be looked for in {_kind_of(other)}")


def _value_of(node: ast.expr, payload: Json) -> Json:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and node.id in _WORDS:
        return _WORDS[node.id]
    if isinstance(node, ast.List | ast.Tuple):
        return [_known(_value_of(each, payload)) for each in node.elts]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value_of(node.operand, payload)
    if isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp):
        return _judge(node, payload)
    path = _path_of(node)
    is_there, value = read_path(payload, path)
    return value if is_there else _Missing(path)


def _path_of(node: ast.expr) -> Path:
    match node:
        case ast.Name(id=name):
            return () if name == WHOLE else (name,)
        case ast.Attribute(value=value, attr=name):
            return (*_path_of(value), name)
        case ast.Subscript(value=value, slice=ast.Constant(value=str() | int() as step)):
            return (*_path_of(value), step)
    raise AssertionError(node)  # `_parts_of` lets nothing else through


def _is_word(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in _WORDS


def _known(value: Json) -> Json:
    if isinstance(value, _Missing):
        raise _Unknown(f"there is no {say_path(value.path)}")
    return value


def _or_null(value: Json) -> Json:
    return None if isinstance(value, _Missing) else value


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_texts(one: Json, other: Json) -> bool:
    return isinstance(one, str) and isinstance(other, str)


def _kind_of(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if _is_number(value):
        return "a number"
    return (
        "a text" if isinstance(value, str) else "a list" if isinstance(value, list) else "an object"
    )
