"""Schemas as the fields of a form."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from pydantic import BaseModel, Field

from interlock.core.model import schemas

from .any_json import JSON, SCHEMAS


def field_for(schema: Any) -> schemas.Field:
    """The one field of a schema, described as the field `x` of an object."""
    (field,) = schemas.fields_of({"properties": {"x": schema}})
    return field


class Size(enum.Enum):
    """Sizes."""

    SMALL = "small"
    LARGE = "large"


class Cat(BaseModel):
    """A cat."""

    kind: Literal["cat"]
    lives: int = Field(9, ge=1, lt=10, title="Lives left", description="How many\nlines")


class Dog(BaseModel):
    """A dog."""

    kind: Literal["dog"]
    name: Annotated[str, Field(min_length=2, max_length=9, pattern="^[a-z]+$")]


class Order(BaseModel):
    """Everything a form can show."""

    approved: bool
    amount: float = Field(gt=0, le=9.5, multiple_of=0.5)
    price: Decimal
    when: dt.datetime
    day: dt.date | None = None
    size: Size = Size.SMALL
    other_size: Size | None = None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    cat: Cat | None
    tags: set[str] = Field(min_length=1, max_length=3)
    odd: Literal["x", 1] | None


@pytest.fixture
def order() -> dict[str, schemas.Field]:
    """The fields of an order by name."""
    return {field.name: field for field in schemas.fields_of(Order.model_json_schema())}


def test_order_can_be_drawn(order: dict[str, schemas.Field]) -> None:
    assert schemas.is_drawable(Order.model_json_schema())
    assert list(order) == list(Order.model_fields)


def test_scalars_have_their_limits(order: dict[str, schemas.Field]) -> None:
    assert (order["approved"].type, order["approved"].required) == ("boolean", True)
    amount = order["amount"]
    assert (amount.exclusive_minimum, amount.minimum) == (0, None)
    assert (amount.maximum, amount.multiple_of) == (9.5, 0.5)
    assert order["when"].format == "date-time"


def test_null_in_a_union_makes_a_field_nullable(order: dict[str, schemas.Field]) -> None:
    day = order["day"]
    assert (day.type, day.format, day.nullable, day.required) == ("string", "date", True, False)
    assert (day.has_default, day.default) == (True, None)
    assert (order["approved"].has_default, order["approved"].nullable) == (False, False)


def test_referenced_enum_keeps_the_label_of_its_field(order: dict[str, schemas.Field]) -> None:
    size, other = order["size"], order["other_size"]
    assert (size.type, size.enum, size.default) == ("string", ("small", "large"), "small")
    assert (other.label, other.enum, other.nullable) == ("Other size", ("small", "large"), True)


def test_enum_of_several_types_is_a_union_to_choose_from(order: dict[str, schemas.Field]) -> None:
    assert (order["odd"].type, order["odd"].enum, order["odd"].nullable) == (
        "union",
        ("x", 1),
        True,
    )


def test_tagged_union_has_its_forms_and_their_tag(order: dict[str, schemas.Field]) -> None:
    pet = order["pet"]
    assert (pet.type, pet.discriminator) == ("union", "kind")
    assert [form.label for form in pet.any_of] == ["Cat", "Dog"]
    kind, lives = pet.any_of[0].fields
    assert (kind.enum, kind.default, kind.has_default) == (("cat",), "cat", True)
    assert (lives.label, lives.help, lives.default) == ("Lives left", "How many", 9)
    assert (lives.minimum, lives.maximum, lives.exclusive_maximum) == (1, 9, None)
    name = pet.any_of[1].fields[1]
    assert (name.min_length, name.max_length, name.pattern) == (2, 9, "^[a-z]+$")


def test_nullable_object_is_an_object(order: dict[str, schemas.Field]) -> None:
    assert (order["cat"].type, order["cat"].nullable) == ("object", True)
    assert [field.name for field in order["cat"].fields] == ["kind", "lives"]


def test_list_has_its_items_and_limits(order: dict[str, schemas.Field]) -> None:
    tags = order["tags"]
    assert (tags.type, tags.min_length, tags.max_length, tags.is_unique) == ("array", 1, 3, True)
    assert tags.items is not None
    assert (tags.items.type, tags.items.name) == ("string", "")


def test_union_of_scalars_has_one_form_each(order: dict[str, schemas.Field]) -> None:
    assert [form.type for form in order["price"].any_of] == ["number", "string"]
    assert order["price"].discriminator is None


def test_union_without_a_declared_tag_is_told_apart_by_the_constant_all_have() -> None:
    schema = {
        "anyOf": [
            {"properties": {"a": {"const": 1}, "b": {"const": 1}}},
            {"properties": {"b": {"enum": [2]}}},
        ]
    }
    assert field_for(schema).discriminator == "b"


@pytest.mark.parametrize(
    ("schema", "type_", "nullable"),
    [
        ({"type": ["string", "null"]}, "string", True),
        ({"type": ["null"]}, "null", True),
        ({"type": ["string", "integer"]}, "union", False),
        ({"type": ["string", "integer", "null"]}, "union", True),
        ({"type": "null"}, "null", False),
        ({"const": None}, "null", True),
        ({"enum": [1, 2]}, "integer", False),
        ({"enum": [1.5]}, "number", False),
        ({"enum": [True]}, "boolean", False),
        ({"enum": [[1]]}, "array", False),
        ({"enum": [{"a": 1}]}, "object", False),
        ({"anyOf": [{"type": "null"}]}, "union", False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "integer"}]}, "union", True),
        ({"anyOf": [{"type": "string"}, {"type": ["integer", "null"]}]}, "union", True),
        ({"allOf": [{"type": "string"}]}, "string", False),
        ({"properties": {}}, "object", False),
    ],
)
def test_type_is_read_without_its_null(schema: Any, type_: str, nullable: bool) -> None:
    field = field_for(schema)
    assert (field.type, field.nullable) == (type_, nullable)
    assert schemas.is_drawable({"properties": {"x": schema}})


@pytest.mark.parametrize(
    ("schema", "minimum", "maximum"),
    [
        ({"exclusiveMinimum": 3, "exclusiveMaximum": 9}, 4, 8),
        ({"exclusiveMinimum": 3.5, "exclusiveMaximum": 8.5}, 4, 8),
        ({"minimum": 5, "exclusiveMinimum": 3, "maximum": 6, "exclusiveMaximum": 9}, 5, 6),
        ({}, None, None),
    ],
)
def test_limits_of_whole_numbers_are_inclusive(schema: Any, minimum: Any, maximum: Any) -> None:
    field = field_for({"type": "integer", **schema})
    assert (field.minimum, field.maximum) == (minimum, maximum)
    assert (field.exclusive_minimum, field.exclusive_maximum) == (None, None)


def test_flag_of_an_old_draft_is_no_limit() -> None:
    old = "http://json-schema.org/draft-04/schema#"
    inner = {"type": "number", "minimum": 3, "exclusiveMinimum": True}
    (field,) = schemas.fields_of({"$schema": old, "properties": {"x": inner}})
    assert (field.minimum, field.exclusive_minimum) == (3, None)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        False,
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "array"},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"type": "string", "not": {"const": "x"}},
        {"allOf": [{"type": "string"}, {"minLength": 1}]},
        {"if": {}, "then": {"type": "string"}},
        {"anyOf": [{"type": "string"}], "oneOf": [{"type": "string"}]},
        {"anyOf": [{"required": ["a"]}], "properties": {"a": {"type": "string"}}},
        {"anyOf": [{"type": "object"}, {"type": "null"}]},
        {"anyOf": [False, {"type": "null"}]},
        {"title": 3, "type": "string"},
    ],
)
def test_what_a_form_cannot_show_gets_the_json_editor(schema: Any) -> None:
    assert not schemas.is_drawable({"properties": {"x": schema}})


class Tree(BaseModel):
    """Refers to itself."""

    name: str
    children: list[Tree] = []


def test_schema_that_refers_to_itself_gets_the_json_editor() -> None:
    assert not schemas.is_drawable(Tree.model_json_schema())
    assert [field.name for field in schemas.fields_of(Tree.model_json_schema())] == [
        "name",
        "children",
    ]


def test_schema_that_branches_out_ends_early() -> None:
    branch = {f"f{n}": {"$ref": "#"} for n in range(9)}
    assert not schemas.is_drawable({"properties": branch})


def test_very_long_form_gets_the_json_editor() -> None:
    assert not schemas.is_drawable({"properties": {f"f{n}": {"type": "null"} for n in range(300)}})


def test_value_that_is_no_object_is_one_field_without_a_name() -> None:
    (field,) = schemas.fields_of({"type": "boolean", "title": "Sure?"})
    assert (field.name, field.label, field.type, field.required) == ("", "Sure?", "boolean", True)
    (maybe,) = schemas.fields_of({"anyOf": [Cat.model_json_schema(), {"type": "null"}]})
    assert (maybe.name, maybe.type, maybe.nullable) == ("", "object", True)
    assert maybe.label == "Cat"


@pytest.mark.parametrize("schema", [None, {"type": "broken"}, [], {"$ref": "#/gone"}])
def test_no_usable_schema_means_no_form(schema: Any) -> None:
    assert schemas.fields_of(schema) == ()
    assert not schemas.is_drawable(schema)


def test_long_help_is_its_first_line() -> None:
    assert field_for({"type": "null", "description": "# One\ntwo"}).help == "One"


@given(JSON | SCHEMAS)
def test_describing_never_raises(schema: Any) -> None:
    fields = schemas.fields_of(schema)
    if schemas.is_drawable(schema):
        assert all(field.type != "json" for field in fields)
