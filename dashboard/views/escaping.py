"""
Making text that others wrote harmless where an element reads it as markup (law 9).

`st.text`, `st.code` and `st.json` need none of this; labels, badges, captions and DOT labels do.
"""

from __future__ import annotations

import re
import string
import unicodedata

_PUNCTUATION = re.compile(f"([{re.escape(string.punctuation)}])")
_NEWLINES = re.compile(r"\s*[\r\n\u2028\u2029]+\s*")
_KEPT_CONTROLS = "\n\t"

# GitHub's Markdown makes links of addresses, also where every mark of them is escaped.
_ADDRESS = re.compile(r"(?<=https)(?=://)|(?<=http)(?=://)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)
_JOINER = "\u2060"  # is not seen and breaks no line


def md_escape(text: object) -> str:
    """Escape a text so that a label shows it letter by letter: no markup, picture, formula or link."""
    line = _NEWLINES.sub(" ", show_hidden(str(text))).strip()
    return _PUNCTUATION.sub(r"\\\1", _ADDRESS.sub(_JOINER, line))


def dot_escape(text: object) -> str:
    """Escape a text for a quoted DOT string: quotes, backslashes and so its escape sequences."""
    line = _NEWLINES.sub(" ", show_hidden(str(text))).strip()
    return line.replace("\\", "\\\\").replace('"', '\\"')


def html_escape(text: object) -> str:
    """Escape a text for plotly, which reads a few HTML tags in labels and hover texts."""
    line = show_hidden(str(text))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def show_hidden(text: str) -> str:
    """
    Make invisible characters visible, bidirectional overrides among them.

    An override can turn the figures of an amount round; whoever approves must see that it is there.
    """
    return "".join(c if _is_shown(c) else f"⟨U+{ord(c):04X}⟩" for c in text)


def _is_shown(character: str) -> bool:
    if character in _KEPT_CONTROLS or character == "\r":
        return True
    category = unicodedata.category(character)
    if category == "Cf":  # soft hyphens and joiners are ordinary parts of words and emoji
        return (
            unicodedata.bidirectional(character) == "BN" and character not in "\u2060\ufeff\u200b"
        )
    return category not in ("Cc", "Cs")
