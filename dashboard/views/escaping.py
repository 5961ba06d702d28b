"""
Making text that others wrote harmless where an element reads it as markup (law 9).

`st.text`, `st.code` and `st.json` need none of this; labels, badges, captions and DOT labels do.
"""

from __future__ import annotations

import re
import string

from interlock.core.model import texts
from interlock.core.types import Json

_PUNCTUATION = re.compile(f"([{re.escape(string.punctuation)}])")
_NEWLINES = re.compile(r"\s*[\r\n\u2028\u2029]+\s*")

# GitHub's Markdown makes links of addresses, also where every mark of them is escaped.
_ADDRESS = re.compile(r"(?<=https)(?=://)|(?<=http)(?=://)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)
_JOINER = "\u2060"  # is not seen and breaks no line
HIDDEN_BEFORE_COUNT = 60  # characters before the first hidden one, to find its place by
HIDDEN_LIMIT_COUNT = 200


def md_escape(text: object) -> str:
    """Escape a text so that a label shows it letter by letter: no markup, picture, formula or link."""
    line = show_hidden(_NEWLINES.sub(" ", str(text))).strip()
    return _PUNCTUATION.sub(r"\\\1", _ADDRESS.sub(_JOINER, line))


def dot_escape(text: object) -> str:
    """Escape a text for a quoted DOT string: quotes, backslashes and so its escape sequences."""
    line = show_hidden(_NEWLINES.sub(" ", str(text))).strip()
    return line.replace("\\", "\\\\").replace('"', '\\"')


def html_escape(text: object) -> str:
    """Escape a text for plotly, which reads a few HTML tags in labels and hover texts."""
    line = show_hidden(str(text))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def show_hidden(text: str) -> str:
    """Make invisible characters visible, bidirectional overrides among them."""
    return texts.show_hidden(text)


def show_hidden_in(value: Json) -> Json:
    """The same JSON to be drawn: invisible characters visible in its texts and in its keys."""
    if isinstance(value, str):
        return show_hidden(value)
    if isinstance(value, list):
        return [show_hidden_in(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    shown: dict[str, Json] = {}
    for key, inner in value.items():
        name = show_hidden(str(key))
        while name in shown:  # a key that spells out the mark of another
            name += "'"
        shown[name] = show_hidden_in(inner)
    return shown


def find_hidden(text: str) -> str:
    """What a field would show of a text without letting anybody see it, in its place; else empty."""
    shown = show_hidden(text)
    if shown == text:
        return ""
    at = next(n for n, (a, b) in enumerate(zip(text, shown, strict=False)) if a != b)
    start = max(0, at - HIDDEN_BEFORE_COUNT)
    told = shown[start : start + HIDDEN_LIMIT_COUNT]
    more = start + HIDDEN_LIMIT_COUNT < len(shown)
    return f"{'…' if start else ''}{told}{'…' if more else ''}"
