"""
What a text that starts a run may be: how long, and without what a browser would run.

The texts go on into prompts, mails and other people's pages, so what is never meant is refused at the door.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.core.errors import FieldProblem
from interlock.core.model.json_values import MAX_DEPTH, MAX_PROBLEMS
from interlock.core.types import Json

_IGNORED = r"\x00-\x1f\x7f"  # browsers read an address as if these were not in it


def _address(start: str, goes_on: str, end: str = "") -> re.Pattern[str]:
    """An address, not the end of another word: `metadata:` is none."""
    between = rf"[{_IGNORED}]*"
    return re.compile(rf"(?<![a-z]){between.join(start)}{goes_on}{between.join(end)}")


_SCRIPT_START = re.compile(r"<script\b")
_SCRIPT_ADDRESS = _address("javascript:", r"(?!\s)")  # with a blank after it, it is a heading
_HTML_ADDRESS = _address("data:", rf"[\s{_IGNORED}]*", "text/html")


@dataclass(frozen=True, kw_only=True)
class InputLimits:
    """
    The limits of one installation.

    Args:
        max_chars: Of one text; 0 means any length.
        refuses_scripts: Whether `<script>…</script>`, `javascript:` and `data:text/html` are refused.
        trims: Whether blanks at the ends of a text are taken off before it is looked at.
    """

    max_chars: int = 10_000
    refuses_scripts: bool = True
    trims: bool = True


def trim(value: Json, limits: InputLimits) -> Json:
    """The value with every text in it trimmed, keys excepted; as it was where nothing is trimmed."""
    return _trim(value, MAX_DEPTH) if limits.trims else value


def find_problems(value: Json, limits: InputLimits, *, path: str = "") -> list[FieldProblem]:
    """
    Find the texts beyond the limits.

    Args:
        value: JSON; what is nested too deep is left to the check that refuses it.
        limits: What is allowed.
        path: Where the value itself stands.

    Returns:
        One problem a text, by its dotted path, in order; at most `MAX_PROBLEMS`.
    """
    found: list[FieldProblem] = []
    for place, text in _walk(value, path, MAX_DEPTH):
        message = _problem_with(text, limits)
        if message:
            found.append(FieldProblem(place, message))
        if len(found) == MAX_PROBLEMS:
            break
    return found


def _trim(value: Json, depth: int) -> Json:
    if isinstance(value, str):
        return value.strip()
    if depth and isinstance(value, dict):
        return {key: _trim(inner, depth - 1) for key, inner in value.items()}
    if depth and isinstance(value, list):
        return [_trim(inner, depth - 1) for inner in value]
    return value


def _walk(value: Json, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Every text with where it stands; a key is a text of its object."""
    if isinstance(value, str):
        yield path, value
    elif depth and isinstance(value, dict):
        for key, inner in value.items():
            yield path, str(key)
            yield from _walk(inner, f"{path}.{key}" if path else str(key), depth - 1)
    elif depth and isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _walk(inner, f"{path}.{at}" if path else str(at), depth - 1)


def _problem_with(text: str, limits: InputLimits) -> str:
    if limits.max_chars and len(text) > limits.max_chars:
        return f"has {len(text)} characters; at most {limits.max_chars} are allowed"
    name = _find_script(text) if limits.refuses_scripts else ""
    return f"holds {name}, which is not allowed" if name else ""


def _find_script(text: str) -> str:
    plain = text.lower()
    start = _SCRIPT_START.search(plain)  # the first will do: its end is looked for in all the rest
    inside = plain.find(">", start.end()) if start is not None else -1
    if inside >= 0 and plain.find("</script", inside) >= 0:
        return "a <script> element"
    if _SCRIPT_ADDRESS.search(plain):
        return "a javascript: address"
    return "a data:text/html address" if _HTML_ADDRESS.search(plain) else ""
