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

# What is a secret by its look alone, as services name it in their errors: keys and tokens of common
# makers, a bearer's token, a signed web token.
_SECRET_BY_LOOK = re.compile(
    r"\b(?:(?:sk|pk|rk)[-_]|gh[opsu]_|github_pat_|glpat-|xox[abprs]-|AKIA)[\w-]{16,200}"
    r"|\beyJ[\w-]{10,2000}\.[\w-]{10,4000}(?:\.[\w-]{0,2000})?"
    r"|(?<=\bbearer )[\w.~+/=-]{16,4000}",
    re.IGNORECASE,
)


def mask_text(text: str) -> str:
    """The text with passwords of URLs, values of keys that name secrets and known tokens replaced by `***`."""
    masked = _SECRET_IN_TEXT.sub(rf"\1{MASK}", _URL_PASSWORD.sub(rf"\1{MASK}\2", text))
    return _SECRET_BY_LOOK.sub(MASK, masked)
