"""How two texts differ, by word where that is affordable, else by line, else not at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

MAX_WORDS = 4000  # of one text; more would not be read word by word
MAX_LINES = 4000
MAX_PAIRS = 60_000  # of equal words in one comparison: difflib visits each several times
WORK_PAIRS = 150_000  # of all comparisons of one diff: some tenths of a second

_CJK = "\u3040-\u30ff\u3400-\u9fff"  # written without spaces: each sign is taken as a word
_WORDS = re.compile(rf"[{_CJK}]\s*|[^\W{_CJK}]+\s*|[^\w\s]\s*|\s+")

Opcode = tuple[str, int, int, int, int]


class PartKind(StrEnum):
    """Where a part of a text stands: in both, in the earlier alone, in the later alone."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


class Unit(StrEnum):
    """By what two texts were compared; `whole` where they are too long for anything finer."""

    WORD = "word"
    LINE = "line"
    WHOLE = "whole"


@dataclass(frozen=True)
class Part:
    """A stretch of text. The removed and the same ones make the earlier text, in order."""

    kind: PartKind
    text: str


@dataclass(frozen=True, kw_only=True)
class TextDiff:
    """Two texts in parts; none where they were not compared. The counts are of characters."""

    unit: Unit
    parts: tuple[Part, ...]
    before_count: int
    after_count: int


class Work:
    """How much comparing is left to one diff, so that no state can make it take long."""

    def __init__(self, pairs: int = WORK_PAIRS) -> None:
        self._left = pairs

    def match(self, before: Sequence[Hashable], after: Sequence[Hashable]) -> list[Opcode] | None:
        """
        Align two sequences as `difflib` does; None where that would take too long.

        Returns:
            Opcodes (tag, from and to in `before`, from and to in `after`), the equal ones included.
        """
        start, ends = _trim(before, after)
        one, other = before[start : len(before) - ends], after[start : len(after) - ends]
        counts = Counter(other)
        pairs = sum(counts[item] for item in one)
        if pairs > min(MAX_PAIRS, self._left):
            return None
        self._left -= pairs
        found = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
        moved = [(tag, a + start, b + start, c + start, d + start) for tag, a, b, c, d in found]
        head: list[Opcode] = [("equal", 0, start, 0, start)] if start else []
        tail: list[Opcode] = (
            [("equal", len(before) - ends, len(before), len(after) - ends, len(after))]
            if ends
            else []
        )
        return [*head, *moved, *tail]


def diff_texts(before: str, after: str, work: Work) -> TextDiff:
    """
    Compare two texts.

    Args:
        before: The earlier.
        after: The later.
        work: What is left of the comparing that one diff may do.
    """
    return (
        _compare(before, after, Unit.WORD, work)
        or _compare(before, after, Unit.LINE, work)
        or TextDiff(unit=Unit.WHOLE, parts=(), before_count=len(before), after_count=len(after))
    )


def _compare(before: str, after: str, unit: Unit, work: Work) -> TextDiff | None:
    one, other = _split(before, unit), _split(after, unit)
    if max(len(one), len(other)) > (MAX_WORDS if unit is Unit.WORD else MAX_LINES):
        return None
    found = work.match(one, other)
    if found is None:
        return None
    parts: list[Part] = []
    for tag, a, b, c, d in found:
        if tag == "equal":
            parts.append(Part(PartKind.SAME, "".join(one[a:b])))
            continue
        parts += [Part(PartKind.REMOVED, "".join(one[a:b]))] if a < b else []
        parts += [Part(PartKind.ADDED, "".join(other[c:d]))] if c < d else []
    return TextDiff(unit=unit, parts=tuple(parts), before_count=len(before), after_count=len(after))


def _split(text: str, unit: Unit) -> list[str]:
    return _WORDS.findall(text) if unit is Unit.WORD else text.splitlines(keepends=True)


def _trim(before: Sequence[Hashable], after: Sequence[Hashable]) -> tuple[int, int]:
    """How many items are the same at the start, and how many of the rest at the end."""
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and before[start] == after[start]:
        start += 1
    ends = 0
    while ends < shorter - start and before[-1 - ends] == after[-1 - ends]:
        ends += 1
    return start, ends
