"""Turning the errors of a JSON Schema library into short sentences with a place in the form."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from jsonschema import ValidationError

from interlock.core.errors import FieldProblem
from interlock.core.model.texts import join_words, show
from interlock.core.types import Json

TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}

_FORMAT_WORDS = {
    "date": "a date like 2026-01-31",
    "date-time": "a date and time like 2026-01-31T09:30:00Z",
    "time": "a time like 09:30:00",
    "duration": "a duration like PT1H30M",
    "email": "an e-mail address",
    "uri": "a link with its scheme, like https://example.org",
    "uuid": "a UUID",
}

# What stands after "must ..."; `{}` is the keyword's value.
_SENTENCES = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} fields",
    "maxProperties": "must have at most {} fields",
    "pattern": "must match the pattern {}",
    "const": "must be {}",
}

_MAX_WORDS = 20  # of a list of accepted values within a sentence
_UNIONS = frozenset({"anyOf", "oneOf"})
_SAID_AS_RAISED = frozenset({"required", "additionalProperties", "uniqueItems"})


def explain(error: ValidationError) -> Iterator[FieldProblem]:
    """
    Say what is wrong, and where: in a union, within the form that was evidently meant.

    Args:
        error: What the validator found; not yet worded.

    Returns:
        One problem, or those of the one form of a union that the value came closest to.
    """
    if error.validator not in _UNIONS:
        yield _problem(error, _message(error))
        return
    forms = [list(group) for _, group in groupby(error.context or (), _form_index)]
    meant = [form for form in forms if not any(map(_is_another_form, form))]
    if len(meant) == 1:
        for inner in meant[0]:
            yield from explain(inner)
    else:
        yield _union_problem(error, forms if not meant else [])


def _union_problem(error: ValidationError, forms: list[list[ValidationError]]) -> FieldProblem:
    tellers = [next(filter(_is_another_form, form)) for form in forms]
    if len({tuple(teller.absolute_path) for teller in tellers}) == 1:
        words = dict.fromkeys(word for teller in tellers for word in _wanted_words(teller))
        return _problem(tellers[0], f"must be {join_words(list(words)[:_MAX_WORDS])}")
    return _problem(error, "does not fit any of the accepted forms")


def _message(error: ValidationError) -> str:
    keyword: Json = error.validator
    wanted: Json = error.validator_value
    if keyword is None:  # the schema `false`
        return "is not accepted here"
    if keyword in _SAID_AS_RAISED:
        return error.message
    if keyword == "type":
        return f"must be {join_words(_type_words(wanted))}"
    if keyword == "enum":
        return f"must be {join_words([show(value) for value in wanted[:_MAX_WORDS]])}"
    if keyword == "format":
        return f"must be {_FORMAT_WORDS.get(wanted, f'a valid {wanted}')}"
    if keyword in _SENTENCES:
        return _SENTENCES[keyword].format(show(wanted, 100))
    return f"does not fit the rule {keyword!r} of the schema"


def _form_index(error: ValidationError) -> Json:
    return error.relative_schema_path[0]


def _is_another_form(error: ValidationError) -> bool:
    """Whether this error says "another form was meant": another type, or another tag."""
    depth = len(error.relative_path)
    return (error.validator == "type" and depth == 0) or (
        error.validator in {"const", "enum"} and depth <= 1
    )


def _wanted_words(error: ValidationError) -> list[str]:
    wanted: Json = error.validator_value
    if error.validator == "type":
        return _type_words(wanted)
    return [show(value) for value in (wanted if error.validator == "enum" else [wanted])]


def _type_words(types: Json) -> list[str]:
    return [TYPE_WORDS[kind] for kind in (types if isinstance(types, list) else [types])]


def _problem(error: ValidationError, message: str) -> FieldProblem:
    return FieldProblem(".".join(str(part) for part in error.absolute_path), message)
