"""Where two runs differ, in lines for a failed test: each with the address that a rule would take."""

from __future__ import annotations

import json

from interlock.core.model import diffing
from interlock.core.model.diffing import Change, Entry
from interlock.core.model.text_diffs import Part, PartKind, TextDiff
from interlock.core.testing.rules import Place, Rules, settle
from interlock.core.types import Json

MAX_LINES = 20
MAX_TEXT = 300  # characters of a value in a line
_KEPT = 40  # characters of a text on either side of what differs


def find_differences(recorded: Json, now: Json, rules: Rules, *, at: Place) -> list[str]:
    """
    What differs between two parts of runs once the rules were asked; empty for nothing.

    Args:
        recorded: The part of the golden run.
        now: The same part of the present one.
        rules: By address.
        at: The address of the part.
    """
    recorded, now, problems = settle(recorded, now, rules, at=at)
    found = diffing.diff(recorded, now)
    lines = [*problems, *(_line(entry, at) for entry in found.entries)]
    left_count = len(lines) - MAX_LINES + found.left_out_count
    return lines[:MAX_LINES] + ([f"and {left_count} more"] if left_count > 0 else [])


def _line(entry: Entry, at: Place) -> str:
    place = ".".join([*at, *map(str, entry.path)])
    if entry.change is Change.INSERTED:
        return f"{place}: has {_items(entry)} more at {entry.at}"
    if entry.change is Change.DROPPED:
        return f"{place}: lacks {_items(entry)} that stood at {entry.at}"
    if entry.change is Change.ADDED:
        return f"{place}: is new: {_show(entry.after)}"
    if entry.change is Change.REMOVED:
        return f"{place}: is gone; it was {_show(entry.before)}"
    if entry.text is not None and entry.text.parts:
        return f"{place}: {_show_text(entry.text)}"
    return f"{place}: was {_show(entry.before)}, is {_show(entry.after)}"


def _items(entry: Entry) -> str:
    return ", ".join(_show(item) for item in entry.items[:5])


def _show(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def _show_text(text: TextDiff) -> str:
    """A text with what went in [-…-] and what came in {+…+}."""
    shown = "".join(_mark(part) for part in text.parts)
    return shown if len(shown) <= 4 * MAX_TEXT else f"{shown[: 4 * MAX_TEXT]}…"


def _mark(part: Part) -> str:
    if part.kind is PartKind.REMOVED:
        return f"[-{part.text}-]"
    if part.kind is PartKind.ADDED:
        return f"{{+{part.text}+}}"
    return part.text if len(part.text) <= 2 * _KEPT else f"{part.text[:_KEPT]}…{part.text[-_KEPT:]}"
