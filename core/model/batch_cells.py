"""What the text of a CSV cell means for the field it is in: a number for a number's field, JSON for a list's."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NoReturn

from interlock.core.model.schemas import Field
from interlock.core.types import Json

MESSAGES = (
    "messages"  # the conversation of a graph; a plain cell in its column is one message of the user
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]{1,3})?", re.IGNORECASE)
_JSON_START = re.compile(r"\s*(\{|\[\s*[\[{\"\]])")  # "[urgent] please" is text
_YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class NotJson(ValueError):
    """The cell of a list or an object is no JSON; the message says where."""


def read_cell(text: str, field: Field | None) -> Json:
    """
    The JSON value that a cell stands for.

    Args:
        text: The cell, which is not empty.
        field: What the schema says of its column; None where it says nothing.

    Returns:
        The value; the text itself where it cannot be what the field wants, for the schema to refuse.

    Raises:
        NotJson: The field takes nothing that could be written without JSON, and this is none.
    """
    if field is None or field.type == "json":
        return _read_free(text, field)
    if field.enum:
        return _read_choice(text, field.enum)
    if field.type == "union":
        return _read_union(text, field)
    if field.type == "array" and field.name == MESSAGES and not _looks_like_json(text):
        return _say(text)
    if field.type in {"array", "object"}:
        return read_json(text)
    return _PLAIN[field.type](text)


def read_json(text: str) -> Json:
    """
    Read strict JSON.

    Raises:
        NotJson: It is none, is nested too deep, or names a key of an object twice.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_make_object)
    except json.JSONDecodeError as exc:
        place = f"column {exc.colno}" if exc.lineno == 1 else f"its line {exc.lineno}"
        raise NotJson(f"is not JSON: {exc.msg} at {place}") from exc
    except RecursionError as exc:
        raise NotJson("is nested too deep") from exc
    except NotJson:
        raise
    except ValueError as exc:  # a number of more digits than Python reads
        raise NotJson("holds a number that is too long") from exc


def _read_free(text: str, field: Field | None) -> Json:
    """Where any JSON fits, what reads as JSON is JSON and the rest is text."""
    if field is not None and field.name == MESSAGES and not _looks_like_json(text):
        return _say(text)
    try:
        return read_json(text)
    except NotJson:
        if _looks_like_json(text):
            raise
        return text


def _read_choice(text: str, options: tuple[Json, ...]) -> Json:
    plain = text.strip()
    for option in options:
        if plain == (option if isinstance(option, str) else json.dumps(option)):
            return option
    return text


def _read_union(text: str, field: Field) -> Json:
    """The first form that the cell is written in; text comes last, as everything is text."""
    forms = sorted(field.any_of, key=lambda form: form.type == "string")
    for form in forms:
        try:
            value = read_cell(text, form)
        except NotJson:
            continue
        if form.type == "string" or not isinstance(value, str):
            return value
    return _read_free(text, None)


def _read_integer(text: str) -> Json:
    number = _read_number(text)
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _read_number(text: str) -> Json:
    plain = text.strip()
    if _INTEGER.fullmatch(plain):
        return int(plain)
    return float(plain) if _NUMBER.fullmatch(plain) else text


def _read_yes_no(text: str) -> Json:
    return _YES_NO.get(text.strip().lower(), text)


def _read_null(text: str) -> Json:
    return None if text.strip().lower() == "null" else text


def _keep(text: str) -> Json:
    return text


_PLAIN: Mapping[str, Callable[[str], Json]] = {
    "string": _keep,
    "integer": _read_integer,
    "number": _read_number,
    "boolean": _read_yes_no,
    "null": _read_null,
}


def _looks_like_json(text: str) -> bool:
    return _JSON_START.match(text) is not None


def _say(text: str) -> Json:
    return [{"role": "user", "content": text}]


def _make_object(pairs: list[tuple[str, Json]]) -> Json:
    made = dict(pairs)
    if len(made) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise NotJson(f"names {twice!r} twice in one object")
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise NotJson(f"is not JSON: {name} is no JSON number")
