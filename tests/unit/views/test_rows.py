from __future__ import annotations

import pytest

from interlock.core.model.schemas import fields_of
from interlock.dashboard.views import rows
from interlock.dashboard.views.fields import from_fields
from interlock.dashboard.views.forms import assemble

ROW = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "Ann"},
        "amount": {"type": "number"},
        "kind": {"enum": ["a", "b"]},
    },
}


def draw(items, value=None):
    schema = {"type": "object", "properties": {"lines": {"type": "array", "items": items}}}
    (field,) = from_fields(fields_of(schema), {} if value is None else {"lines": value})
    return field


def test_a_list_of_flat_objects_is_a_table_with_a_column_a_field():
    field = draw(ROW, [{"name": "Ben", "amount": 3}])
    assert field.widget == "rows"
    assert [(f.name, f.widget) for f in field.fields] == [
        ("name", "text"),
        ("amount", "number"),
        ("kind", "choice"),
    ]
    assert assemble([field], {}) == ({"lines": [{"name": "Ben", "amount": 3}]}, [])


@pytest.mark.parametrize(
    "inner",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "properties": {"x": {"type": "string"}}},
        {"type": "string", "format": "date"},
        {"enum": [1, 2]},
        {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]},
    ],
)
def test_a_column_that_a_cell_cannot_show_makes_the_list_json(inner):
    assert draw({"type": "object", "properties": {"a": inner}}).widget == "json"
    nullable = {"anyOf": [ROW, {"type": "null"}]}
    assert draw(nullable).widget == "json"


@pytest.mark.parametrize(
    "value",
    [
        {"name": "Ann"},
        [1],
        [{"more": 1}],
        [{"name": ["x"]}],
        [{"name": "two\nlines"}],
        [{"name": None}],
        [{"amount": 2**60}],
        [{"amount": "3"}],
        [{"kind": "c"}],
    ],
)
def test_rows_that_a_table_would_change_are_json(value):
    field = draw(ROW, value)
    assert field.widget == "json"
    assert assemble([field], {}) == ({"lines": value}, [])


def test_edits_are_applied_to_the_rows_they_began_with():
    field = draw(ROW, [{"name": "a", "amount": 1}, {"name": "b"}, {"name": "c"}])
    edits = {
        "edited_rows": {"0": {"amount": 9}, 2: {"name": None}},
        "added_rows": [{"name": "d", "amount": None}, {}],
        "deleted_rows": [1],
    }
    value, _ = assemble([field], {"lines": edits})
    assert value == {"lines": [{"name": "a", "amount": 9}, {}, {"name": "d"}]}


def test_rows_are_added_where_there_were_none():
    field = draw(ROW)
    assert assemble([field], {}) == ({}, [])
    value, _ = assemble([field], {"lines": {"added_rows": [{"name": "x"}]}})
    assert value == {"lines": [{"name": "x"}]}


def test_a_table_nobody_touched_holds_no_edits():
    assert rows.keep_edits({"edited_rows": {}, "added_rows": [], "deleted_rows": []}) == {}
    assert rows.keep_edits(None) == {}
    assert rows.keep_edits({"deleted_rows": [0]}) == {"deleted_rows": [0]}
