"""Checking a value against a JSON Schema, with problems an operator can read and place in a form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from interlock.core.errors import FieldProblem
from interlock.core.model import json_values, schema_refs
from interlock.core.model.schema_keywords import TooMuchWork, budget, validator_class
from interlock.core.model.schema_messages import explain
from interlock.core.model.schema_shorthands import with_message_shorthands
from interlock.core.model.texts import show
from interlock.core.types import Json

MAX_SCHEMA_BYTES = 500_000  # of JSON text; the schema of LangChain's messages has 20 000
MAX_SCHEMA_PARTS = 5_000  # objects in it; messages have 314, and 5 000 take about a second

_TOO_DEEP = "is nested too deep, or its schema goes round in circles, so it cannot be checked"
_TOO_BIG = "is too big to be checked against its schema"
_MIXED_KEYWORDS = "unevaluatedProperties beside patternProperties, which cannot be checked"


def check(value: Json, schema: Json) -> list[FieldProblem]:
    """
    Find what in a value does not fit a schema. Never fetches, never hangs, never raises.

    Args:
        value: What is to be sent.
        schema: JSON Schema, Draft 2020-12 unless its `$schema` names an older one; None fits all.

    Returns:
        Problems with dotted paths ("lines.0.amount"), in the order of the schema, at most twenty.
        A schema that is itself unusable gives one problem with an empty path.
    """
    problems = json_values.find_problems(value)
    if problems or schema is None:
        return problems
    broken = find_schema_problem(schema)
    if broken is not None:
        return [FieldProblem("", broken)]
    validator: Any = validator_class(schema)
    own = _without_drafts(schema)
    checker = validator(own, registry=Registry(), format_checker=validator.FORMAT_CHECKER)
    try:
        with budget():
            errors = list(islice(checker.iter_errors(value), json_values.MAX_PROBLEMS))
    except TooMuchWork:
        return [FieldProblem("", _TOO_BIG)]
    except RecursionError:
        return [FieldProblem("", _TOO_DEEP)]
    found = dict.fromkeys(problem for error in errors for problem in explain(error))
    return list(found)[: json_values.MAX_PROBLEMS]


def check_input(value: Json, schema: Json) -> list[FieldProblem]:
    """Find what in a graph's input does not fit; like `check`, but messages may be written in short."""
    usable = schema is not None and find_schema_problem(schema) is None
    return check(value, with_message_shorthands(schema) if usable else schema)


def check_fields(values: Mapping[str, Json], schema: Json) -> list[FieldProblem]:
    """
    Find what does not fit in a change of some fields: like `check_input`, but nothing is required.

    A field that the schema does not have is a problem, unless the schema has no fields at all.
    """
    if not isinstance(schema, dict):
        return check(dict(values), schema)
    resolved = schema_refs.resolve(schema, schema) or {}
    relaxed = {key: inner for key, inner in resolved.items() if key != "required"}
    if relaxed.get("properties"):
        relaxed["additionalProperties"] = relaxed.get("additionalProperties", False)
    definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    return check_input(dict(values), {**relaxed, **definitions})


def find_schema_problem(schema: Json) -> str | None:
    """Say why nothing can be checked against a schema; None when it can be used."""
    if not isinstance(schema, dict | bool):
        return "The schema is not a JSON Schema: it must be an object."
    if json_values.find_problems(schema):
        return "The schema is not JSON, or nested too deep."
    text = json.dumps(schema)
    if len(text) > MAX_SCHEMA_BYTES or text.count("{") > MAX_SCHEMA_PARTS:
        return f"The schema is too big: {len(text)} bytes."
    return _find_problem_in(text)


@lru_cache(maxsize=128)
def _find_problem_in(text: str) -> str | None:
    schema = json.loads(text)
    if isinstance(schema, bool):
        return None
    validator: Any = validator_class(schema)
    try:
        validator.check_schema(schema, format_checker=jsonschema.FormatChecker(formats=()))
    except jsonschema.SchemaError as exc:
        where = ".".join(str(part) for part in exc.absolute_path)
        return f"The schema is broken at {where or 'its root'}: {show(exc.message, 200)}"
    if '"patternProperties"' in text and '"unevaluatedProperties"' in text:
        return f"The schema uses {_MIXED_KEYWORDS}."
    return _find_dangling_reference(schema)


def _without_drafts(schema: Json) -> Json:
    """Take every `$schema` out: at each one the library would change to its own, unbounded class."""
    if isinstance(schema, list):
        return [_without_drafts(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_drafts(inner)
        for key, inner in schema.items()
        if key != "$schema" or not isinstance(inner, str)
    }


def _find_dangling_reference(schema: Json) -> str | None:
    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
    for reference in schema_refs.iter_references(schema):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            return f"The schema refers to {show(reference, 100)}, which is not in it."
    return None
