"""
How two states of a thread differ, as JSON: field by field, lists item by item, texts by word.

What is equal is left out. The entries tell the later state from the earlier one; nothing is said of
what a projection has cut away (`StateDiff.is_partial`).
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from interlock.core.model.json_values import CUT_KEY, are_same, is_scalar, text_at
from interlock.core.model.text_diffs import Opcode, TextDiff, Work, diff_texts
from interlock.core.types import Json

MAX_ENTRIES = 500  # more would not be read
MAX_DEPTH = 60  # levels; what lies deeper is compared as a whole

Path = tuple[str | int, ...]


class Change(StrEnum):
    """
    What happened at a place: a field came, went or has another value; a text was rewritten; items
    of a list came (`inserted`) or went (`dropped`).
    """

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    TEXT = "text"
    INSERTED = "inserted"
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """
    One difference.

    `path` leads to the field; an index in it counts in the later list. Of `inserted` and `dropped`
    it leads to the list: `items` stood from index `at` on, of the later list or of the earlier one,
    and `is_at_end` tells that nothing followed them. `record_id` is the id of the message, or of
    another record with an id, that the place is in. `text` is of `text` alone.
    """

    path: Path
    change: Change
    before: Json = None
    after: Json = None
    items: tuple[Json, ...] = ()
    at: int = 0
    is_at_end: bool = False
    record_id: str = ""
    text: TextDiff | None = None


@dataclass(frozen=True, kw_only=True)
class StateDiff:
    """
    The differences in the order of the fields of the earlier state, then of what is new.

    `left_out_count` are those beyond the limit. `is_partial`: one of the states was cut for the
    screen, so there may be differences in what is not there to be seen.
    """

    entries: tuple[Entry, ...]
    left_out_count: int = 0
    is_partial: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no difference was found."""
        return not self.entries and not self.left_out_count

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the state in which something differs, each once; those left out are not among them."""
        return tuple(dict.fromkeys(str(e.path[0]) for e in self.entries if e.path))

    def as_json(self) -> dict[str, Json]:
        """The form for scripts: paths as lists, texts as parts."""
        return {
            "entries": [_entry_as_json(entry) for entry in self.entries],
            "left_out": self.left_out_count,
            "is_partial": self.is_partial,
        }


def diff(before: Json, after: Json, *, limit: int = MAX_ENTRIES) -> StateDiff:
    """
    Compare two states.

    Args:
        before: The earlier, as a projection published it.
        after: The later.
        limit: Entries to keep; the rest is counted.
    """
    found = _Finder(limit)
    found.compare(before, after, (), "")
    is_partial = _holds_cut(before) or _holds_cut(after)
    return StateDiff(
        entries=tuple(found.entries), left_out_count=found.left_out_count, is_partial=is_partial
    )


class _Finder:
    """Collects the differences of two states, in order."""

    def __init__(self, limit: int) -> None:
        self.entries: list[Entry] = []
        self.left_out_count = 0
        self._limit = limit
        self._work = Work()

    def compare(self, before: Json, after: Json, path: Path, record_id: str) -> None:
        """Find the differences of two values at one place."""
        if before is after:
            return
        if len(path) >= MAX_DEPTH:
            if not _are_whole_same(before, after):
                self._add_change(before, after, path, record_id)
        elif isinstance(before, dict) and isinstance(after, dict):
            self._compare_fields(before, after, path, record_id)
        elif isinstance(before, list) and isinstance(after, list):
            self._compare_items(before, after, path, record_id)
        elif not (is_scalar(before) and is_scalar(after) and are_same(before, after)):
            self._add_change(before, after, path, record_id)

    def _compare_fields(
        self, before: dict[str, Json], after: dict[str, Json], path: Path, record_id: str
    ) -> None:
        for name in dict.fromkeys([*before, *after]):
            place = (*path, name)
            if name not in after:
                self._add(
                    path=place, change=Change.REMOVED, before=before[name], record_id=record_id
                )
            elif name not in before:
                self._add(path=place, change=Change.ADDED, after=after[name], record_id=record_id)
            else:
                self.compare(before[name], after[name], place, record_id)

    def _compare_items(
        self, before: list[Json], after: list[Json], path: Path, record_id: str
    ) -> None:
        keys, new_keys = [_key(item) for item in before], [_key(item) for item in after]
        found = self._work.match(keys, new_keys)
        for tag, a, b, c, d in found or _match_by_place(before, after):
            # Two records of one id are two versions of it; what has no id and is in place of
            # something without one is its new version.
            has_ids = any(is_id for is_id, _ in [*keys[a:b], *new_keys[c:d]])
            if tag == "equal" and not has_ids:
                continue
            paired = 0 if tag != "equal" and has_ids else min(b - a, d - c)
            for offset in range(paired):
                is_id, key = new_keys[c + offset]
                if not is_id and key == keys[a + offset][1]:
                    continue
                within = str(key) if is_id else record_id
                self.compare(before[a + offset], after[c + offset], (*path, c + offset), within)
            self._add_items(Change.DROPPED, before, (a + paired, b), path, record_id)
            self._add_items(Change.INSERTED, after, (c + paired, d), path, record_id)

    def _add_items(
        self, change: Change, items: list[Json], span: tuple[int, int], path: Path, record_id: str
    ) -> None:
        start, end = span
        if start < end:
            self._add(
                path=path,
                change=change,
                items=tuple(items[start:end]),
                at=start,
                is_at_end=end == len(items),
                record_id=record_id,
            )

    def _add_change(self, before: Json, after: Json, path: Path, record_id: str) -> None:
        change, text = Change.CHANGED, None
        is_kept = len(self.entries) < self._limit  # a text that is only counted is not compared
        if is_kept and isinstance(before, str) and isinstance(after, str):
            change, text = Change.TEXT, diff_texts(before, after, self._work)
        self._add(
            path=path, change=change, before=before, after=after, record_id=record_id, text=text
        )

    def _add(self, **fields: Json) -> None:
        if len(self.entries) < self._limit:
            self.entries.append(Entry(**fields))
        else:
            self.left_out_count += 1


def _key(item: Json) -> tuple[bool, Hashable]:
    """What tells an item of a list from the others: its id if it is a record, else all of it."""
    if isinstance(item, dict):
        if record_id := text_at(item, "id"):
            return True, record_id
    elif not isinstance(item, list):
        return False, (item is True or item is False, item)
    return False, json.dumps(item, sort_keys=True, default=str)


def _match_by_place(before: Sequence[Json], after: Sequence[Json]) -> list[Opcode]:
    """An alignment for lists that would take too long: the first with the first, and so on."""
    return [("replace", 0, len(before), 0, len(after))]


def _are_whole_same(before: Json, after: Json) -> bool:
    return bool(before == after) and json.dumps(before) == json.dumps(after)


def _holds_cut(value: Json) -> bool:
    """Whether a projection left anything out; unlike `find_cuts` it looks at no scalar."""
    places = [value]
    while places:
        found = places.pop()
        if isinstance(found, dict):
            if CUT_KEY in found:
                return True
            places += [item for item in found.values() if isinstance(item, dict | list)]
        elif isinstance(found, list):
            places += [item for item in found if isinstance(item, dict | list)]
    return False


def _entry_as_json(entry: Entry) -> dict[str, Json]:
    told: dict[str, Json] = {"path": list(entry.path), "change": str(entry.change)}
    if entry.change in (Change.INSERTED, Change.DROPPED):
        told |= {"at": entry.at, "items": list(entry.items), "is_at_end": entry.is_at_end}
    if entry.change in (Change.REMOVED, Change.CHANGED, Change.TEXT):
        told["before"] = entry.before
    if entry.change in (Change.ADDED, Change.CHANGED, Change.TEXT):
        told["after"] = entry.after
    if entry.record_id:
        told["record_id"] = entry.record_id
    if entry.text is not None:
        told["unit"] = str(entry.text.unit)
        told["parts"] = [{"kind": str(p.kind), "text": p.text} for p in entry.text.parts]
    return told
