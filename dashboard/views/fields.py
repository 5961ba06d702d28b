"""Which widget each field of a schema gets; what a form cannot show is a JSON field among the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from interlock.core.model.schemas import Field
from interlock.core.types import Json
from interlock.dashboard.views.formatting import SAFE_INTEGER, one_line
from interlock.dashboard.views.forms import (
    ABSENT,
    AREA_COUNT,
    FormField,
    Widget,
    join_path,
    with_null,
    with_start,
)

# Keys that hold more than a line, whatever their present value is.
_LONG_NAMES = frozenset(
    {"text", "body", "content", "description", "message", "prompt", "brief", "notes", "comment"}
    | {"draft", "instructions", "feedback", "reply", "question"}
)
_TIME_WIDGETS: Mapping[str, Widget] = {"date": "date", "date-time": "moment", "time": "time"}
_CELL_TYPES = frozenset({"string", "integer", "number", "boolean"})
YES_NO: tuple[Json, ...] = (True, False)
MAX_CHARS = 1_000_000  # a longer limit is no help to whoever types, and no widget takes any number


def from_fields(
    fields: Sequence[Field], start: Mapping[str, Json], *, parent: str = ""
) -> tuple[FormField, ...]:
    """
    The form of an object.

    Args:
        fields: What the schema describes.
        start: Values to start with; a field that is not among them starts with its default.
        parent: Dotted path of the object, empty at the top.
    """
    return tuple(from_field(f, start.get(f.name, _default(f)), parent=parent) for f in fields)


def from_field(field: Field, value: object, *, parent: str = "") -> FormField:
    """One field starting with a value, or with `ABSENT`."""
    path = join_path(parent, field.name)
    is_group = _is_group(field)
    inner = field.fields if is_group else _columns(field)
    low, high = field.minimum, field.maximum
    max_chars = field.max_length or 0 if field.type == "string" else 0
    drawn = FormField(
        path=path,
        label=field.label or field.name or "Answer",
        widget="group" if is_group else _choose_widget(field),
        help=_explain(field),
        is_required=field.required,
        is_nullable=field.nullable,
        options=_options(field),
        minimum=low if low is not None and abs(low) <= SAFE_INTEGER else None,
        maximum=high if high is not None and abs(high) <= SAFE_INTEGER else None,
        max_chars=field.max_length if 0 < max_chars <= MAX_CHARS else None,
        fields=from_fields(inner, {}, parent=path),
    )
    return with_start(drawn, value)


def guess_field(name: str, value: Json, *, parent: str = "") -> FormField:
    """A field for a value that no schema describes, as its present type suggests."""
    widget: Widget = "json"
    if isinstance(value, bool):
        widget = "checkbox"
    elif isinstance(value, str):
        widget = "area" if _is_long(name, value) else "text"
    elif isinstance(value, int):
        widget = "integer"
    elif isinstance(value, float):
        widget = "number"
    path = join_path(parent, name)
    label = name.replace("_", " ")
    field = FormField(
        path=path, label=label, widget=widget, is_required=True, is_nullable=value is None
    )
    return with_start(field, value)


def from_args(
    fields: Sequence[Field], args: Mapping[str, Json], *, parent: str = ""
) -> tuple[FormField, ...]:
    """
    The form of a tool's arguments: those of its schema, and any other it was called with.

    An argument that was not given starts empty, not with its default: approving must not add it.
    """
    given = [replace(f, has_default=f.has_default and f.name in args) for f in fields]
    described = {f.name for f in fields}
    others = [
        guess_field(name, value, parent=parent)
        for name, value in args.items()
        if name not in described
    ]
    drawn = (
        with_null(f) if f.name in args and args[f.name] is None and f.given is ABSENT else f
        for f in from_fields(given, args, parent=parent)
    )
    return (*drawn, *others)


def _default(field: Field) -> object:
    return field.default if field.has_default else ABSENT


def _is_group(field: Field) -> bool:
    # An object that may be null, and a list or union, has no fixed set of widgets: JSON says it all.
    return field.type == "object" and bool(field.fields) and not field.nullable and not field.enum


def _choose_widget(field: Field) -> Widget:
    if field.enum:
        return "choice"
    if field.type == "boolean":
        # An unticked box would say no without anybody having said so.
        return "checkbox" if field.has_default and not field.nullable else "choice"
    if field.type == "string":
        return _choose_text(field)
    if field.type in ("integer", "number"):
        return "integer" if field.type == "integer" else "number"
    if field.type == "array" and field.items is not None and field.items.enum:
        return "json" if field.items.nullable else "choices"  # null cannot be chosen
    return "rows" if _columns(field) else "json"


def _columns(field: Field) -> tuple[Field, ...]:
    """The columns of a list of flat objects; nothing for any other list, which stays JSON."""
    items = field.items
    if field.type != "array" or items is None or items.type != "object" or items.nullable:
        return ()
    return items.fields if all(map(_is_cell, items.fields)) and not items.enum else ()


def _is_cell(field: Field) -> bool:
    if field.enum:
        return all(isinstance(value, str) for value in field.enum) and not field.nullable
    return field.type in _CELL_TYPES and field.format not in _TIME_WIDGETS


def _choose_text(field: Field) -> Widget:
    timed = _TIME_WIDGETS.get(field.format or "")
    if timed is not None:
        return timed
    start = field.default if isinstance(field.default, str) else ""
    long = (field.max_length or 0) > 2 * AREA_COUNT
    return "area" if long or _is_long(field.name, start) else "text"


def _is_long(name: str, text: str) -> bool:
    return name.lower() in _LONG_NAMES or len(text) > AREA_COUNT or "\n" in text


def _options(field: Field) -> tuple[Json, ...]:
    if field.type == "array":
        return field.items.enum if field.items is not None else ()
    return field.enum or (YES_NO if field.type == "boolean" else ())


def _explain(field: Field) -> str:
    """The schema's own words, then its limits."""
    low = field.minimum if field.minimum is not None else field.exclusive_minimum
    high = field.maximum if field.maximum is not None else field.exclusive_maximum
    parts = [field.help] if field.help else []
    if low is not None and high is not None:
        parts.append(f"From {_say(low)} to {_say(high)}.")
    elif low is not None:
        words = "More than" if field.minimum is None else "At least"
        parts.append(f"{words} {_say(low)}.")
    elif high is not None:
        words = "Less than" if field.maximum is None else "At most"
        parts.append(f"{words} {_say(high)}.")
    if field.type == "string" and (field.min_length or 0) > 1:
        parts.append(f"At least {field.min_length} characters.")
    if field.format == "date-time":
        parts.append("In UTC.")
    if _choose_widget(field) == "json" and not _is_group(field):
        parts.append(f"As JSON{': ' + _shape(field) if _shape(field) else '.'}")
    return " ".join(parts)


def _say(limit: float) -> str:
    """A limit with all its digits; a whole number may be larger than any float."""
    if isinstance(limit, int):
        return one_line(str(limit))
    return f"{limit:.15g}"


def _shape(field: Field) -> str:
    if field.type == "array" and field.items is not None and field.items.type != "json":
        return f"a list of {field.items.type} values."
    if field.type == "union" and field.any_of:
        return f"{' or '.join(dict.fromkeys(f.type for f in field.any_of))}."
    if field.type == "object":
        return f"an object with {one_line(', '.join(f.name for f in field.fields))}."
    return ""
