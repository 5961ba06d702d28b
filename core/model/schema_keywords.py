"""
JSON Schema validators that cannot hang, fetch or leak: the library's, with a budget for their work.

Patterns run on an engine whose time grows linearly with the text, so no pattern can stall a screen.
One that this engine does not know (look-around) is left to the graph, which checks again. `oneOf` is
read as `anyOf`: LangChain's message forms overlap, and `{"role": "user", "content": "hi"}` fits four.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from jsonschema import FormatChecker, ValidationError, validators
from jsonschema.protocols import Validator
from pydantic import TypeAdapter
from pydantic_core import SchemaError, SchemaValidator, core_schema

from interlock.core.types import Json

MAX_STEPS = 200_000  # keywords looked at in one check: one to two seconds, beyond any real answer

Keyword = Callable[[Any, Json, Json, Json], Iterator[ValidationError] | None]

_steps_left: ContextVar[list[int]] = ContextVar("steps_left")
_durations = TypeAdapter(timedelta)


class TooMuchWork(Exception):
    """Checking this value against this schema would take too long."""


@contextmanager
def budget(steps: int = MAX_STEPS) -> Iterator[None]:
    """Allow this many steps within the block; `TooMuchWork` is raised by the one after the last."""
    token = _steps_left.set([steps])
    try:
        yield
    finally:
        _steps_left.reset(token)


def validator_class(schema: Json) -> type[Validator]:
    """The bounded validator of the draft that a schema names; 2020-12 where it names none we know."""
    named = schema.get("$schema") if isinstance(schema, dict) else None
    return _BY_DRAFT.get(str(named).rstrip("#"), _BY_DRAFT[_NEWEST])


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text; True for a pattern that cannot be judged here."""
    matcher = _matcher(pattern)
    return matcher is None or matcher.isinstance_python(text)


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> SchemaValidator | None:
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None


def _counted(function: Keyword) -> Keyword:
    def keyword(
        validator: Any, value: Json, instance: Json, schema: Json
    ) -> Iterator[ValidationError] | None:
        left = _steps_left.get()
        left[0] -= 1 + (len(value) if isinstance(value, list | dict) else 0) // 8
        if left[0] < 0:
            raise TooMuchWork
        return function(validator, value, instance, schema)

    return keyword


def _pattern(_validator: Any, pattern: str, text: Json, _: Json) -> Iterator[ValidationError]:
    if isinstance(text, str) and not matches(pattern, text):
        yield ValidationError("does not match")


def _pattern_properties(
    validator: Any, patterns: dict[str, Json], instance: Json, _: Json
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, schema in patterns.items():
        for name in instance:
            if matches(pattern, name):
                yield from validator.descend(instance[name], schema, path=name)


def _additional_properties(
    validator: Any, allowed: Json, instance: Json, schema: Json
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name in instance:
        if name in known or any(matches(pattern, name) for pattern in patterns):
            continue
        if allowed is False:
            yield ValidationError("is not known here", path=[name])
        else:
            yield from validator.descend(instance[name], allowed, path=name)


def _required(
    _validator: Any, names: list[str], instance: Json, _: Json
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name in names:
            if name not in instance:
                yield ValidationError("is required", path=[name])


def _unique_items(
    _validator: Any, wanted: Json, instance: Json, _: Json
) -> Iterator[ValidationError]:
    if wanted and isinstance(instance, list):
        distinct = {json.dumps(item, sort_keys=True, default=str) for item in instance}
        if len(distinct) < len(instance):
            yield ValidationError("holds something twice")


_OWN: dict[str, Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "required": _required,
    "uniqueItems": _unique_items,
}


def _bounded(cls: type[Validator]) -> type[Validator]:
    keywords: dict[str, Any] = {**cls.VALIDATORS, **_OWN, "oneOf": cls.VALIDATORS["anyOf"]}
    counted = {name: _counted(function) for name, function in keywords.items()}
    extend: Any = validators.extend
    bounded: type[Validator] = extend(cls, counted, format_checker=_formats)
    return bounded


def _is_text_or(function: Callable[[str], object]) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        return not isinstance(value, str) or bool(function(value))

    return check


def _is_date_time(text: str) -> bool:
    # Without a zone too: that is what pydantic's schema calls a date-time and takes.
    return bool(re.match(r"\d{4}-\d\d-\d\d[Tt ]", text)) and bool(datetime.fromisoformat(text))


def _is_time(text: str) -> bool:
    return time.fromisoformat(text) is not None


def _is_duration(text: str) -> bool:
    return _durations.validate_python(text) is not None


def _is_uri(text: str) -> bool:
    return bool(urlsplit(text).scheme) and not re.search(r"\s", text)


_formats = FormatChecker(formats=("date", "email", "ipv4", "ipv6", "uuid"))
for _name, _check in {
    "date-time": _is_date_time,
    "time": _is_time,
    "duration": _is_duration,
    "uri": _is_uri,
}.items():
    _formats.checks(_name, raises=ValueError)(_is_text_or(_check))

_NEWEST = "https://json-schema.org/draft/2020-12/schema"
_BY_DRAFT = {
    cls.META_SCHEMA["$schema"].rstrip("#"): _bounded(cls)
    for cls in (
        validators.Draft4Validator,
        validators.Draft6Validator,
        validators.Draft7Validator,
        validators.Draft201909Validator,
        validators.Draft202012Validator,
    )
}
