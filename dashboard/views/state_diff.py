"""
How two states differ, to read: a line a place, texts in parts, long stretches that are the same left out.

Everything in it is an agent's or a customer's: drawn inert (law 9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.core.model.diffing import Change, Entry, StateDiff
from interlock.core.model.text_diffs import Part, PartKind, TextDiff, Unit
from interlock.core.types import Json
from interlock.dashboard.views import conversation
from interlock.dashboard.views.conversation import Conversation
from interlock.dashboard.views.escaping import md_escape, show_hidden
from interlock.dashboard.views.formatting import IN, clip, format_count, format_plural, one_line

PLACES_COUNT = 100  # that are drawn; more would not be read
SAME_COUNT = 80  # characters of an equal stretch that are kept beside a difference
PART_LIMIT_COUNT = 4000
ONE_LINE_COUNT = 200

_COLORS = {PartKind.REMOVED: "red", PartKind.ADDED: "green"}
_KINDS = {"before": PartKind.REMOVED, "after": PartKind.ADDED}
_WORDS: Mapping[Change, str] = {
    Change.ADDED: "added",
    Change.REMOVED: "removed",
    Change.CHANGED: "changed",
    Change.TEXT: "text changed",
    Change.INSERTED: "added",
    Change.DROPPED: "removed",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """
    One difference.

    `marked` is Markdown: a short value or a text with what went and came on red and green, every sign
    of it escaped. `said` are messages that came or went; `values` are other values, named.
    """

    path: str
    word: str
    marked: str = ""
    said: Conversation | None = None
    values: tuple[tuple[str, Json], ...] = ()


@dataclass(frozen=True, kw_only=True)
class DiffView:
    """All differences, in the order of the fields, and what is to be said of them as a whole."""

    places: tuple[Place, ...]
    summary: str
    notes: tuple[str, ...]


def build(diff: StateDiff) -> DiffView:
    """Put the differences of two states together."""
    shown = diff.entries[:PLACES_COUNT]
    left_out = len(diff.entries) - len(shown) + diff.left_out_count
    notes = []
    if left_out:
        notes.append(f"{format_plural(left_out, 'more difference')} not shown.")
    if diff.is_partial:
        notes.append("A state was too large to compare all of it: there may be more differences.")
    return DiffView(
        places=tuple(_place(entry) for entry in shown),
        summary=_summarise(diff),
        notes=tuple(notes),
    )


def _summarise(diff: StateDiff) -> str:
    if diff.is_empty:
        return "Nothing differs in what can be seen." if diff.is_partial else "Nothing differs."
    count = len(diff.entries) + diff.left_out_count
    fields = ", ".join(show_hidden(one_line(name, limit_count=40)) for name in diff.fields[:8])
    more = f" and {len(diff.fields) - 8} more" if len(diff.fields) > 8 else ""
    return f"{format_plural(count, 'difference')} in {fields or 'the state'}{more}"


def _place(entry: Entry) -> Place:
    path, word = _say_path(entry), _WORDS[entry.change]
    if entry.change in (Change.INSERTED, Change.DROPPED):
        return _place_of_items(entry, path)
    if entry.change is Change.TEXT and entry.text is not None:
        if entry.text.unit is not Unit.WHOLE:
            return Place(path=path, word=word, marked=mark_parts(_shorten(entry.text)))
        word = _say_counts(entry.text)
    values = {
        Change.ADDED: (("after", entry.after),),
        Change.REMOVED: (("before", entry.before),),
    }.get(entry.change, (("before", entry.before), ("after", entry.after)))
    if all(_is_short(value) for _, value in values):
        said = [_mark_value(value, _COLORS[_KINDS[name]]) for name, value in values]
        return Place(path=path, word=word, marked=" :material/arrow_forward: ".join(said))
    return Place(path=path, word=word, values=values)


def _place_of_items(entry: Entry, path: str) -> Place:
    items: list[Json] = list(entry.items)
    is_new = entry.change is Change.INSERTED
    is_said = conversation.is_conversation(items)
    noun = format_plural(len(items), "message" if is_said else "item")
    verb = "added" if is_new else "removed"
    where = "at the end" if entry.is_at_end else f"from place {entry.at + 1}"
    return Place(
        path=path,
        word=f"{noun} appended" if is_new and entry.is_at_end else f"{noun} {verb} {where}",
        said=conversation.build(items) if is_said else None,
        values=() if is_said else (("after" if is_new else "before", items),),
    )


def mark_parts(parts: Sequence[Part]) -> str:
    """A text as Markdown, with what went on red and what came on green; its own signs are escaped."""
    return "".join(_mark(part) for part in parts)


def _mark(part: Part) -> str:
    color = _COLORS.get(part.kind)
    return "  \n".join(_mark_line(line, color) for line in part.text.split("\n"))


def _mark_line(line: str, color: str | None) -> str:
    """A line with the spaces at its ends kept outside of the mark, which else would not be one."""
    words = md_escape(line)
    if not words:
        return " " if line else ""
    lead, tail = line[:1].isspace(), line[-1:].isspace()
    return f"{' ' * lead}{f':{color}-background[{words}]' if color else words}{' ' * tail}"


def _mark_value(value: Json, color: str) -> str:
    said = '""' if value == "" else one_line(value, limit_count=ONE_LINE_COUNT)
    return f":{color}-background[{md_escape(said)}]"


def _say_path(entry: Entry) -> str:
    """`messages`, `3`, `content` in a line; places in lists count from 1, as people do."""
    parts = [str(p + 1) if isinstance(p, int) else one_line(p) for p in entry.path]
    record = f" ({one_line(entry.record_id, limit_count=40)})" if entry.record_id else ""
    return show_hidden(IN.join(parts) + record)


def _say_counts(text: TextDiff) -> str:
    before, after = format_count(text.before_count), format_count(text.after_count)
    return f"text replaced, {before} characters by {after}"


def _shorten(text: TextDiff) -> tuple[Part, ...]:
    """The parts with equal stretches cut to what stands beside a difference."""
    last = len(text.parts) - 1
    return tuple(
        _cut(part, is_first=at == 0, is_last=at == last) for at, part in enumerate(text.parts)
    )


def _cut(part: Part, *, is_first: bool, is_last: bool) -> Part:
    shown = show_hidden(part.text)
    if part.kind is not PartKind.SAME:
        return Part(part.kind, clip(shown, PART_LIMIT_COUNT))
    head = "" if is_first else shown[:SAME_COUNT]
    tail = "" if is_last else shown[-SAME_COUNT:]
    if len(shown) <= len(head) + len(tail) + SAME_COUNT:
        return Part(part.kind, shown)
    return Part(part.kind, f"{head} … {tail}")


def _is_short(value: Json) -> bool:
    is_plain = not isinstance(value, dict | list)
    return is_plain and len(one_line(value, limit_count=ONE_LINE_COUNT + 1)) <= ONE_LINE_COUNT
