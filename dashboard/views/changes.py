"""
What an edit changes, before and after, field by field: while it is typed, and in the record of it.

A value is said so that its type is seen where it could be mistaken: `3` and `"3"` are two things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.core.model import media
from interlock.core.types import Json
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import IN, clip, one_line
from interlock.dashboard.views.forms import ABSENT, FormField, read, walk

VALUE_LIMIT_COUNT = 160  # of one side of one change
LEAD_COUNT = 24  # of a long text, what stands before its first difference
CHANGES_LIMIT_COUNT = 40
NOTHING = "(nothing)"
EMPTY = "(empty)"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One field that changed. All texts but ours are foreign; `problem` is why it cannot be sent yet."""

    label: str
    before: str
    after: str
    problem: str = ""


def find_changes(
    fields: Sequence[FormField], drafts: Mapping[str, object], *, only_proposed: bool = False
) -> tuple[Change, ...]:
    """
    What a form would change if it were sent as it is filled in now.

    Args:
        fields: The form.
        drafts: What is filled in, by path.
        only_proposed: Leave out the fields that came empty: to fill them in is to answer, not to change.
    """
    found: list[Change] = []
    _collect(fields, drafts, "", found, only_proposed=only_proposed)
    return tuple(found)


def find_proposed(fields: Sequence[FormField]) -> tuple[FormField, ...]:
    """The fields of an answer that came filled in."""
    return tuple(f for f in walk(fields) if f.given is not ABSENT)


def compare(before: Json, after: Json) -> tuple[Change, ...]:
    """How two values differ, place by place; lists of another length as a whole."""
    found: list[Change] = []
    _compare(before, after, "", found)
    return tuple(found[:CHANGES_LIMIT_COUNT])


def _collect(
    fields: Sequence[FormField],
    drafts: Mapping[str, object],
    within: str,
    found: list[Change],
    *,
    only_proposed: bool,
) -> None:
    for field in fields:
        label = f"{within}{show_hidden(field.label)}"
        if field.widget == "group":
            inner = f"{label}{IN}"
            _collect(field.fields, drafts, inner, found, only_proposed=only_proposed)
        elif only_proposed and field.given is ABSENT:
            continue
        elif drafts.get(field.path, field.start) != field.start:
            change = _find_change(field, label, drafts)
            found += [change] if change is not None else []


def _find_change(field: FormField, label: str, drafts: Mapping[str, object]) -> Change | None:
    part, problems = read(field, drafts)
    if problems:
        before, _ = _say_both(field.given, ABSENT)
        return Change(label=label, before=before, after="", problem=problems[0].message)
    if _are_same(field.given, part):
        return None
    before, after = _say_both(field.given, part)
    return Change(label=label, before=before, after=after)


def _compare(before: object, after: object, path: str, found: list[Change]) -> None:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            inner = f"{path}.{key}" if path else str(key)
            _compare(before.get(key, ABSENT), after.get(key, ABSENT), inner, found)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after, strict=True)):
            _compare(one, other, f"{path}.{at + 1}" if path else str(at + 1), found)
    elif not _are_same(before, after):
        said, now = _say_both(before, after)
        found.append(Change(label=show_hidden(path) or "value", before=said, after=now))


def _are_same(one: object, other: object) -> bool:
    """Whether two values are the same JSON; unlike in Python, true is not 1."""
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def _say_both(before: object, after: object) -> tuple[str, str]:
    """Both sides; long texts from shortly before where they begin to differ."""
    if isinstance(before, str) and isinstance(after, str):
        start = max(0, _find_difference(before, after) - LEAD_COUNT)
        start = start if max(len(before), len(after)) > VALUE_LIMIT_COUNT else 0
        return _say_text(before, start), _say_text(after, start)
    are_mixed = isinstance(before, str) is not isinstance(after, str)
    is_quoted = are_mixed and ABSENT not in (before, after)
    return _say(before, is_quoted=is_quoted), _say(after, is_quoted=is_quoted)


def _find_difference(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _say_text(text: str, start: int) -> str:
    said = clip(" ".join(text[start : start + 4 * VALUE_LIMIT_COUNT].split()), VALUE_LIMIT_COUNT)
    return f"{'…' if start else ''}{show_hidden(said)}" if said else EMPTY


def _say(value: object, *, is_quoted: bool) -> str:
    if value is ABSENT:
        return NOTHING
    if isinstance(value, str):
        text = _say_text(value, 0)
        return f'"{"" if text == EMPTY else text}"' if is_quoted else text
    if isinstance(value, bool):
        return "yes" if value else "no"
    return show_hidden(one_line(media.shorten(value), limit_count=VALUE_LIMIT_COUNT))
