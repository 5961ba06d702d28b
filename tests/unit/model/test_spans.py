"""Which rows answer for a window: together they are the window, none twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from interlock.core.model.spans import (
    DAY,
    HOUR,
    MINUTE,
    Piece,
    Tier,
    ceil,
    floor,
    plan,
    series_span,
    split,
    starts,
)

DAWN = datetime(2026, 1, 5, tzinfo=UTC)
MOMENTS = st.integers(0, 20 * 86_400 * 10).map(lambda n: DAWN + timedelta(seconds=n / 10))


@given(MOMENTS, MOMENTS, st.none() | MOMENTS.map(lambda m: floor(m, MINUTE)), st.sampled_from(Tier))
def test_the_pieces_are_the_window_and_fit_their_tier(one, other, rolled_until, longest):
    start, end = sorted((one, other))
    pieces = plan(start, end, rolled_until, longest=longest)
    edges = [start, *(piece.end for piece in pieces)]
    assert [piece.start for piece in pieces] == edges[:-1]
    assert edges[-1] == end
    for piece in pieces:
        assert piece.start < piece.end
        if piece.tier is None:
            continue
        assert piece.tier.length <= longest.length
        assert rolled_until is not None
        assert piece.end <= rolled_until
        assert floor(piece.start, piece.tier.length) == piece.start
        assert floor(piece.end, piece.tier.length) == piece.end


def test_a_week_is_read_by_days_with_hours_and_minutes_at_its_ends():
    end = DAWN + 7 * DAY + timedelta(hours=9, minutes=30, seconds=20)
    start = end - 7 * DAY
    rolled_until = floor(end, MINUTE) - MINUTE
    found = plan(start, end, rolled_until)
    assert [piece.tier for piece in found] == [
        *(None, Tier.MINUTE, Tier.HOUR, Tier.DAY, Tier.HOUR, Tier.MINUTE, None)
    ]
    assert found[3] == Piece(Tier.DAY, DAWN + DAY, DAWN + 7 * DAY)


def test_nothing_rolled_is_all_raw_and_an_empty_window_is_nothing():
    assert plan(DAWN, DAWN + HOUR, None) == [Piece(None, DAWN, DAWN + HOUR)]
    assert plan(DAWN, DAWN, None) == []
    assert plan(DAWN, DAWN, DAWN + DAY) == []


def test_a_moment_is_brought_to_the_edges_of_its_span():
    moment = DAWN + timedelta(hours=9, microseconds=1)
    assert floor(moment, HOUR) == DAWN + 9 * HOUR
    assert ceil(moment, HOUR) == DAWN + 10 * HOUR
    assert ceil(DAWN, HOUR) == floor(DAWN, HOUR) == DAWN


def test_a_series_has_some_hundred_points_at_most():
    windows = [5 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY]
    assert [series_span(w) for w in windows] == [MINUTE, MINUTE, HOUR / 4, HOUR, HOUR, DAY]
    for length in windows:
        points = starts(DAWN + MINUTE / 3, DAWN + MINUTE / 3 + length, series_span(length))
        assert len(points) <= 170
        assert points[0] == DAWN
    assert starts(DAWN, DAWN, MINUTE) == [DAWN]


@given(MOMENTS, MOMENTS, st.sampled_from([HOUR, DAY]))
def test_the_parts_of_a_piece_are_the_piece_and_lie_in_one_span_each(one, other, span):
    start, end = min(one, other), max(one, other) + MINUTE
    parts = split(Piece(Tier.MINUTE, start, end), span)
    assert [part[0] for part in parts] == [start, *(part[1] for part in parts[:-1])]
    assert parts[-1][1] == end
    for begun, ended in parts:
        assert begun < ended <= floor(begun, span) + span
