from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.errors import FieldProblem
from interlock.core.model.schemas import fields_of
from interlock.dashboard.views import forms
from interlock.dashboard.views.fields import from_fields
from interlock.dashboard.views.forms import ABSENT, FormField


def make_field(widget="text", path="a", **more):
    return FormField(path=path, label=path, widget=widget, **more)


def started(widget, value, **more):
    return forms.with_start(make_field(widget, **more), value)


@pytest.mark.parametrize(
    ("widget", "value", "start"),
    [
        ("text", "hi", "hi"),
        ("area", "a\nb", "a\nb"),
        ("integer", 3, 3),
        ("integer", 3.0, 3),
        ("number", 620, 620.0),
        ("checkbox", True, True),
        ("date", "2026-03-02", date(2026, 3, 2)),
        ("time", "09:30:00", time(9, 30)),
        ("moment", "2026-03-02T12:00:00+01:00", datetime(2026, 3, 2, 11)),
        ("moment", "2026-03-02T12:00:00", datetime(2026, 3, 2, 12)),
        ("messages", [{"role": "user", "content": "hi"}], "hi"),
        ("json", {"a": 1}, '{\n  "a": 1\n}'),
    ],
)
def test_a_widget_starts_with_the_value_and_gives_it_back_untouched(widget, value, start):
    field = started(widget, value)
    assert field.start == start
    assert forms.assemble([field], {"a": field.start}) == ({"a": value}, [])
    assert forms.assemble([field], {}) == ({"a": value}, [])


@pytest.mark.parametrize(
    ("widget", "value", "more"),
    [
        ("text", "two\nlines", {}),
        ("text", 3, {}),
        ("integer", "3", {}),
        ("integer", 3.5, {}),
        ("integer", 2**60, {}),
        ("integer", 11, {"maximum": 10}),
        ("number", -1, {"minimum": 0}),
        ("number", True, {}),
        ("checkbox", "yes", {}),
        ("choice", "c", {"options": ("a", "b")}),
        ("choice", 1, {"options": (True, False)}),
        ("choices", ["a", "a"], {"options": ("a", "b")}),
        ("choices", "a", {"options": ("a", "b")}),
        ("date", "soon", {}),
        ("time", 5, {}),
        ("messages", [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], {}),
        ("messages", [{"role": "user", "content": "a", "id": "1"}], {}),
    ],
)
def test_a_value_that_a_widget_cannot_show_becomes_json_and_is_kept(widget, value, more):
    field = started(widget, value, **more)
    assert field.widget == "json"
    assert forms.assemble([field], {"a": field.start}) == ({"a": value}, [])


@pytest.mark.parametrize(
    ("widget", "draft", "expected", "more"),
    [
        ("text", "b", "b", {}),
        ("integer", 4, 4, {}),
        ("number", 4.5, 4.5, {}),
        ("number", 4.0, 4, {}),
        ("checkbox", False, False, {}),
        ("choice", 1, "y", {"options": ("x", "y")}),
        ("choices", [1, 0], ["y", "x"], {"options": ("x", "y")}),
        ("date", date(2026, 1, 2), "2026-01-02", {}),
        ("time", time(8, 5), "08:05:00", {}),
        ("moment", datetime(2026, 1, 2, 3), "2026-01-02T03:00:00+00:00", {}),
        (
            "moment",
            datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))),
            "2026-01-02T03:00:00+01:00",
            {},
        ),
        ("messages", "hi", [{"role": "user", "content": "hi"}], {}),
        ("json", "[1, null]", [1, None], {}),
    ],
)
def test_what_was_entered_becomes_json(widget, draft, expected, more):
    field = started(widget, ABSENT, **more)
    assert forms.assemble([field], {"a": draft}) == ({"a": expected}, [])


@pytest.mark.parametrize("widget", ["text", "integer", "choice", "json", "date"])
def test_an_empty_field_is_left_out_or_missed(widget):
    optional = started(widget, ABSENT)
    assert forms.assemble([optional], {"a": optional.start}) == ({}, [])
    needed = started(widget, ABSENT, is_required=True)
    assert forms.assemble([needed], {}) == ({}, [FieldProblem("a", forms.NEEDED)])


@pytest.mark.parametrize("widget", ["choices", "rows"])
def test_an_empty_list_is_an_answer_where_a_list_is_needed(widget):
    assert forms.assemble([started(widget, ABSENT)], {}) == ({}, [])
    assert forms.assemble([started(widget, ABSENT, is_required=True)], {}) == ({"a": []}, [])


def test_an_emptied_field_means_null_where_null_is_allowed():
    given = started("text", "x", is_nullable=True)
    assert forms.assemble([given], {"a": ""}) == ({"a": None}, [])
    needed = started("integer", ABSENT, is_nullable=True, is_required=True)
    assert forms.assemble([needed], {"a": None}) == ({"a": None}, [])


def test_an_emptied_text_stays_a_text_and_an_emptied_number_goes():
    assert forms.assemble([started("text", "x")], {"a": ""}) == ({"a": ""}, [])
    choices = started("choices", ["x"], options=("x",))
    assert forms.assemble([choices], {"a": []}) == ({"a": []}, [])
    assert forms.assemble([started("integer", 3)], {"a": None}) == ({}, [])


def test_null_stays_null_where_it_is_allowed_and_counts_as_nothing_elsewhere():
    assert forms.assemble([started("text", None, is_nullable=True)], {}) == ({"a": None}, [])
    assert forms.assemble([started("text", None)], {}) == ({}, [])


def test_json_that_cannot_be_read_says_where():
    field = started("json", ABSENT)
    _, (problem,) = forms.assemble([field], {"a": '{"x": }'})
    assert problem.path == "a"
    assert "line 1, column 7" in problem.message


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "[" * 100_000])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError, match="is n"):
        forms.parse_json(text)


GROUP = FormField(
    path="g",
    label="g",
    widget="group",
    fields=(
        make_field("text", path="g.name", is_required=True),
        make_field("integer", path="g.age"),
    ),
)


def test_a_group_is_an_object_within():
    field = forms.with_start(GROUP, {"name": "Ann"})
    assert forms.assemble([field], {"g.age": 7}) == ({"g": {"name": "Ann", "age": 7}}, [])
    assert [f.path for f in forms.walk([field])] == ["g.name", "g.age"]
    assert field.fields[0].name == "name"


def test_an_optional_group_nobody_began_is_left_out():
    field = forms.with_start(GROUP, ABSENT)
    assert forms.assemble([field], {}) == ({}, [])
    value, problems = forms.assemble([field], {"g.age": 7})
    assert value == {"g": {"age": 7}}
    assert problems == [FieldProblem("g.name", forms.NEEDED)]


@pytest.mark.parametrize("value", [[1], {"name": "Ann", "more": 1}])
def test_a_group_that_cannot_show_all_of_a_value_becomes_json(value):
    field = forms.with_start(GROUP, value)
    assert field.widget == "json"
    assert forms.assemble([field], {}) == ({"g": value}, [])


def test_a_touched_form_is_told_from_an_untouched_one():
    field = started("number", 620)
    assert not forms.is_touched([field], {})
    assert not forms.is_touched([field], {"a": 620.0})
    assert forms.is_touched([field], {"a": 500.0})


def test_problems_stand_beside_the_nearest_field():
    fields = [forms.with_start(GROUP, ABSENT), started("json", [1], path="lines")]
    problems = [
        FieldProblem("g.age", "too old"),
        FieldProblem("lines.0.amount", "too much"),
        FieldProblem("lines.1", "odd"),
        FieldProblem("other", "unknown"),
        FieldProblem("", "all wrong"),
    ]
    placed, rest = forms.place_problems(fields, problems)
    assert placed == {"g.age": "too old", "lines": "0.amount: too much; 1: odd"}
    assert [p.path for p in rest] == ["other", ""]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from(["text", "area", "integer", "number", "checkbox", "date", "moment", "json"]),
    JSON,
)
def test_no_value_is_changed_by_being_shown(widget, value):
    field = started(widget, value, is_nullable=True)
    back, problems = forms.assemble([field], {"a": field.start})
    assert problems == []
    assert back["a"] is value


def test_utc_is_what_a_moment_without_a_zone_means():
    field = started("moment", "2026-03-02T12:00:00Z")
    assert field.start == datetime(2026, 3, 2, 12, tzinfo=UTC).replace(tzinfo=None)


def test_rows_are_added_to_a_list_that_is_null_so_far():
    schema = {
        "type": "object",
        "properties": {
            "lines": {
                "type": ["array", "null"],
                "items": {"type": "object", "properties": {"sku": {"type": "string"}}},
                "default": None,
            }
        },
    }
    fields = from_fields(fields_of(schema), {})
    added = {"lines": {"added_rows": [{"sku": "x"}]}}
    assert forms.assemble(fields, added) == ({"lines": [{"sku": "x"}]}, [])
    assert forms.assemble(fields, {}) == ({"lines": None}, [])
