"""
Describing a JSON Schema as the fields of a form, for the launch form and the cards alike.

What cannot be described is a field of type `json`: a form with one in it is not drawn, a JSON editor is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from interlock.core.model import schema_refs
from interlock.core.model.schema_checks import find_schema_problem
from interlock.core.model.texts import label as words_of
from interlock.core.model.texts import one_line
from interlock.core.types import Json

FieldType = Literal[
    "string", "integer", "number", "boolean", "null", "array", "object", "union", "json"
]

MAX_FIELDS = 200  # a longer form is worse than the JSON editor
_MAX_DEPTH = 8  # levels of fields within fields

_TYPES: Mapping[str, FieldType] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "array": "array",
    "object": "object",
}

# A form cannot show these rules, and a form that ignores them would be refused without a reason.
_BEYOND_FORMS = frozenset(
    {"not", "if", "dependentRequired", "dependentSchemas", "dependencies", "patternProperties"}
    | {"prefixItems", "contains", "propertyNames", "minProperties", "maxProperties", "allOf"}
    | {"$ref", "$dynamicRef", "unevaluatedProperties", "unevaluatedItems", "additionalItems"}
)


@dataclass(frozen=True, kw_only=True)
class Field:
    """
    One field of a form.

    Args:
        name: Its key; empty for the whole value and for the items of a list.
        label: What stands over it. `help`: what stands beside it.
        type: `union` has its forms in `any_of`; `json` cannot be drawn.
        default: Meaningful where `has_default`; a constant is its own default.
        enum: The only values allowed, without null; empty means any.
        min_length, max_length: Of a text in characters, of a list in items.
        fields: Of an object. `items`: of a list. `any_of`: the forms of a union.
        discriminator: The field whose value tells the forms of a union apart, if there is one.
        nullable: Whether null is allowed besides.
        is_unique: Whether a list may not hold anything twice.
    """

    name: str
    label: str
    type: FieldType
    help: str = ""
    required: bool = False
    nullable: bool = False
    default: Json = None
    has_default: bool = False
    enum: tuple[Json, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    fields: tuple[Field, ...] = ()
    items: Field | None = None
    any_of: tuple[Field, ...] = ()
    discriminator: str | None = None
    is_unique: bool = False


def fields_of(schema: Json) -> tuple[Field, ...]:
    """
    Describe a schema for a form.

    Returns:
        The fields of an object, in order; one field with an empty name for any other value;
        nothing when there is no schema or it is broken.
    """
    if schema is None or find_schema_problem(schema) is not None:
        return ()
    root = _Reader(schema).read(schema, name="", required=True)
    is_plain_object = root.type == "object" and not root.nullable
    return root.fields if is_plain_object else (root,)


def is_drawable(schema: Json) -> bool:
    """Whether a form can be drawn for every value the schema allows; otherwise offer a JSON editor."""
    if schema is None or find_schema_problem(schema) is not None:
        return False
    found = list(_walk(_Reader(schema).read(schema, name="", required=True)))
    return len(found) <= MAX_FIELDS and all(field.type != "json" for field in found)


def _walk(field: Field) -> Iterator[Field]:
    yield field
    for inner in (*field.fields, *field.any_of, *filter(None, (field.items,))):
        yield from _walk(inner)


class _Reader:
    """Reads one schema; counts what it read, so that a schema that branches out ends early."""

    def __init__(self, root: Json) -> None:
        self.root = root
        self.left = MAX_FIELDS + 1

    def read(self, schema: Json, *, name: str, required: bool, depth: int = 0) -> Field:
        """Describe one schema as one field."""
        self.left -= 1
        found = schema_refs.resolve(schema, self.root)
        if found is None or depth > _MAX_DEPTH or self.left < 0:
            return Field(name=name, label=words_of(name), type="json", required=required)
        found, nullable = _without_null(found, self.root)
        field = Field(
            name=name,
            label=_own_title(schema) or words_of(name) or _text(found, "title"),
            type="json",
            help=_text(found, "description"),
            required=required,
            nullable=nullable,
            default=found.get("default"),
            has_default="default" in found,
        )
        return self._with_type(field, found, depth)

    def _with_type(self, field: Field, found: Mapping[str, Json], depth: int) -> Field:
        if _BEYOND_FORMS & found.keys():
            return field
        values = schema_refs.allowed_values(found)
        if values:
            return _with_values(field, values, is_constant="const" in found)
        if "oneOf" in found or "anyOf" in found or isinstance(found.get("type"), list):
            return self._with_forms(field, found, depth)
        kind = _TYPES.get(found.get("type", "object" if "properties" in found else ""), "json")
        if kind == "object":
            return self._with_fields(field, found, depth)
        if kind == "array":
            return self._with_items(field, found, depth)
        return replace(field, type=kind, **_limits(found, is_integer=kind == "integer"))

    def _with_forms(self, field: Field, found: Mapping[str, Json], depth: int) -> Field:
        if "properties" in found or ("oneOf" in found and "anyOf" in found):
            return field
        forms = _forms_of(found)
        read = [self.read(form, name="", required=True, depth=depth + 1) for form in forms]
        return replace(
            field,
            type="union",
            any_of=tuple(read),
            nullable=field.nullable or any(form.nullable for form in read),
            discriminator=_find_discriminator(found, read),
        )

    def _with_fields(self, field: Field, found: Mapping[str, Json], depth: int) -> Field:
        if "properties" not in found:  # a mapping with free keys
            return field
        needed = found.get("required", ())
        fields = tuple(
            self.read(inner, name=key, required=key in needed, depth=depth + 1)
            for key, inner in found["properties"].items()
        )
        return replace(field, type="object", fields=fields)

    def _with_items(self, field: Field, found: Mapping[str, Json], depth: int) -> Field:
        items = self.read(found.get("items", True), name="", required=True, depth=depth + 1)
        return replace(
            field,
            type="array",
            items=items,
            min_length=found.get("minItems"),
            max_length=found.get("maxItems"),
            is_unique=found.get("uniqueItems", False),
        )


def _without_null(found: Mapping[str, Json], root: Json) -> tuple[Mapping[str, Json], bool]:
    """Take the form `null` out of a union; what stands beside the union stays beside what is left."""
    kinds = found.get("type")
    if isinstance(kinds, list):
        others = [kind for kind in kinds if kind != "null"]
        single = {**found, "type": others[0] if len(others) == 1 else others}
        return (single if others else {**found, "type": "null"}), len(others) < len(kinds)
    for keyword in ("anyOf", "oneOf"):
        forms = found.get(keyword, ())
        left = [form for form in forms if not _is_null(form, root)]
        if left and len(left) < len(forms):
            outside = {key: inner for key, inner in found.items() if key != keyword}
            if len(left) > 1:
                return {**outside, keyword: left}, True
            inner = schema_refs.resolve(left[0], root)
            return ({**inner, **outside} if inner is not None else {**outside, keyword: left}), True
    return found, False


def _is_null(form: Json, root: Json) -> bool:
    resolved = schema_refs.resolve(form, root)
    return resolved is not None and schema_refs.is_null(resolved)


def _forms_of(found: Mapping[str, Json]) -> list[Json]:
    forms = found.get("oneOf") or found.get("anyOf")
    if forms is not None:
        return list(forms)
    rest = {key: inner for key, inner in found.items() if key not in {"type", "title", "default"}}
    return [{**rest, "type": kind} for kind in found["type"]]


def _find_discriminator(found: Mapping[str, Json], forms: list[Field]) -> str | None:
    declared = found.get("discriminator")
    if isinstance(declared, dict) and isinstance(declared.get("propertyName"), str):
        return str(declared["propertyName"])
    tags = [{field.name for field in form.fields if len(field.enum) == 1} for form in forms]
    common = set.intersection(*tags) if tags else set()
    return min(common, default=None)


def _with_values(field: Field, values: tuple[Json, ...], *, is_constant: bool) -> Field:
    kinds = {_kind_of(value) for value in values if value is not None}
    field = replace(
        field,
        type=kinds.pop() if len(kinds) == 1 else "union" if kinds else "null",
        enum=tuple(value for value in values if value is not None),
        nullable=field.nullable or None in values,
    )
    return replace(field, default=values[0], has_default=True) if is_constant else field


def _kind_of(value: Json) -> FieldType:
    if isinstance(value, bool):
        return "boolean"
    kinds: dict[type, FieldType] = {str: "string", int: "integer", float: "number", list: "array"}
    return kinds.get(type(value), "object")


def _limits(found: Mapping[str, Json], *, is_integer: bool) -> dict[str, Json]:
    low, high = found.get("exclusiveMinimum"), found.get("exclusiveMaximum")
    limits = {
        "minimum": found.get("minimum"),
        "maximum": found.get("maximum"),
        "exclusive_minimum": _number(low),
        "exclusive_maximum": _number(high),
        "multiple_of": found.get("multipleOf"),
        "min_length": found.get("minLength"),
        "max_length": found.get("maxLength"),
        "pattern": found.get("pattern"),
        "format": found.get("format"),
    }
    return {**limits, **(_whole_limits(limits) if is_integer else {})}


def _whole_limits(limits: Mapping[str, Json]) -> dict[str, Json]:
    """For whole numbers "more than 3" is "at least 4", which every number input can show."""
    low, high = limits["exclusive_minimum"], limits["exclusive_maximum"]
    lows = [limits["minimum"], None if low is None else int(low // 1) + 1]
    highs = [limits["maximum"], None if high is None else -int(-high // 1) - 1]
    return {
        "minimum": max((each for each in lows if each is not None), default=None),
        "maximum": min((each for each in highs if each is not None), default=None),
        "exclusive_minimum": None,
        "exclusive_maximum": None,
    }


def _number(value: Json) -> float | None:
    """Draft 4 wrote `exclusiveMinimum: true`; that is no limit of its own."""
    return None if isinstance(value, bool) else value


def _own_title(schema: Json) -> str:
    """The title beside a reference, not that of what it refers to, which names a class."""
    return _text(schema, "title") if isinstance(schema, dict) else ""


def _text(found: Mapping[str, Json], key: str) -> str:
    value = found.get(key)
    return one_line(value, 300) if isinstance(value, str) else ""
