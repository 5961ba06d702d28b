"""Hiding secrets inside texts that are shown, logged or kept: passwords of URLs and `key=value` pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MASK = "***"
ROOM = 1_000  # characters read beyond a cut: a secret that lies on it is still known as one

# A quote that is never closed is read to the end: the text may have been cut inside of it.
_SECRET_IN_TEXT = re.compile(
    r"""((?:passw(?:or)?d|token|secret|api[_-]?key|authorization|cookie)["']?\s*[=:]\s*)"""
    r"""(?:"[^"\n]*(?:"|\Z)|'[^'\n]*(?:'|\Z)|(?:(?:bearer|basic)\s+)?["']?[^\s"'&,;)}\]]+["']?)""",
    re.IGNORECASE,
)
# Up to the last @: a password may hold a slash or, wrongly, an @ of its own. Bounded, so that a long
# text with many addresses is read in one go.
_URL_PASSWORD = re.compile(r"""(\w://[^\s:/@"']*:)[^\s"']{1,300}(@)""")

# What is a secret by its look alone, as services name it in their errors: keys and tokens of common
# makers, a bearer's token, a signed web token.
_SECRET_BY_LOOK = re.compile(
    r"\b(?:(?:sk|pk|rk)[-_]|gh[opsu]_|github_pat_|glpat-|xox[abprs]-|AKIA)[\w-]{16,200}"
    r"|\beyJ[\w-]{10,2000}\.[\w-]{10,4000}(?:\.[\w-]{0,2000})?"
    r"|(?<=\bbearer )[\w.~+/=-]{16,4000}",
    re.IGNORECASE,
)

# JSON within JSON, as the arguments of a tool's call are.
_SECRET_IN_ESCAPED = re.compile(
    r"""((?:passw(?:or)?d|token|secret|api[_-]?key|authorization|cookie)\\{1,7}"\s*:\s*\\{1,7}")[^"\\\n]*""",
    re.IGNORECASE,
)
_SECRET_KEY = re.compile(
    r"passw(or)?d|token|secret|api[_-]?key|authorization|cookie", re.IGNORECASE
)
_SECRET_NUMBER_KEY = re.compile(  # unlike of a token: that of tokens is a count
    r"passw(or)?d|passcode|secret|api[_-]?key|authorization|cookie", re.IGNORECASE
)
_MAX_DEPTH = 250  # levels; what is nested deeper cannot be stored

_BLANK = re.compile(r"\s")
_FIELD = re.compile(r"[^\s.]{1,100}(\.[^\s.]{1,100}){0,20}")


class FieldRules:
    """
    Fields whose values are nobody's to read beyond the run itself, by where they stand.

    `iban` and `*.iban` are fields of that name wherever they are; `customer.iban` those within a
    `customer`; `customer.*` all that is within one. Whatever the case; places in lists do not count.
    """

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        rules = (pattern.casefold().removeprefix("*.").split(".") for pattern in patterns)
        self._rules = tuple(tuple(rule) for rule in rules)
        self._names = frozenset(rule[-1] for rule in self._rules) - {"*"}
        told = "|".join(re.escape(name) for name in sorted(self._names, key=len, reverse=True))
        self._in_text = (
            re.compile(
                rf"""((?<![\w.-])["']?(?:{told})\\{{0,7}}["']?\s*[=:]\s*)"""
                r"""(?:\\{0,7}"[^"\n]*(?:"|\Z)|'[^'\n]*(?:'|\Z)|[^\s"'&,;)}\]]+)""",
                re.IGNORECASE,
            )
            if told
            else None
        )

    def __bool__(self) -> bool:
        return bool(self._rules)

    def hide(self, path: Sequence[str]) -> bool:
        """Whether the value at this path is hidden; the last name is the field's own."""
        return any(
            len(path) >= len(rule)
            and all(
                wanted in ("*", name.casefold())
                for wanted, name in zip(rule, path[-len(rule) :], strict=True)
            )
            for rule in self._rules
        )

    def name(self, key: str) -> bool:
        """Whether a field of this name is hidden anywhere: for what has no path, as a line of a log."""
        return bool(self._names) and key.casefold() in self._names

    def mask(self, text: str) -> str:
        """A text with what is said of such fields hidden: `iban=…`, `"iban": "…"`."""
        return text if self._in_text is None else self._in_text.sub(rf"\1{MASK}", text)


_rules = FieldRules()


def use(rules: FieldRules) -> None:
    """Hide these fields, too, in all that this process masks from now on; set once at its start."""
    global _rules
    _rules = rules


def names_hidden(key: str) -> bool:
    """Whether the rules hide fields of this name."""
    return _rules.name(key)


def is_field(pattern: str) -> bool:
    """Whether this may be a rule; a star alone would hide all there is."""
    return _FIELD.fullmatch(pattern) is not None and bool(set(pattern.split(".")) - {"*"})


def mask_text(text: str) -> str:
    """The text with passwords of URLs, values of keys that name secrets and known tokens replaced by `***`."""
    masked = _SECRET_IN_TEXT.sub(rf"\1{MASK}", _URL_PASSWORD.sub(rf"\1{MASK}\2", text))
    if '\\"' in masked:
        masked = _SECRET_IN_ESCAPED.sub(rf"\1{MASK}", masked)
    if _rules:
        masked = _rules.mask(masked)
    return _SECRET_BY_LOOK.sub(MASK, masked)


def mask_tree(value: Any, *, limit: int, key: str = "", path: tuple[str, ...] = ()) -> Any:
    """
    A value of lists and mappings with the secrets in it masked and its long texts cut, for others to keep.

    Numbers stay, whatever they are called: `tokens=812` is a count. Those of hidden fields do not.
    """
    if value is None:
        return value
    if path and _rules.hide(path):
        return MASK
    if isinstance(value, (bool, int, float)):
        return value
    if _SECRET_KEY.search(key):
        return MASK
    if isinstance(value, str):
        return mask_start(value, limit, mark=" … (cut)")
    if isinstance(value, Mapping):
        return {
            k: mask_tree(v, limit=limit, key=str(k), path=_within(path, str(k)))
            for k, v in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [mask_tree(each, limit=limit, key=key, path=path) for each in value]
    return value


def mask_fields(value: Any, *, key: str = "", depth: int = 0, path: tuple[str, ...] = ()) -> Any:
    """
    A value of lists and mappings with the secrets in it masked, whole besides, for a record that stays.

    A number is masked, too, where its key names a password; `tokens=812` is a count.
    """
    if value is None or depth > _MAX_DEPTH:
        return value
    if path and _rules.hide(path):
        return MASK
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return MASK if _SECRET_NUMBER_KEY.search(key) else value
    if _SECRET_KEY.search(key):
        return MASK if value else value
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        named = _name_of_value(value)
        return {
            k: mask_fields(
                v,
                key=(name := named if named and k == "value" else str(k)),
                depth=depth + 1,
                path=_within(path, *name.split(".")) if name == named else _within(path, name),
            )
            for k, v in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [mask_fields(each, key=key, depth=depth + 1, path=path) for each in value]
    return value


def mask_hidden(value: Any, path: tuple[str, ...] = ()) -> Any:
    """A value with the fields that the rules hide masked, and nothing else: for whoever decides on it."""
    if not _rules or value is None:
        return value
    if path and _rules.hide(path):
        return MASK
    if isinstance(value, str):
        return _rules.mask(value)
    if isinstance(value, Mapping):
        return {k: mask_hidden(v, (*path, str(k))) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask_hidden(each, path) for each in value]
    return value


def _within(path: tuple[str, ...], *names: str) -> tuple[str, ...]:
    """The path of a field; nobody asks where there are no rules."""
    return (*path, *names) if _rules else ()


def _name_of_value(value: Mapping[Any, Any]) -> str:
    """What a `value` is the value of, where the field's name stands beside it as in an edit; else empty."""
    if "value" not in value:
        return ""
    names = (value.get(each) for each in ("field", "name", "key", "path"))
    return next((name for name in names if isinstance(name, str)), "")


def mask_start(text: str, limit: int, *, mark: str = "") -> str:
    """
    The first `limit` characters of the masked text, and `mark` behind them if there are more.

    However long the text is, little more than that of it is looked at.
    """
    masked = mask_text(text[: limit + ROOM])
    is_cut = len(text) > limit + ROOM
    if is_cut:  # its end may be half a secret, which nothing tells from a word
        masked = masked[: -ROOM // 2]
    return masked[:limit] + (mark if is_cut or len(masked) > limit else "")


def mask_end(text: str, limit: int) -> str:
    """The last `limit` characters of the masked text."""
    masked = mask_text(text[-limit - ROOM :])
    if len(text) > limit + ROOM:  # its beginning may be half a secret: up to the next blank
        rest = masked[ROOM // 2 :]
        masked = rest[_find_blank(rest) :]
    return masked[-limit:]


def _find_blank(text: str) -> int:
    found = _BLANK.search(text)
    return found.start() if found is not None else 0
