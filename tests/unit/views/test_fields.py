from __future__ import annotations

import pytest

from interlock.core.model.schemas import fields_of
from interlock.dashboard.views import fields
from interlock.dashboard.views.forms import ABSENT, assemble


def draw(schema, start=None, **more):
    wrapped = {"type": "object", "properties": {"a": schema}, **more}
    (field,) = fields.from_fields(fields_of(wrapped), start or {})
    return field


@pytest.mark.parametrize(
    ("schema", "widget"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "maxLength": 5000}, "area"),
        ({"type": "string", "default": "a\nb"}, "area"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "date-time"}, "moment"),
        ({"type": "string", "format": "time"}, "time"),
        ({"type": "string", "format": "email"}, "text"),
        ({"enum": ["x", "y"]}, "choice"),
        ({"type": "integer"}, "integer"),
        ({"type": "number"}, "number"),
        ({"type": "boolean", "default": False}, "checkbox"),
        ({"type": "boolean"}, "choice"),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None}, "choice"),
        ({"type": "array", "items": {"enum": ["x", "y"]}}, "choices"),
        ({"type": "array", "items": {"type": "string"}}, "json"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "json"),
        ({"type": "object"}, "json"),
        ({"type": "object", "properties": {"b": {"type": "string"}}}, "group"),
    ],
)
def test_each_kind_of_field_gets_its_widget(schema, widget):
    assert draw(schema).widget == widget


def test_a_boolean_nobody_decided_is_not_silently_no():
    field = draw({"type": "boolean"}, required=["a"])
    assert field.start is None
    assert field.options == (True, False)
    assert assemble([field], {}) == ({}, [assemble([field], {})[1][0]])
    assert assemble([field], {"a": 1}) == ({"a": False}, [])


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 10}, "From 1 to 10."),
        ({"type": "integer", "minimum": 1, "description": "How many."}, "How many. At least 1."),
        ({"type": "integer", "maximum": 9}, "At most 9."),
        ({"type": "number", "exclusiveMinimum": 0}, "More than 0."),
        ({"type": "number", "exclusiveMaximum": 5}, "Less than 5."),
        ({"type": "string", "minLength": 3}, "At least 3 characters."),
        ({"type": "string", "format": "date-time"}, "In UTC."),
        ({"type": "array", "items": {"type": "string"}}, "As JSON: a list of string values."),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "As JSON: string or integer.",
        ),
        ({"type": "object"}, "As JSON."),
        ({"type": "string"}, ""),
    ],
)
def test_the_help_says_the_limits(schema, words):
    assert draw(schema).help == words


def test_an_object_that_may_be_null_is_json_with_its_keys_named():
    inner = {"type": "object", "properties": {"b": {"type": "string"}, "c": {"type": "string"}}}
    field = draw({"anyOf": [inner, {"type": "null"}]})
    assert field.widget == "json"
    assert field.help == "As JSON: an object with b, c."


def test_nested_fields_have_dotted_paths_and_their_defaults():
    field = draw(
        {
            "type": "object",
            "properties": {"b": {"type": "object", "properties": {"c": {"default": "x"}}}},
        }
    )
    assert assemble([field], {})[0] in ({}, {"a": {"b": {"c": "x"}}})


def test_limits_that_a_browser_cannot_hold_are_left_to_the_check():
    field = draw({"type": "integer", "minimum": -(2**63), "maximum": 2**63})
    assert (field.minimum, field.maximum) == (None, None)


def test_a_start_wins_over_the_default():
    assert draw({"type": "string", "default": "x"}, {"a": "y"}).start == "y"
    assert draw({"type": "string", "default": "x"}).start == "x"


@pytest.mark.parametrize(
    ("value", "widget"),
    [
        (True, "checkbox"),
        ("short", "text"),
        ("x" * 100, "area"),
        (3, "integer"),
        (3.5, "number"),
        ([1], "json"),
        (None, "json"),
    ],
)
def test_a_value_without_a_schema_gets_a_widget_by_its_type(value, widget):
    field = fields.guess_field("to_address", value)
    assert (field.widget, field.label) == (widget, "to address")
    assert assemble([field], {}) == ({"to_address": value}, [])


def test_arguments_keep_what_the_schema_does_not_know():
    schema = {"type": "object", "properties": {"n": {"type": "integer", "default": 1}}}
    drawn = fields.from_args(fields_of(schema), {"n": "3", "extra": "x"}, parent="0")
    assert [(f.path, f.widget) for f in drawn] == [("0.n", "json"), ("0.extra", "text")]
    assert assemble(drawn, {}) == ({"n": "3", "extra": "x"}, [])


def test_an_argument_that_was_not_given_is_not_added_by_its_default():
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "default": 1}, "b": {"type": "boolean"}},
    }
    drawn = fields.from_args(fields_of(schema), {})
    assert assemble(drawn, {}) == ({}, [])


def test_a_field_may_start_absent():
    (described,) = fields_of({"type": "string"})
    assert fields.from_field(described, ABSENT).label == "Answer"
