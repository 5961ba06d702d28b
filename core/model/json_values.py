"""What counts as JSON: the walk that finds a value no database and no script could take."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from interlock.core.errors import FieldProblem
from interlock.core.types import Json

MAX_DEPTH = 100  # levels: far beyond any form, far below Python's recursion limit
CUT_KEY = "__cut__"  # the key under which a projection says what it left out
MAX_PROBLEMS = 20  # more would not be read, and the list is shown on a screen
LOWEST_INTEGER, HIGHEST_INTEGER = -(2**63), 2**64 - 1  # of msgpack, which checkpoints are kept in


def find_problems(value: Json) -> list[FieldProblem]:
    """
    Find what in a value is not JSON: NaN, infinity, a key that is no text, a Python object, a cycle.

    Returns:
        One problem a place, with its dotted path; at most `MAX_PROBLEMS`. Empty means JSON.
    """
    return _collect(value, _problem_with)


def find_unstorable(value: Json) -> list[FieldProblem]:
    """
    Find what is JSON but what no checkpoint can hold, so that a graph could never go on with it.

    Returns:
        One problem a place: half a surrogate pair in a text, or a whole number beyond 64 bits.
    """
    return _collect(value, lambda found, _: _problem_with_storing(found))


def find_cuts(value: Json) -> list[FieldProblem]:
    """
    Find where a JSON value holds the mark of what was left out for a screen.

    Such a value came from a screen and is not the whole: sending it would replace what was cut.
    """
    return _collect(value, lambda found, _: _problem_with_cut(found))


def make_finite(value: Json) -> Json:
    """The value with null for NaN and the infinities, which JSON does not have; keys become text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): make_finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [make_finite(inner) for inner in value]
    return value


def is_scalar(value: Json) -> bool:
    """Whether a value is text, a number, true, false or null."""
    return value is None or isinstance(value, str | int | float)


def are_same(one: Json, other: Json) -> bool:
    """Whether two JSON scalars are the same; unlike in Python, `true` is not 1."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def text_at(value: Mapping[str, Json], key: str) -> str:
    """The text under a key; empty when it is not there or is no text."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _collect(value: Json, ask: Callable[[Json, int], str]) -> list[FieldProblem]:
    """
    Walk a value from its first place to its last; beneath a place with a problem nobody looks.

    Args:
        value: What to walk.
        ask: Given a place's value and its depth, what is wrong with it; empty for nothing.
    """
    problems: list[FieldProblem] = []
    places: list[tuple[tuple[str, ...], Json]] = [((), value)]
    while places and len(problems) < MAX_PROBLEMS:
        path, found = places.pop()
        message = ask(found, len(path))
        if message:
            problems.append(FieldProblem(".".join(path), message))
        elif isinstance(found, dict):
            places += [((*path, key), inner) for key, inner in reversed(found.items())]
        elif isinstance(found, list):
            places += [((*path, str(at)), found[at]) for at in reversed(range(len(found)))]
    return problems


def _problem_with_cut(value: Json) -> str:
    is_cut = isinstance(value, dict) and CUT_KEY in value
    return "was cut for the screen: write it anew" if is_cut else ""


def _problem_with_storing(value: Json) -> str:
    texts = value if isinstance(value, dict) else [value] if isinstance(value, str) else []
    if not all(map(_is_text, texts)):
        return "holds half a surrogate pair, which is no text"
    is_integer = isinstance(value, int)
    if is_integer and not LOWEST_INTEGER <= value <= HIGHEST_INTEGER:
        return "is a whole number beyond 64 bits, which cannot be kept; send it as text"
    return ""


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _problem_with(value: Json, depth: int) -> str:
    if depth > MAX_DEPTH:
        return f"is nested more than {MAX_DEPTH} levels deep"
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}, which JSON cannot hold"
    if isinstance(value, dict):
        return "" if all(isinstance(key, str) for key in value) else "has a key that is not text"
    if is_scalar(value) or isinstance(value, list):
        return ""
    return f"is a {type(value).__name__}, which is not JSON"
