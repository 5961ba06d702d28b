"""
Forms from schemas: which widget a field gets, what it starts with, and what JSON it gives back.

A value nobody touched goes back exactly as it came: a widget may show 620 as 620.0, but does not
send it so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Literal

from interlock.core.errors import FieldProblem
from interlock.core.model import json_texts
from interlock.core.model.texts import show
from interlock.core.types import Json
from interlock.dashboard.views import rows
from interlock.dashboard.views.formatting import SAFE_INTEGER, to_json_text

Widget = Literal[
    "text",
    "area",
    "integer",
    "number",
    "checkbox",
    "choice",
    "choices",
    "date",
    "moment",
    "time",
    "messages",
    "json",
    "rows",
    "group",
]

NEEDED = "is needed"
AREA_COUNT = 80  # a longer text gets several lines


class _Absent:
    """Nothing was there; null is something."""


ABSENT = _Absent()


@dataclass(frozen=True, kw_only=True)
class FormField:
    """
    One field as it is drawn.

    `path` is its dotted path as `join_path` makes it, empty for the whole value. `start` is what the
    widget starts with, `given` the JSON it stands for, or `ABSENT`. `options` are the JSON values of a
    choice; a choice starts with and yields their numbers. `fields` are those of a group, or the columns
    of rows; rows start with no changes and yield changes, as `st.data_editor` keeps them.
    """

    path: str
    label: str
    widget: Widget
    help: str = ""
    is_required: bool = False
    is_nullable: bool = False
    start: object = None
    given: Json | _Absent = ABSENT
    options: tuple[Json, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_chars: int | None = None
    fields: tuple[FormField, ...] = ()

    @property
    def name(self) -> str:
        """The last part of its path, as the schema calls it."""
        return _unescape(self.path.rpartition(".")[2])

    @property
    def place(self) -> str:
        """Where a problem with it is said to be: its path in the schema's own words."""
        return _unescape(self.path)


def join_path(parent: str, name: str) -> str:
    """The path of a field within an object; a dot in its name is not one between two names."""
    part = name.replace("~", "~0").replace(".", "~1")
    return f"{parent}.{part}" if parent else part


def _unescape(path: str) -> str:
    return path.replace("~1", ".").replace("~0", "~")


def walk(fields: Sequence[FormField]) -> Iterator[FormField]:
    """Every field that has a widget, those of groups included."""
    for field in fields:
        if field.widget == "group":
            yield from walk(field.fields)
        else:
            yield field


def with_start(field: FormField, value: Json | _Absent) -> FormField:
    """
    The field starting with a value; one that its widget cannot show makes it a JSON field.

    A tool called with `"n": "3"` where a number belongs is shown as it is, not as an empty number.
    """
    if field.widget == "group":
        known = value if isinstance(value, Mapping) else {}
        if value is not ABSENT and not _fits_group(field, value):
            return _as_json(field, value)
        parts = tuple(with_start(f, known.get(f.name, f.given)) for f in field.fields)
        return replace(field, fields=parts, given=value)
    if value is ABSENT or value is None:
        given = value if value is ABSENT or field.is_nullable else ABSENT
        return replace(field, start=_empty(field.widget), given=given)
    try:
        return replace(field, start=_to_widget(field, value), given=value)
    except (ValueError, OverflowError):  # of a moment that leaves the calendar when told in UTC
        return _as_json(field, value)


def with_null(field: FormField) -> FormField:
    """The field of a value that is null although it must not be: it stays so until something is entered."""
    if field.widget in ("checkbox", "rows"):  # an empty one looks like a value of its own
        return _as_json(field, None)
    return replace(field, start=_empty(field.widget), given=None)


def assemble(
    fields: Sequence[FormField], drafts: Mapping[str, object]
) -> tuple[dict[str, Json], list[FieldProblem]]:
    """
    Put the object together from what the widgets hold.

    Args:
        fields: The form.
        drafts: What each widget holds, by path; a missing one counts as untouched.

    Returns:
        The object, without fields that were left empty, and what is wrong, by path.
    """
    value: dict[str, Json] = {}
    problems: list[FieldProblem] = []
    for field in fields:
        part, found = read(field, drafts)
        problems += found
        if not isinstance(part, _Absent):
            value[field.name] = part
    return value, problems


def read(
    field: FormField, drafts: Mapping[str, object]
) -> tuple[Json | _Absent, list[FieldProblem]]:
    """What one field holds as JSON, or `ABSENT`, and what is wrong with it."""
    if field.widget == "group":
        inner, problems = assemble(field.fields, drafts)
        if not field.is_required and field.given is ABSENT and _holds_nothing(inner):
            return ABSENT, []  # an optional object nobody began: its own needs do not count
        return inner, problems
    draft = drafts.get(field.path, field.start)
    if draft == field.start and not isinstance(field.given, _Absent):
        return field.given, []
    try:
        part = _from_widget(field, draft)
    except ValueError as exc:
        return ABSENT, [FieldProblem(field.place, str(exc))]
    if isinstance(part, _Absent) and field.is_required:
        return ABSENT, [FieldProblem(field.place, NEEDED)]
    return part, []


def is_touched(fields: Sequence[FormField], drafts: Mapping[str, object]) -> bool:
    """Whether any widget holds something else than it started with."""
    return any(drafts.get(f.path, f.start) != f.start for f in walk(fields))


def place_problems(
    fields: Sequence[FormField], problems: Sequence[FieldProblem]
) -> tuple[dict[str, str], list[FieldProblem]]:
    """Which problem stands beside which drawn field, and those that belong to none of them."""
    paths = {f.place: f.path for f in walk(fields)}
    placed: dict[str, str] = {}
    rest: list[FieldProblem] = []
    for problem in problems:
        place = problem.path
        while place and place not in paths:
            place = place.rpartition(".")[0]
        if place not in paths:
            rest.append(problem)
            continue
        path = paths[place]
        inside = problem.path[len(place) :].lstrip(".")
        text = f"{inside}: {problem.message}" if inside else problem.message
        placed[path] = f"{placed[path]}; {text}" if path in placed else text
    return placed, rest


def parse_json(text: str) -> Json:
    """
    Read JSON as an operator typed it.

    Raises:
        ValueError: It is not JSON; the message says where.
    """
    try:
        return json_texts.loads(text)
    except json.JSONDecodeError as exc:
        place = f"line {exc.lineno}, column {exc.colno}"
        raise ValueError(f"is not JSON: {exc.msg} at {place}") from exc
    except json_texts.DoubledKey as exc:
        raise ValueError(f"names {show(exc.key)} twice in one object") from exc
    except RecursionError as exc:
        raise ValueError("is nested too deep") from exc
    except ValueError as exc:
        raise ValueError(f"is not JSON: {exc}") from exc


def _fits_group(field: FormField, value: Json) -> bool:
    """Whether nothing of the value would be lost by drawing the group's fields alone."""
    return isinstance(value, Mapping) and {f.name for f in field.fields} >= value.keys()


def _fits_rows(field: FormField, value: Json) -> bool:
    """Whether every row is flat, and each of its cells shows its value exactly."""
    columns = {f.name: f for f in field.fields}
    return isinstance(value, list) and all(
        isinstance(row, Mapping)
        and columns.keys() >= row.keys()
        and all(_fits_cell(columns[name], cell) for name, cell in row.items())
        for row in value
    )


def _fits_cell(column: FormField, cell: Json) -> bool:
    return cell is not None and with_start(column, cell).widget == column.widget


def _as_json(field: FormField, value: Json | _Absent) -> FormField:
    return replace(field, widget="json", start=to_json_text(value), given=value, fields=())


def _empty(widget: Widget) -> object:
    if widget in ("text", "area", "messages", "json"):
        return ""
    if widget == "choices":
        return []
    if widget == "rows":
        return {}
    return False if widget == "checkbox" else None


def _to_widget(field: FormField, value: Json) -> object:
    """What the widget shows for a value. Raises ValueError where it cannot show it exactly."""
    match field.widget:
        case "text" | "area":
            return _show_text(field, value)
        case "integer" | "number":
            return _show_number(field, value)
        case "checkbox":
            return _require(value, is_fit=isinstance(value, bool))
        case "choice":
            return _find_option(field, value)
        case "choices":
            return _find_options(field, value)
        case "date" | "moment" | "time":
            return _read_time(field.widget, value)
        case "messages":
            return _show_messages(value)
        case "rows":
            return _require({}, is_fit=_fits_rows(field, value))
        case _:
            return to_json_text(value)


def _from_widget(field: FormField, draft: object) -> Json | _Absent:
    """The JSON of what a widget holds. Raises ValueError with what is wrong, in words."""
    if draft is None or draft in ("", [], {}):
        return _read_empty(field, draft)
    match field.widget:
        case "choice":
            return field.options[_number(draft)]
        case "choices":
            assert isinstance(draft, list)
            return [field.options[_number(n)] for n in draft]
        case "date" | "time":
            assert isinstance(draft, date | time)
            return draft.isoformat()
        case "moment":
            assert isinstance(draft, datetime)
            return draft.replace(tzinfo=draft.tzinfo or UTC).isoformat()
        case "messages":
            return [{"role": "user", "content": draft}]
        case "rows":
            assert isinstance(draft, Mapping)
            return rows.apply(field.given if isinstance(field.given, list) else [], draft)
        case "json":
            return parse_json(str(draft))
        case "number":
            number = float(str(draft))
            return int(number) if number.is_integer() else number
        case _:
            return draft


def _read_empty(field: FormField, draft: object) -> Json | _Absent:
    """
    What an emptied field means: null where that is allowed, an empty text or list where one was, an empty
    list where one is needed (nothing else could say so), else nothing. A needed text that was never filled
    in counts as missing; the JSON switch sends an empty one.
    """
    was_given = field.given is not ABSENT
    if field.is_nullable and (was_given or field.is_required):
        return None
    if was_given and field.widget in ("text", "area", "choices"):
        return draft
    return [] if field.is_required and field.widget in ("choices", "rows") else ABSENT


def _holds_nothing(value: Json) -> bool:
    """Whether it is what fields give that are empty: nulls and empty lists, in objects within objects."""
    if isinstance(value, Mapping):
        return all(map(_holds_nothing, value.values()))
    return value is None or value == []


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require(value: Json, *, is_fit: bool) -> Json:
    if not is_fit:
        raise ValueError("no widget shows this value exactly")
    return value


def _show_text(field: FormField, value: Json) -> Json:
    return _require(
        value, is_fit=isinstance(value, str) and (field.widget == "area" or "\n" not in value)
    )


def _show_number(field: FormField, value: Json) -> float:
    """A number within the limits, outside which the widget refuses to start."""
    low = -SAFE_INTEGER if field.minimum is None else field.minimum
    high = SAFE_INTEGER if field.maximum is None else field.maximum
    _require(value, is_fit=_is_number(value) and low <= value <= high)
    if field.widget == "number":
        return float(value)
    return int(_require(value, is_fit=value == int(value)))


def _find_option(field: FormField, value: Json) -> int:
    wanted = to_json_text(value)  # 1, 1.0 and true are equal to Python and not to JSON
    return [to_json_text(o) for o in field.options].index(wanted)


def _find_options(field: FormField, value: Json) -> list[int]:
    _require(value, is_fit=isinstance(value, list))
    numbers = [_find_option(field, v) for v in value]
    _require(value, is_fit=len(numbers) == len(set(numbers)))
    return numbers


def _show_messages(value: Json) -> str:
    match value:
        case [{"role": "user", "content": str(content), **rest}] if not rest:
            return content
    raise ValueError("more than one message of the user")


def _number(draft: object) -> int:
    assert isinstance(draft, int)
    return draft


def _read_time(widget: Widget, value: Json) -> date | time:
    text = _require(value, is_fit=isinstance(value, str))
    if widget == "date":
        return date.fromisoformat(text)
    if widget == "time":
        return time.fromisoformat(text).replace(tzinfo=None)
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
