from __future__ import annotations

import pytest

from interlock.core.model.schemas import fields_of
from interlock.dashboard.views import fields
from interlock.dashboard.views.forms import ABSENT, assemble, place_problems, walk


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
        ({"type": "array", "items": {"enum": ["x", None]}}, "json"),
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
        ({"type": "string", "minLength": 1, "description": "Who."}, "Who."),
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


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "integer", "minimum": 1_234_567}, "At least 1234567."),
        ({"type": "number", "exclusiveMaximum": 0.1}, "Less than 0.1."),
        ({"type": "integer", "minimum": -5, "maximum": 10**20}, f"From -5 to {10**20}."),
    ],
)
def test_a_limit_is_said_with_all_its_digits(schema, said):
    assert draw(schema).help == said


def test_a_limit_beyond_any_widget_does_not_keep_the_form_from_being_drawn():
    assert draw({"type": "integer", "minimum": 10**400}).help.startswith("At least 1000")
    assert draw({"type": "string", "maxLength": 10**30}).max_chars is None
    assert draw({"type": "string", "maxLength": 20}).max_chars == 20


def test_a_moment_outside_the_calendar_is_shown_as_it_is():
    early = "0001-01-01T00:00:00+14:00"
    field = draw({"type": "string", "format": "date-time", "default": early})
    assert (field.widget, field.given) == ("json", early)


def test_a_dot_in_a_name_is_no_step_into_an_object():
    schema = {
        "type": "object",
        "properties": {
            "a.b": {"type": "string"},
            "a": {"type": "object", "properties": {"b": {"type": "string"}}},
            "a~1b": {"type": "string"},
        },
    }
    form = fields.from_fields(fields_of(schema), {})
    paths = [field.path for field in walk(form)]
    assert len(set(paths)) == 3
    drafts = dict(zip(paths, ("dot", "within", "tilde"), strict=True))
    value = {"a.b": "dot", "a": {"b": "within"}, "a~1b": "tilde"}
    assert assemble(form, drafts) == (value, [])


def test_a_problem_with_a_dotted_name_stands_beside_its_field():
    schema = {"type": "object", "properties": {"a.b": {"type": "string"}}, "required": ["a.b"]}
    (field,) = fields.from_fields(fields_of(schema), {})
    _, (needed,) = assemble([field], {})
    assert needed.path == "a.b"
    assert place_problems([field], [needed]) == ({field.path: needed.message}, [])


@pytest.mark.parametrize(
    ("kind", "widget"),
    [
        ({"type": "string"}, "text"),
        ({"type": "boolean", "default": False}, "json"),
        ({"type": "array", "items": {"type": "object", "properties": {"n": {}}}}, "json"),
    ],
)
def test_a_null_where_none_may_be_stays_one_until_something_is_entered(kind, widget):
    described = fields_of({"properties": {"a": kind}, "required": ["a"]})
    (field,) = fields.from_args(described, {"a": None})
    assert field.widget == widget
    assert assemble([field], {}) == ({"a": None}, [])
