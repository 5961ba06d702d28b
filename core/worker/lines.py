"""Printed text made into lines that obey nobody: control characters are shown, not carried out."""

from __future__ import annotations

import math
import re
import time
import unicodedata
from collections.abc import Callable, Iterator

MAX_LINE = 4_000  # characters of one printed line or log record that are kept
PROGRESS_S = 5.0  # a progress bar is told this often, and at its end

_PIECES = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # or hidden, or no character at all
_KEPT = frozenset("\t\n\u200c\u200d")  # scripts and emoji need the joiners


def inert(text: str) -> str:
    """The text with each character that a terminal obeys, or that hides others, as an escape."""
    if text.isprintable():
        return text
    return "".join(c if _is_shown(c) else ascii(c)[1:-1] for c in text)


def _is_shown(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in _OBEYED


class Line:
    """
    The line that one speaker is writing.

    One that is drawn over with carriage returns, as progress bars are, is told as a line of its
    newest state, PROGRESS_S apart and when it ends.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._text = ""
        self._is_told = False
        self._told_at = -math.inf
        self._returns = False  # the next character is drawn over the first
        self.is_drawn_over = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it was written yet."""
        return not self._text and not self.is_drawn_over

    def feed(self, text: str) -> Iterator[str]:
        """Take in what was written; the lines that are complete, or due, by it."""
        for piece, end in _PIECES.findall(text):
            if piece:
                start = "" if self._returns else self._text
                self._text, self._is_told, self._returns = (start + piece)[:MAX_LINE], False, False
            if end == "\r":
                self._returns = self.is_drawn_over = True
                if self._now() - self._told_at >= PROGRESS_S:
                    yield from self._tell()
            elif end:
                yield from self.end()

    def end(self) -> Iterator[str]:
        """The line is over; what was not told of it."""
        yield from self._tell()
        self._text, self._told_at = "", -math.inf
        self._is_told = self._returns = self.is_drawn_over = False

    def _tell(self) -> Iterator[str]:
        if self._text.strip() and not self._is_told:
            self._is_told, self._told_at = True, self._now()
            yield inert(self._text)[:MAX_LINE]
