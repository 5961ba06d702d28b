"""Checking values against schemas: what is said, where, and that nothing can hang or fetch."""

from __future__ import annotations

import time
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from interlock.core.model import json_values, schema_keywords, schemas

from .any_json import JSON, SCHEMAS


def said(value: Any, schema: Any) -> list[str]:
    """The problems as an operator reads them."""
    return [str(problem) for problem in schemas.check(value, schema)]


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ("3", {"type": "integer"}, "must be a whole number"),
        (3, {"type": ["string", "null"]}, "must be text or null"),
        (True, {"type": "number"}, "must be a number"),
        ("c", {"enum": ["a", "b"]}, "must be a or b"),
        (1, {"const": 2}, "must be 2"),
        (1, {"minimum": 2}, "must be at least 2"),
        (3, {"maximum": 2}, "must be at most 2"),
        (2, {"exclusiveMinimum": 2}, "must be more than 2"),
        (2, {"exclusiveMaximum": 2}, "must be less than 2"),
        (3, {"multipleOf": 2}, "must be a multiple of 2"),
        ("", {"minLength": 1}, "must have at least 1 characters"),
        ("abc", {"maxLength": 2}, "must have at most 2 characters"),
        ([], {"minItems": 1}, "must have at least 1 items"),
        ([1, 2], {"maxItems": 1}, "must have at most 1 items"),
        ([1, 1], {"uniqueItems": True}, "holds something twice"),
        ("A", {"pattern": "^[a-z]$"}, "must match the pattern ^[a-z]$"),
        ("soon", {"format": "date"}, "must be a date like 2026-01-31"),
        ("x", {"format": "ipv4"}, "must be a valid ipv4"),
        (1, False, "is not accepted here"),
        ({"a": 1}, {"propertyNames": {"maxLength": 0}}, "must have at most 0 characters"),
        ([1], {"contains": {"type": "string"}}, "does not fit the rule 'contains' of the schema"),
        (1, {"not": {}}, "does not fit the rule 'not' of the schema"),
    ],
)
def test_problem_is_one_sentence(value: Any, schema: Any, expected: str) -> None:
    assert said(value, schema) == [expected]


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1, None),
        (1, True),
        (1, {}),
        ([1, True, "1"], {"uniqueItems": True}),
        ([1, 1], {"uniqueItems": False}),
        (1, {"pattern": "a", "uniqueItems": True, "required": ["a"]}),
        (1, {"patternProperties": {"a": False}, "additionalProperties": False}),
        (1, {"format": "date-time"}),
        ("x", {"format": "unheard-of"}),
        ("2026-01-31T09:30:00", {"format": "date-time"}),
        ("2026-01-31 09:30:00Z", {"format": "date-time"}),
        ("09:30", {"format": "time"}),
        ("PT1H", {"format": "duration"}),
        ("https://example.org/x", {"format": "uri"}),
    ],
)
def test_value_that_fits_has_no_problem(value: Any, schema: Any) -> None:
    assert said(value, schema) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2026-01-31", "date-time"),
        ("2026-13-31T00:00:00", "date-time"),
        ("noon", "time"),
        ("an hour", "duration"),
        ("example.org", "uri"),
        ("https://a b", "uri"),
        ("ada", "email"),
        ("1", "uuid"),
    ],
)
def test_text_of_another_format_is_refused(text: str, name: str) -> None:
    assert len(said(text, {"format": name})) == 1


def test_paths_lead_to_the_field() -> None:
    schema = {
        "properties": {
            "lines": {"items": {"properties": {"n": {"type": "integer"}}, "required": ["sku"]}}
        },
        "required": ["to"],
        "additionalProperties": False,
    }
    assert said({"lines": [{"n": "x"}], "z": 1}, schema) == [
        "lines.0.n: must be a whole number",
        "lines.0.sku: is required",
        "to: is required",
        "z: is not known here",
    ]


def test_further_fields_are_checked_by_their_pattern_or_the_rest() -> None:
    schema = {
        "properties": {"a": {}},
        "patternProperties": {"^n_": {"type": "integer"}},
        "additionalProperties": {"type": "boolean"},
    }
    value = {"a": "x", "n_1": "x", "n_2": 1, "other": "x"}
    assert said(value, schema) == ["n_1: must be a whole number", "other: must be true or false"]


TAGGED = {
    "oneOf": [
        {"properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["n"]},
        {"properties": {"kind": {"enum": ["b"]}, "s": {"type": "string"}}},
    ]
}

AT_LEAST_ONE = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ({"kind": "a"}, TAGGED, ["n: is required"]),
        ({"kind": "b", "s": 1}, TAGGED, ["s: must be text"]),
        ({"kind": "c"}, TAGGED, ["kind: must be a or b"]),
        ("x", AT_LEAST_ONE, ["must be a whole number or null"]),
        (0, AT_LEAST_ONE, ["must be at least 1"]),
        (
            0,
            {"anyOf": [{"minimum": 1}, {"maximum": -1}]},
            ["does not fit any of the accepted forms"],
        ),
        (0, {"anyOf": [{"type": "string"}, {"const": 3}]}, ["must be text or 3"]),
    ],
)
def test_union_is_judged_by_the_form_that_was_meant(
    value: Any, schema: Any, expected: list[str]
) -> None:
    assert said(value, schema) == expected


def test_value_that_fits_several_forms_is_taken() -> None:
    message = {"properties": {"role": {}, "type": {"default": "human"}}}
    assert said({"role": "user"}, {"oneOf": [message, message]}) == []


def test_older_draft_is_read_by_its_own_rules() -> None:
    draft = "http://json-schema.org/draft-04/schema#"
    schema = {"$schema": draft, "minimum": 3, "exclusiveMinimum": True}
    assert len(said(3, schema)) == 1
    assert said(4, schema) == []
    assert said(3, {"$schema": "https://example.org/own", "minimum": 3}) == []


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ([], "not a JSON Schema"),
        ("x", "not a JSON Schema"),
        ({"type": "text"}, "broken at type"),
        ({"properties": []}, "broken at properties"),
        ({"$ref": "https://example.org/schema"}, "refers to https://example.org/schema"),
        ({"items": {"$ref": "#/$defs/Gone"}}, "refers to #/$defs/Gone"),
        ({"$ref": "#nowhere"}, "refers to #nowhere"),
        ({"default": float("inf")}, "not JSON"),
        ({"description": "x" * 1_000_001}, "too big"),
        ({"patternProperties": {}, "unevaluatedProperties": False}, "cannot be checked"),
        ({"required": ["x", "x"]}, "broken at required"),
    ],
)
def test_unusable_schema_is_one_problem_for_the_whole_value(schema: Any, words: str) -> None:
    problems = schemas.check({}, schema)
    assert [problem.path for problem in problems] == [""]
    assert words in problems[0].message
    assert schemas.find_schema_problem(schema) == problems[0].message


def test_schema_of_very_many_parts_is_too_big() -> None:
    wide = {"properties": {f"f{n}": {} for n in range(6_000)}}
    assert "too big" in said({}, wide)[0]


def test_draft_named_within_a_schema_does_not_lift_the_bounds() -> None:
    draft = "https://json-schema.org/draft/2020-12/schema"
    inner = {"$schema": draft, "pattern": "^(a+)+$"}
    schema = {"$schema": draft, "properties": {"$schema": inner, "list": {"items": inner}}}
    value = {"$schema": "a" * 40 + "!", "list": ["a" * 40 + "!"]}
    assert len(said(value, schema)) == 2


def test_schema_in_circles_is_told_not_followed() -> None:
    assert "round in circles" in said(1, {"$ref": "#"})[0]


def test_value_nested_without_end_is_told() -> None:
    value: list[Any] = []
    value.append(value)
    assert "levels deep" in said(value, {"type": "array"})[0]


def test_schema_that_doubles_with_every_step_is_given_up() -> None:
    chain: dict[str, Any] = {
        f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(30)
    }
    schema = {"$ref": "#/$defs/a0", "$defs": {**chain, "a30": {"type": "string"}}}
    assert said("x", schema) == ["is too big to be checked against its schema"]


def test_pattern_that_backtracks_for_ever_elsewhere_is_quick() -> None:
    text = "a" * 50_000 + "!"
    started = time.process_time()
    assert said(text, {"pattern": "^(a+)+$"}) != []
    assert said({text: 1}, {"patternProperties": {"^(a+)+$": False}}) == []
    assert time.process_time() - started < 10  # backtracking would take longer than the universe


def test_pattern_that_cannot_be_judged_is_left_to_the_graph() -> None:
    assert said("x", {"pattern": "(?=a)"}) == []


def test_problems_are_bounded_and_told_once() -> None:
    schema = {"items": {"type": "string"}}
    assert len(said([1] * 100, schema)) == json_values.MAX_PROBLEMS
    assert said(1, {"type": "string", "allOf": [{"type": "string"}]}) == ["must be text"]


def test_union_with_many_problems_is_bounded_too() -> None:
    many = {"required": [f"f{n}" for n in range(50)], "type": "object"}
    assert len(said({}, {"anyOf": [many, {"type": "null"}]})) == json_values.MAX_PROBLEMS


def test_budget_is_given_back_after_a_check() -> None:
    with schema_keywords.budget(1), pytest.raises(schema_keywords.TooMuchWork):
        validator: Any = schema_keywords.validator_class({})
        list(validator({"allOf": [{"type": "string"}]}).iter_errors(1))
    assert said(1, {"type": "string"}) == ["must be text"]


def message(kind: str) -> dict[str, Any]:
    """The schema of a message as LangChain publishes it, in short."""
    fields = {"type": {"const": kind, "default": kind}, "content": {"type": ["string", "array"]}}
    return {"type": "object", "properties": fields, "required": ["content"]}


MESSAGES = {
    "properties": {
        "messages": {
            "type": "array",
            "items": {"oneOf": [{"$ref": "#/$defs/AIMessage"}, {"$ref": "#/$defs/HumanMessage"}]},
        }
    },
    "$defs": {"AIMessage": message("ai"), "HumanMessage": message("human")},
}


@pytest.mark.parametrize(
    "messages",
    [
        [],
        "hi",
        ["hi"],
        [["user", "hi"]],
        [{"role": "user", "content": "hi"}],
        [{"type": "human", "content": "hi"}, {"type": "ai", "content": []}],
        {"role": "user", "content": "hi"},
    ],
)
def test_messages_may_be_written_in_short_as_langgraph_takes_them(messages: Any) -> None:
    assert schemas.check_input({"messages": messages}, MESSAGES) == []
    assert schemas.check_fields({"messages": messages}, MESSAGES) == []


@pytest.mark.parametrize(
    "messages",
    [3, None, [3], [["a", "b", "c"]], [{"role": "user"}], [{"type": "x", "content": ""}]],
)
def test_what_langgraph_would_not_take_as_messages_is_refused(messages: Any) -> None:
    problems = schemas.check_input({"messages": messages}, MESSAGES)
    assert [problem.path.split(".")[0] for problem in problems] == ["messages"]


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {"type": "array", "items": {"oneOf": [True, {"$ref": "#/$defs/x"}]}, "$defs": {"x": {}}},
        {"type": "array", "items": {"type": "integer"}},
        {"items": [{"type": "integer"}], "type": "broken"},
    ],
)
def test_other_schemas_are_checked_as_they_are(schema: Any) -> None:
    for value in ("hi", ["hi"], [1]):
        assert schemas.check_input(value, schema) == schemas.check(value, schema)


class Order(BaseModel):
    """A state with rules."""

    to: str
    n: int = Field(ge=1, le=5)


class Tree(BaseModel):
    """A state that refers to itself at its root."""

    name: str
    children: list[Tree] = []


def test_change_of_some_fields_requires_no_others() -> None:
    schema = Order.model_json_schema()
    assert schemas.check_fields({"n": 5}, schema) == []
    assert [str(each) for each in schemas.check_fields({"n": 99, "x": 1}, schema)] == [
        "n: must be at most 5",
        "x: is not known here",
    ]


def test_change_of_some_fields_follows_the_reference_at_the_root() -> None:
    schema = Tree.model_json_schema()
    assert schemas.check_fields({"children": [{"name": "x"}]}, schema) == []
    problems = schemas.check_fields({"children": [{}]}, schema)
    assert [str(each) for each in problems] == ["children.0.name: is required"]


@pytest.mark.parametrize("schema", [None, True, {}, {"type": "object"}])
def test_change_of_fields_nothing_is_known_about_is_taken(schema: Any) -> None:
    assert schemas.check_fields({"x": 1}, schema) == []


def test_further_fields_of_a_state_are_taken_where_it_allows_them() -> None:
    schema = {"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}
    assert schemas.check_fields({"b": 1}, schema) == []
    assert len(schemas.check_fields({"b": "x"}, schema)) == 1


@given(JSON, JSON)
def test_check_never_raises_whatever_the_schema(value: Any, schema: Any) -> None:
    assert len(schemas.check(value, schema)) <= json_values.MAX_PROBLEMS


@given(st.data(), SCHEMAS)
def test_check_agrees_with_the_library(data: st.DataObject, schema: Any) -> None:
    value = data.draw(JSON)
    if "oneOf" in str(schema) or "format" in str(schema):
        return
    library = jsonschema.Draft202012Validator(schema)
    assert (schemas.check(value, schema) == []) == library.is_valid(value)
