"""
What an operator would type to say a value, widget by widget.

Written from what the widgets of Streamlit hold, and not from the views that the tests put to the proof.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from interlock.dashboard.views.forms import FormField, join_path


class CannotSay(Exception):
    """No entry into this widget means the value."""


def fill_all(
    fields: Sequence[FormField], value: Mapping[str, Any], *, parent: str = ""
) -> dict[str, object]:
    """What all widgets hold, by path, once the fields of an object are filled in."""
    held: dict[str, object] = {}
    known = {field.name for field in fields}
    if not value.keys() <= known:
        raise CannotSay(f"there is no field for {sorted(value.keys() - known)}")
    for field in fields:
        assert field.path == join_path(parent, field.name)
        if field.widget == "group" and field.name not in value:
            continue  # nobody begins it
        if field.widget == "group":
            held |= fill_all(field.fields, value[field.name], parent=field.path)
        elif field.name in value:
            held[field.path] = fill(field, value[field.name])
        else:
            held[field.path] = empty(field)
    return held


def fill_some(fields: Sequence[FormField], value: Mapping[str, Any]) -> dict[str, object]:
    """The same where only some fields are filled in, and the others are left as they are."""
    held: dict[str, object] = {}
    drawn = {field.name: field for field in fields}
    for name, part in value.items():
        if name not in drawn:
            raise CannotSay(f"there is no field for {name!r}")
        field = drawn[name]
        if field.widget == "group":
            held |= fill_some(field.fields, part)
        else:
            held[field.path] = fill(field, part)
    return held


def fill(field: FormField, value: Any) -> object:
    """What one widget holds once the value is entered."""
    if field.widget == "json":
        return json.dumps(value)
    if value is None:
        return empty(field)
    match field.widget:
        case "text" | "area" if isinstance(value, str):
            return value
        case "integer" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "number" if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        case "checkbox" if isinstance(value, bool):
            return value
        case "choice":
            return _number_of(field, value)
        case "choices":
            return [_number_of(field, item) for item in value]
        case "rows":
            return _edits(field.given if isinstance(field.given, list) else [], value)
        case _:
            return _moment(field, value)


def empty(field: FormField) -> object:
    """What a widget holds once it is emptied, or was never filled in."""
    match field.widget:
        case "text" | "area" | "json" | "messages":
            return ""
        case "choices":
            return []
        case "rows":
            return {}
        case "checkbox":
            return False
        case _:
            return None


def _edits(given: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> object:
    """What `st.data_editor` keeps once some rows were changed into others; a cleared cell is None."""
    edits = {
        "edited_rows": {
            at: {name: row.get(name) for name in {**old, **row} if row.get(name) != old.get(name)}
            for at, (old, row) in enumerate(zip(given, rows, strict=False))
            if old != row
        },
        "added_rows": [dict(row) for row in rows[len(given) :]],
        "deleted_rows": list(range(len(rows), len(given))),
    }
    return {name: kept for name, kept in edits.items() if kept}


def _number_of(field: FormField, value: Any) -> int:
    for number, option in enumerate(field.options):
        if json.dumps(option, sort_keys=True) == json.dumps(value, sort_keys=True):
            return number
    raise CannotSay(f"{value!r} is none of {field.options!r}")


def _moment(field: FormField, value: Any) -> object:
    if not isinstance(value, str):
        raise CannotSay(f"{value!r} into {field.widget}")
    match field.widget:
        case "date":
            return date.fromisoformat(value)
        case "time":
            return time.fromisoformat(value).replace(tzinfo=None)
        case "moment":
            read = datetime.fromisoformat(value)
            return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read
        case _:
            raise CannotSay(f"{value!r} into {field.widget}")
