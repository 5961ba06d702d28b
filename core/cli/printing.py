"""
What reaches the terminal: one JSON document or aligned text on stdout, messages on stderr.

Text of agents is made harmless here: control characters are shown, not obeyed (law 9).
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.core.model import json_values, texts
from interlock.core.types import Json

MAX_CELL_CHARS = 60
_GAP = "  "


def print_json(document: Json) -> None:
    """Print one valid JSON document: no NaN, no half character, whatever the terminal's encoding."""
    clean = json_values.make_finite(document)
    text = json.dumps(clean, ensure_ascii=False, allow_nan=False, indent=2, default=str)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(clean, ensure_ascii=True, allow_nan=False, indent=2, default=str)
    print(text)


def say(message: str) -> None:
    """Tell the operator something, on stderr; several lines stay several lines."""
    text = "\n".join(printable(line) for line in message.splitlines())
    _write(sys.stderr, text)


def print_text(text: str) -> None:
    """Print a line on stdout."""
    _write(sys.stdout, printable(text))


def print_table(
    heads: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str, whole: Sequence[str] = ()
) -> None:
    """Print rows under heads; columns named in `whole` (ids, that are copied) are never cut."""
    if not rows:
        say(empty)
        return
    cells = [
        [_cell(value, whole=head in whole) for head, value in zip(heads, row, strict=True)]
        for row in rows
    ]
    widths = [max(_width(line[i]) for line in [list(heads), *cells]) for i in range(len(heads))]
    for line in [[h.upper() for h in heads], *cells]:
        padded = (
            text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)
        )
        _write(sys.stdout, _GAP.join(padded).rstrip())


def print_fields(fields: Mapping[str, object]) -> None:
    """Print `name  value` lines, names aligned; values of several lines are indented."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        lines = as_text(value).split("\n")
        indent = "\n" + " " * (width + len(_GAP))
        _write(sys.stdout, f"{name:<{width}}{_GAP}{indent.join(printable(line) for line in lines)}")


def as_text(value: object) -> str:
    """A value as people read it: text as it is, nothing as a dash, anything else as JSON."""
    if value is None or value in ("", (), []):
        return "-"
    if isinstance(value, str):
        return value
    return json.dumps(json_values.make_finite(value), ensure_ascii=False, default=str)


def duration(ms: float | None) -> str:
    """A duration with three significant digits and its unit: `482 ms`, `1.24 s`, `3 m 10 s`."""
    if ms is None:
        return ""
    if ms < 999.5:
        return f"{_three_digits(ms)} ms"
    if ms < 59_950:
        return f"{_three_digits(ms / 1000)} s"
    whole_s = round(ms / 1000)
    if whole_s < 3600:
        return f"{whole_s // 60} m {whole_s % 60} s"
    return f"{whole_s // 3600} h {whole_s % 3600 // 60} m"


def size(count_bytes: int) -> str:
    """A number of bytes with three significant digits and its unit: `870 B`, `1.24 MB`."""
    value = float(count_bytes)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{count_bytes} B" if unit == "B" else f"{_three_digits(value)} {unit}"
        value /= 1000
    return f"{_three_digits(value)} GB"


def printable(text: str) -> str:
    """The text with control and invisible direction characters shown as escapes, others by their number."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return texts.show_hidden(text)


def _three_digits(value: float) -> str:
    return f"{value:.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f}"


def _cell(value: object, *, whole: bool) -> str:
    text = printable(" ".join(as_text(value).split()))
    return text if whole or len(text) <= MAX_CELL_CHARS else f"{text[: MAX_CELL_CHARS - 1]}…"


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def _write(stream: Any, text: str) -> None:
    encoding = stream.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)
