"""Schemas as a form draws them, each with values that fit it, for the property tests of the views."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from hypothesis import strategies as st

SAFE = 2**53 - 1  # what a browser's number holds exactly


@dataclass(frozen=True)
class Part:
    """A schema, and a value that fits it as a form can say it."""

    schema: dict[str, Any]
    value: Any


@dataclass(frozen=True)
class Whole:
    """The schema of an object with its definitions, and a value that fits it."""

    schema: dict[str, Any]
    value: dict[str, Any]


# What one line of text holds; an empty one means that nothing was said.
_LINES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=8)
_NAMES = st.text(min_size=1, max_size=4) | st.sampled_from(
    ["a.b", "a", "b", "~", "~1", "0", "a.b.c"]
)


def _exact(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@st.composite
def _texts(draw: st.DrawFn) -> Part:
    value = draw(_LINES)
    limits: dict[str, int] = {}
    if draw(st.booleans()):
        limits["maxLength"] = len(value) + draw(st.integers(0, 200))
    if draw(st.booleans()):
        limits["minLength"] = draw(st.integers(0, len(value)))
    return Part({"type": "string", **limits}, value)


@st.composite
def _numbers(draw: st.DrawFn) -> Part:
    kind = draw(st.sampled_from(["integer", "number"]))
    whole = st.integers(-SAFE, SAFE)
    broken = st.floats(-1e9, 1e9, allow_nan=False).filter(lambda x: not x.is_integer())
    value = draw(whole if kind == "integer" else whole | broken)
    near = int(value)
    limits: dict[str, Any] = {}
    if draw(st.booleans()):
        limits[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = near - draw(
            st.integers(2, 99)
        )
    if draw(st.booleans()):
        limits[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = near + draw(
            st.integers(2, 99)
        )
    return Part({"type": kind, **limits}, value)


_TIMES = st.one_of(
    st.dates().map(lambda d: Part({"type": "string", "format": "date"}, d.isoformat())),
    st.datetimes(timezones=st.just(UTC)).map(
        lambda d: Part({"type": "string", "format": "date-time"}, d.isoformat())
    ),
)
_YES_NO = st.booleans().map(lambda b: Part({"type": "boolean"}, b))
_SCALARS = (
    _LINES
    | st.integers(-99, 99)
    | st.booleans()
    | st.none()
    | st.sampled_from([0.5, -2.25])
    | st.just("")
)


@st.composite
def _choices(draw: st.DrawFn) -> Part:
    offered = draw(st.lists(_SCALARS, min_size=1, max_size=6, unique_by=_exact))
    if draw(st.booleans()):
        return Part({"enum": offered}, draw(st.sampled_from(offered)))
    items = [o for o in offered if o is not None] or ["only"]
    chosen = draw(st.lists(st.sampled_from(items), min_size=1, unique_by=_exact))
    return Part({"type": "array", "items": {"enum": items}, "uniqueItems": True}, chosen)


_LEAVES = st.one_of(_texts(), _numbers(), _TIMES, _YES_NO, _choices())
_CELLS = st.one_of(_texts(), _numbers(), _YES_NO)


@st.composite
def _rows(draw: st.DrawFn) -> Part:
    """A list of flat objects, whose cells are all of the same columns."""
    columns = draw(st.dictionaries(_NAMES, _CELLS, min_size=1, max_size=3))
    row = {name: part.value for name, part in columns.items()}
    items = {
        "type": "object",
        "properties": {name: part.schema for name, part in columns.items()},
        "required": sorted(columns) if draw(st.booleans()) else [],
    }
    return Part({"type": "array", "items": items}, [row] * draw(st.integers(1, 3)))


@st.composite
def _unions(draw: st.DrawFn, inner: st.SearchStrategy[Part]) -> Part:
    forms = draw(st.lists(inner, min_size=1, max_size=3))
    chosen = draw(st.sampled_from(forms))
    return Part({"anyOf": [form.schema for form in forms]}, chosen.value)


@st.composite
def _lists(draw: st.DrawFn, inner: st.SearchStrategy[Part]) -> Part:
    item = draw(inner)
    count = 1 if "enum" in item.schema else draw(st.integers(1, 3))  # nothing is chosen twice
    return Part({"type": "array", "items": item.schema}, [item.value] * count)


@st.composite
def _nullables(draw: st.DrawFn, inner: st.SearchStrategy[Part]) -> Part:
    """What may be null; null itself is said by a needed field only (`objects`)."""
    part = draw(inner)
    kind = part.schema.get("type")
    if isinstance(kind, str) and "enum" not in part.schema and draw(st.booleans()):
        return Part({**part.schema, "type": [kind, "null"]}, part.value)
    return Part({"anyOf": [part.schema, {"type": "null"}]}, part.value)


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    return (
        {"type": "null"} in schema.get("anyOf", ())
        or "null" in schema.get("type", ())
        or None in schema.get("enum", ())
    )


def _starts_empty(part: Part) -> bool:
    """Whether a form shows nothing for it while nothing is entered; what is shown is sent."""
    return part.schema.get("type") != "object" or "default" not in _exact(part.schema)


def _may_start_with(part: Part) -> bool:
    """Whether a default is shown as it is: where a widget cannot show one exactly, it becomes JSON."""
    return part.value not in ([], {}, "", None)


def _says_nothing(value: Any) -> bool:
    """Whether an optional field with this value cannot be told from one that is left out."""
    if isinstance(value, dict):
        return all(map(_says_nothing, value.values()))
    return value is None or value == []


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[Part] = _LEAVES) -> Part:
    """An object with needed fields, optional ones that are there or not, and some with a default."""
    parts = draw(st.dictionaries(_NAMES, inner, min_size=1, max_size=4))
    schema: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    value: dict[str, Any] = {}
    for name, part in parts.items():
        own, is_needed = dict(part.schema), draw(st.booleans())
        is_there, chosen = True, part.value
        if is_needed:
            schema["required"].append(name)
            if _may_be_null(own) and draw(st.booleans()):
                chosen = None
        elif draw(st.booleans()) and _may_start_with(part):
            own["default"] = part.value
        elif _says_nothing(chosen) or (_starts_empty(part) and draw(st.booleans())):
            is_there = False
        schema["properties"][name] = own
        if is_there:
            value[name] = chosen
    if not value:  # an optional object nobody began is left out
        name = next(iter(parts))
        schema["required"].append(name)
        value[name] = parts[name].value
    return Part(schema, value)


_PARTS: st.SearchStrategy[Part] = st.recursive(
    _LEAVES | _rows(),
    lambda inner: st.one_of(_unions(inner), _lists(inner), _nullables(inner), objects(inner)),
    max_leaves=5,
)


@st.composite
def wholes(draw: st.DrawFn) -> Whole:
    """An object whose fields may stand in definitions that are referred to."""
    part = draw(objects(_PARTS))
    schema, definitions = dict(part.schema), {}
    schema["properties"] = dict(schema["properties"])
    for name, own in schema["properties"].items():
        if draw(st.booleans()):
            key = f"Def{len(definitions)}"
            definitions[key] = {k: v for k, v in own.items() if k != "default"}
            beside = {"default": own["default"]} if "default" in own else {}
            schema["properties"][name] = {"$ref": f"#/$defs/{key}", **beside}
    return Whole({**schema, "$defs": definitions}, part.value)
