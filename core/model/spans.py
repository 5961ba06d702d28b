"""Spans of time that figures are kept by, and which of them answer for a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# From the longest window on, the span of a point of its series.
_SERIES = ((timedelta(days=8), DAY), (timedelta(hours=12), HOUR), (timedelta(hours=2), HOUR / 4))


class Tier(StrEnum):
    """How long the spans are that a row of figures stands for."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """How long."""
        return _LENGTHS[self]


_LENGTHS = {Tier.MINUTE: MINUTE, Tier.HOUR: HOUR, Tier.DAY: DAY}


@dataclass(frozen=True)
class Piece:
    """A stretch of time and what answers for it: rows of a tier, or the raw rows (None)."""

    tier: Tier | None
    start: datetime
    end: datetime


def floor(moment: datetime, span: timedelta) -> datetime:
    """The start of the span that a moment is in; spans are counted from 1970 in UTC."""
    return moment - (moment - EPOCH) % span


def ceil(moment: datetime, span: timedelta) -> datetime:
    """The first start of a span at or after a moment."""
    return floor(moment + span - timedelta(microseconds=1), span)


def plan(
    start: datetime, end: datetime, rolled_until: datetime | None, *, longest: Tier = Tier.DAY
) -> list[Piece]:
    """
    Cut a window into pieces, the longest spans that fit, and raw rows at its ends.

    Args:
        start: Included.
        end: Not included.
        rolled_until: A whole minute; rows of figures are there for what is before it. None: nowhere.
        longest: The longest spans to use.

    Returns:
        The pieces in order; together they are the window.
    """
    if rolled_until is None or rolled_until <= start:
        return [Piece(None, start, end)] if start < end else []
    first = ceil(start, MINUTE)
    last = floor(min(end, rolled_until), MINUTE)
    if first >= last:
        return [Piece(None, start, end)] if start < end else []
    inner = _cut(first, last, [t for t in reversed(Tier) if t.length <= longest.length])
    edges = [Piece(None, start, first), *inner, Piece(None, last, end)]
    return [piece for piece in edges if piece.start < piece.end]


def _cut(start: datetime, end: datetime, tiers: list[Tier]) -> list[Piece]:
    if not tiers or start >= end:
        return []
    tier, finer = tiers[0], tiers[1:]
    first, last = ceil(start, tier.length), floor(end, tier.length)
    if first >= last:
        return _cut(start, end, finer)
    return [*_cut(start, first, finer), Piece(tier, first, last), *_cut(last, end, finer)]


def split(piece: Piece, span: timedelta) -> list[tuple[datetime, datetime]]:
    """The parts of a piece that lie in one span each."""
    cuts = [moment for moment in starts(piece.start, piece.end, span) if moment > piece.start]
    return list(pairwise([piece.start, *cuts, piece.end]))


def series_span(length: timedelta) -> timedelta:
    """How far apart the points of a series over so long a window are: some hundred at most."""
    return next((span for least, span in _SERIES if length >= least), MINUTE)


def starts(start: datetime, end: datetime, span: timedelta) -> list[datetime]:
    """The starts of all spans that a window touches."""
    found = [floor(start, span)]
    while found[-1] + span < end:
        found.append(found[-1] + span)
    return found
