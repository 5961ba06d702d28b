"""Whatever the schema: what is filled in is what is sent, or it is refused where it was filled in."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from interlock.core.model import schemas
from interlock.dashboard.views import forms
from interlock.dashboard.views.fields import from_args, from_fields
from interlock.dashboard.views.forms import FormField, walk

from ...filling import fill_all, fill_some  # noqa: TID252  tests are on no path to import from
from ..model.any_json import ARGS, JSON  # noqa: TID252
from ..model.any_json import SCHEMAS as ODD_SCHEMAS  # noqa: TID252
from .any_form import Whole, objects, wholes

UNTIMED = settings(
    deadline=None,
    max_examples=60,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def exact(value: Any) -> str:
    """A value as JSON text, in which 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True)


def draw_form(schema: Any) -> tuple[FormField, ...]:
    return from_fields(schemas.fields_of(schema), {})


@UNTIMED
@given(wholes())
def test_a_form_filled_in_gives_back_exactly_what_was_meant(whole: Whole) -> None:
    assert schemas.check(whole.value, whole.schema) == []
    fields = draw_form(whole.schema)
    value, problems = forms.assemble(fields, fill_all(fields, whole.value))
    assert problems == []
    assert exact(value) == exact(whole.value)


@UNTIMED
@given(wholes())
def test_a_form_that_starts_with_a_value_gives_it_back_untouched(whole: Whole) -> None:
    described = schemas.fields_of(whole.schema)
    for fields in (from_fields(described, whole.value), from_args(described, whole.value)):
        drawn = {f.path: f.start for f in walk(fields)}
        for drafts in ({}, drawn):
            value, problems = forms.assemble(fields, drafts)
            assert problems == []
            known = {name: value[name] for name in whole.value}
            assert exact(known) == exact(whole.value)
        assert not forms.is_touched(fields, drawn)


def entries(field: FormField) -> st.SearchStrategy[object]:
    """Anything the widget of a field can hold."""
    match field.widget:
        case "text" | "area" | "messages":
            return st.text(max_size=10)
        case "json":
            return st.text(max_size=5) | JSON.map(json.dumps)
        case "integer":
            return st.none() | st.integers(-(2**53) + 1, 2**53 - 1)
        case "number":
            return st.none() | st.floats(allow_nan=False, allow_infinity=False)
        case "checkbox":
            return st.booleans()
        case "choice":
            return st.none() | st.sampled_from(range(len(field.options)))
        case "choices":
            return st.lists(st.sampled_from(range(len(field.options))), unique=True)
        case "date":
            return st.none() | st.dates(date(1900, 1, 1))
        case "moment":
            return st.none() | st.datetimes(datetime(1900, 1, 1))
        case "time":
            return st.none() | st.times(time(0))
        case _:
            cell = (
                st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text(max_size=3)
            )
            row = st.fixed_dictionaries({}, optional={f.name: cell for f in field.fields})
            return st.lists(row, max_size=2).map(lambda rows: {"added_rows": rows} if rows else {})


@UNTIMED
@given(st.data(), wholes().map(lambda whole: whole.schema) | ODD_SCHEMAS)
def test_what_a_form_gives_fits_or_is_refused_at_a_place_of_the_form(
    data: st.DataObject, schema: Any
) -> None:
    described = schemas.fields_of(schema)
    if any(not field.name for field in described):
        return  # a single value has one place
    fields = from_fields(described, {})
    drawn = [field for field in walk(fields) if data.draw(st.booleans())]
    drafts = {field.path: data.draw(entries(field)) for field in drawn}
    value, problems = forms.assemble(fields, drafts)
    problems = problems or schemas.check(value, schema)
    placed, rest = forms.place_problems(fields, problems)
    assert set(placed) <= {field.path for field in walk(fields)}
    assert rest == []


@UNTIMED
@given(st.data(), ARGS, objects().map(lambda part: part.schema) | st.none())
def test_an_edit_leaves_every_other_argument_as_it_was(
    data: st.DataObject, args: dict[str, Any], schema: Any
) -> None:
    fields = from_args(schemas.fields_of(schema), args)
    numbers = [f for f in fields if f.widget == "integer" and f.name in args]
    change = {f.name: data.draw(st.integers(-99, 99)) for f in numbers if data.draw(st.booleans())}
    value, problems = forms.assemble(fields, fill_some(fields, change))
    asked = {f.name for f in fields if f.is_required} - args.keys()
    assert {problem.path for problem in problems} <= asked
    for name, given_value in args.items():
        assert exact(value[name]) == exact(change.get(name, given_value))
