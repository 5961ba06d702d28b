"""Short, safe, one-line texts out of what an agent wrote; cutting is always visible (law 9, law 11)."""

from __future__ import annotations

import json
import re
import unicodedata

from interlock.core.types import Json

TITLE_LIMIT = 120  # characters: what one row of a list shows before it would wrap
ELLIPSIS = "…"
_MARKS = re.compile(r"^(?:(?:#+|>+|[-*+]) )+")  # of Markdown headings, quotes and lists

# Joiners that scripts and emoji need; all other format characters can hide or reverse text.
_KEPT_FORMATS = frozenset({"\u200c", "\u200d"})


def cut(text: str, limit: int) -> str:
    """Shorten `text` to at most `limit` characters, with an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def one_line(text: str, limit: int = TITLE_LIMIT) -> str:
    """
    Make a title: the first line that says something, without marks that could hide or reverse it.

    Args:
        text: Anything, also Markdown; leading heading, quote and list marks are dropped.
        limit: Characters the title may have.

    Returns:
        One line, trimmed; empty when the text says nothing.
    """
    for line in text[: limit * 40].splitlines():
        words = _MARKS.sub("", _visible_words(line))
        if any(map(str.isalnum, words)):
            return cut(words, limit)
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


def _visible_words(text: str) -> str:
    return " ".join("".join(map(_visible, text)).split())


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc" or (category == "Cf" and character not in _KEPT_FORMATS):
        return " "
    return "\ufffd" if category == "Cs" else character
