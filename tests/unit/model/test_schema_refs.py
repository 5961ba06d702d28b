"""Following local references by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from interlock.core.model import schema_refs

from .any_json import JSON

ROOT = {
    "$defs": {
        "Line": {"type": "object", "title": "Line"},
        "Same": {"$ref": "#/$defs/Line"},
        "a/b~c d": {"type": "string"},
        "Loop": {"$ref": "#/$defs/Loop"},
    },
    "prefixItems": [{"type": "integer"}],
}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (True, {}),
        ({"type": "null"}, {"type": "null"}),
        ({"$ref": "#/$defs/Same"}, {"type": "object", "title": "Line"}),
        ({"$ref": "#/$defs/Line", "title": "Mine"}, {"type": "object", "title": "Mine"}),
        (
            {"allOf": [{"$ref": "#/$defs/Line"}], "default": 1},
            {"type": "object", "title": "Line", "default": 1},
        ),
        ({"$ref": "#/$defs/a~1b~0c%20d"}, {"type": "string"}),
        ({"$ref": "#/prefixItems/0"}, {"type": "integer"}),
    ],
)
def test_reference_is_followed(schema: Any, expected: Any) -> None:
    assert schema_refs.resolve(schema, ROOT) == expected


@pytest.mark.parametrize(
    "schema",
    [
        False,
        None,
        "x",
        {"$ref": "#/$defs/Loop"},
        {"$ref": "#/$defs/Gone"},
        {"$ref": "#/$defs/Line/title/deeper"},
        {"$ref": "#/prefixItems/7"},
        {"$ref": "#/prefixItems/x"},
        {"$ref": "#anchor"},
        {"$ref": "other.json#/x"},
    ],
)
def test_what_is_not_there_is_none(schema: Any) -> None:
    assert schema_refs.resolve(schema, ROOT) is None


def test_whole_schema_is_a_reference_too() -> None:
    assert schema_refs.look_up("#", ROOT) is ROOT


def test_forms_of_a_union_come_without_null_and_without_what_cannot_be_read() -> None:
    union = {"anyOf": [{"type": "null"}, {"const": None}, {"$ref": "#/gone"}, {"type": "string"}]}
    assert schema_refs.branches_of(union, union) == ({"type": "string"},)
    assert schema_refs.branches_of({"type": "string"}, {}) == ({"type": "string"},)


def test_allowed_values_are_those_of_const_or_enum() -> None:
    assert schema_refs.allowed_values({"const": 0}) == (0,)
    assert schema_refs.allowed_values({"enum": [1, 2]}) == (1, 2)
    assert schema_refs.allowed_values({"enum": "broken"}) == ()


def test_references_are_found_where_schemas_stand_and_not_in_data() -> None:
    schema = {
        "properties": {"enum": {"$ref": "#/a"}, "$ref": {"type": "string"}},
        "anyOf": [{"$dynamicRef": "#b"}],
        "enum": [{"$ref": "#/data"}],
    }
    assert sorted(schema_refs.iter_references(schema)) == ["#/a", "#b"]


@given(JSON, JSON)
def test_resolving_never_raises(schema: Any, root: Any) -> None:
    resolved = schema_refs.resolve(schema, root)
    assert resolved is None or isinstance(resolved, dict)
