"""Short, safe, one-line texts out of what an agent wrote; cutting is always visible (law 9, law 11)."""

from __future__ import annotations

import json
import re
import unicodedata

from interlock.core.types import Json

TITLE_LIMIT = 120  # characters: what one row of a list shows before it would wrap
ELLIPSIS = "…"
_MARKS = re.compile(r"^(?:(?:#+|>+|[-*+]) )+")  # of Markdown headings, quotes and lists

_KEPT_CONTROLS = frozenset("\n\t\r")
# Joiners that scripts and emoji need; all other format characters can hide or reverse text.
_JOINERS = frozenset("\u200c\u200d")
# Letters, marks and signs that take part in no format and still show nothing.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SELECTORS = range(0xE0100, 0xE01F0)  # a choice of glyphs, of which whole texts can be made


def cut(text: str, limit: int) -> str:
    """Shorten `text` to at most `limit` characters, with an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def one_line(text: str, limit: int = TITLE_LIMIT) -> str:
    """
    Make a title: the first line that says something; marks that hide or reverse text are named.

    Args:
        text: Anything, also Markdown; leading heading, quote and list marks are dropped.
        limit: Characters the title may have.

    Returns:
        One line, trimmed; empty when the text says nothing.
    """
    for line in text[: limit * 40].splitlines():
        if any(c.isalnum() and not _is_hidden(line, at) for at, c in enumerate(line)):
            return cut(_MARKS.sub("", _visible_words(line)), limit)
    return ""


def show(value: Json, limit: int = 60) -> str:
    """Write a JSON value within a sentence: text as it is, the rest as JSON, cut."""
    if isinstance(value, str):
        return cut(_visible_words(value[: limit * 40]), limit)
    return cut(json.dumps(value, ensure_ascii=False, default=str), limit)


def join_words(words: list[str], *, last: str = "or") -> str:
    """Join words for a sentence: "a", "a or b", "a, b or c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def label(name: str) -> str:
    """Turn a key into words: `max_amount` becomes "Max amount"."""
    words = one_line(name.replace("_", " "))
    return words[:1].upper() + words[1:]


def show_hidden(text: str) -> str:
    """
    Make invisible characters visible by their names, bidirectional overrides among them.

    An override can turn the figures of an amount round, a blank can make two addresses look alike;
    whoever approves must see that it is there.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(f"⟨U+{ord(c):04X}⟩" if _is_hidden(text, at) else c for at, c in enumerate(text))


def _is_hidden(text: str, at: int) -> bool:
    character = text[at]
    category = unicodedata.category(character)
    if category == "Cf":
        return character not in _JOINERS or not _joins(text, at)
    if category in ("Cc", "Cs"):
        return character not in _KEPT_CONTROLS
    # A separator of lines that no browser breaks a line at joins two words without a gap.
    return category in ("Zl", "Zp") or character in _BLANKS or ord(character) in _SELECTORS


def _joins(text: str, at: int) -> bool:
    """Whether a joiner has something to join: no two ASCII characters are ever joined."""
    beside = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
    return len(beside) == 2 and not beside.isascii()


def _visible_words(text: str) -> str:
    shown = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return " ".join(show_hidden(shown).split())
