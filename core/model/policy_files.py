"""
Parts of an interlock.toml into their types, and what is wrong with them as a person would say it.

Pure: given what TOML's reader made of the file. Types are strict, as TOML's own are: "3" is no number.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from interlock.core.errors import FieldProblem

Part = TypeVar("Part", bound=BaseModel)
Place = tuple[str | int, ...]

# Pydantic's words for these are a programmer's.
_WORDS = {
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_too_short": "must not be empty",
}

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def dotted(*keys: str | int) -> str:
    """A place in the file as TOML writes it: `workflow.refunds.node."team/researcher"`."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f"[{key}]"
            continue
        shown = key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
        text += f".{shown}" if text else shown
    return text


def say(problems: Sequence[FieldProblem]) -> str:
    """All of them in one sentence."""
    return f"{'; '.join(str(problem) for problem in problems)}."


def tables(value: Any, where: str) -> tuple[Mapping[str, Any], list[FieldProblem]]:
    """A table of the file; anything else is a problem and counts as an empty one."""
    if isinstance(value, Mapping):
        return value, []
    return {}, [FieldProblem(where, "must be a table")]


def read_each(
    kind: type[Part], value: Any, where: str
) -> tuple[dict[str, Part], list[FieldProblem]]:
    """Read a table of parts of one kind; those that are wrong are left out."""
    given, problems = tables(value, where)
    found: dict[str, Part] = {}
    for name, each in given.items():
        part, wrong = read(kind, each, dotted(where, name))
        problems += wrong
        if part is not None:
            found[name] = part
    return found, problems


def read_list(kind: type[Part], value: Any, where: str) -> tuple[list[Part], list[FieldProblem]]:
    """Read a list of parts of one kind (`[[where]]`); those that are wrong are left out."""
    if not isinstance(value, list):
        return [], [FieldProblem(where, "must be a list of tables")]
    found: list[Part] = []
    problems: list[FieldProblem] = []
    for index, each in enumerate(value):
        part, wrong = read(kind, each, f"{where}[{index}]")
        problems += wrong
        if part is not None:
            found.append(part)
    return found, problems


def read(kind: type[Part], value: Any, where: str) -> tuple[Part | None, list[FieldProblem]]:
    """
    Read one part.

    Args:
        kind: What it must be.
        value: What the file says.
        where: Its place in the file, as `dotted` writes it; empty for the file itself.

    Returns:
        The part, or None and everything that is wrong with it.
    """
    if not isinstance(value, Mapping):
        return None, [FieldProblem(where, "must be a table")]
    unfit = [FieldProblem(_join(where, place), reason) for place, reason in _find_unfit(value, ())]
    if unfit:
        return None, unfit
    try:
        # From JSON, since only there strictness takes a list for a tuple.
        return kind.model_validate_json(json.dumps(value), strict=True), []
    except ValidationError as exc:
        return None, _explain(kind, value, exc.errors(), where)


def _find_unfit(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """What TOML can say and JSON cannot."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _find_unfit(each, (*place, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _find_unfit(each, (*place, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield place, "must be a number that is neither infinite nor undefined"
    elif not isinstance(value, str | int | float):
        yield place, "must not be a date or a time; write it as text"


def _explain(
    kind: type[BaseModel], value: Any, errors: Sequence[ErrorDetails], where: str
) -> list[FieldProblem]:
    reasons: dict[str, list[str]] = {}
    for error in errors:
        place, model = _follow(kind, value, error["loc"])
        if error["type"] == "missing":
            place = (*place, error["loc"][-1])
        reasons.setdefault(_join(where, place), []).append(_reason(error, model))
    return [FieldProblem(path, " or ".join(dict.fromkeys(each))) for path, each in reasons.items()]


def _follow(kind: type[BaseModel], value: Any, location: Place) -> tuple[Place, type[BaseModel]]:
    """
    The place of an error, and the model that is around it.

    Pydantic names the arms of a union and the keys of a table too; what the file does not hold is
    left out.
    """
    place: Place = ()
    model = kind
    for key in location:
        field = model.model_fields.get(str(key))
        is_there = (isinstance(value, Mapping) and key in value) or (
            isinstance(value, list) and isinstance(key, int) and key < len(value)
        )
        if not is_there:
            continue
        value, place = value[key], (*place, key)
        if field is not None:
            model = _model_within(field.annotation) or model
    return place, model


def _model_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_within(each) for each in get_args(annotation))
    return next((each for each in found if each is not None), None)


def _reason(error: ErrorDetails, model: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        return f"is no key that is known here; there are {', '.join(model.model_fields)}"
    if error["type"] == "missing":
        return "is missing"
    if error["type"] in _WORDS:
        return _WORDS[error["type"]]
    return error["msg"].removeprefix("Value error, ").replace("Input should", "must")


def _join(where: str, place: Place) -> str:
    inside = dotted(*place)
    return f"{where}.{inside}" if where and inside and inside[0] != "[" else where + inside
