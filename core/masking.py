"""Hiding secrets inside texts that are shown, logged or kept: passwords of URLs and `key=value` pairs."""

from __future__ import annotations

import re

MASK = "***"

_SECRET_IN_TEXT = re.compile(
    r"""((?:[\w-]{0,40}(?:passw(?:or)?d|token|secret|api[_-]?key)|authorization|cookie)["']?\s*[=:]\s*)"""
    r"""(?:"[^"\n]*"|'[^'\n]*'|(?:(?:bearer|basic)\s+)?["']?[^\s"'&,;)}\]]+["']?)""",
    re.IGNORECASE,
)
# Up to the last @: a password may hold a slash or, wrongly, an @ of its own. Bounded, so that a long
# text with many addresses is read in one go.
_URL_PASSWORD = re.compile(r"""(\w{1,30}://[^\s:/@"']*:)[^\s"']{1,300}(@)""")


def mask_text(text: str) -> str:
    """The text with passwords of URLs and the values of keys that name secrets replaced by `***`."""
    return _SECRET_IN_TEXT.sub(rf"\1{MASK}", _URL_PASSWORD.sub(rf"\1{MASK}\2", text))
