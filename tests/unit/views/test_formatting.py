from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.dashboard.views import formatting

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("duration_ms", "expected"),
    [
        (None, "\u2013"),
        (0, "0 ms"),
        (-5, "0 ms"),
        (0.4213, "0.42 ms"),
        (4.821, "4.82 ms"),
        (48.21, "48.2 ms"),
        (99.99, "100 ms"),
        (482, "482 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (1240, "1.24 s"),
        (12_400, "12.4 s"),
        (59_940, "59.9 s"),
        (59_960, "1 m"),
        (190_000, "3 m 10 s"),
        (3_599_600, "1 h"),
        (7_500_000, "2 h 5 m"),
        (273_600_000, "3 d 4 h"),
    ],
)
def test_a_duration_has_three_significant_digits(duration_ms, expected):
    assert expected == formatting.format_duration_ms(duration_ms)


def test_no_seconds_are_a_dash_and_few_are_milliseconds():
    assert formatting.format_seconds(None) == "\u2013"
    assert formatting.format_seconds(0.0042) == "4.20 ms"


@given(st.floats(min_value=0, max_value=1e12))
def test_every_duration_reads_as_one_or_two_figures_with_units(duration_ms):
    words = formatting.format_duration_ms(duration_ms).split()
    assert len(words) in {2, 4}
    assert all(float(words[i]) >= 0 for i in range(0, len(words), 2))


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [(-3, "0 s"), (12, "12 s"), (59.9, "59 s"), (720, "12 min"), (10_800, "3 h"), (200_000, "2 d")],
)
def test_an_age_is_one_unit(age_s, expected):
    assert expected == formatting.format_age_s(age_s)


def test_a_moment_is_said_from_now():
    assert formatting.format_ago(NOW - timedelta(minutes=4), NOW) == "4 min ago"
    assert formatting.format_ago(NOW - timedelta(seconds=1), NOW) == "just now"
    assert formatting.format_ago(NOW + timedelta(seconds=30), NOW) == "just now"
    assert formatting.format_ago(None, NOW) == "\u2013"
    assert formatting.format_age(None, NOW) == "\u2013"
    assert formatting.format_age(NOW - timedelta(hours=3), NOW) == "3 h"


@pytest.mark.parametrize(
    ("left_s", "expected"),
    [(700, "11:40 left"), (0, "0:00 left"), (7300, "2 h left"), (-125, "overdue by 2 min")],
)
def test_a_deadline_counts_down(left_s, expected):
    assert expected == formatting.format_countdown(NOW + timedelta(seconds=left_s), NOW)


def test_no_deadline_says_nothing():
    assert formatting.format_countdown(None, NOW) == ""


def test_the_exact_moment_is_in_utc():
    vienna = timezone(timedelta(hours=1))
    moment = datetime(2026, 3, 2, 13, 0, 5, tzinfo=vienna)
    assert formatting.format_exact(moment) == "2026-03-02 12:00:05 UTC"
    assert formatting.format_exact(None) == "\u2013"


def test_counts_have_their_thousands_apart():
    assert formatting.format_count(12345) == "12\u202f345"
    assert formatting.format_count(None) == "\u2013"
    assert formatting.format_plural(1, "card") == "1 card"
    assert formatting.format_plural(7, "card") == "7 cards"
    assert formatting.format_plural(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("ratio", "expected"), [(None, "\u2013"), (0, "0 %"), (1, "100 %"), (0.9731, "97.3 %")]
)
def test_a_ratio_is_a_percentage(ratio, expected):
    assert expected == formatting.format_ratio(ratio)


def test_a_long_id_is_told_by_its_end_and_a_chosen_one_stays():
    assert formatting.short_id("0199a1b2-0000-7000-8000-00001234abcd") == "…1234abcd"
    assert formatting.short_id("customer-4711") == "customer-4711"
    assert formatting.short_id(None) == "\u2013"


def test_one_line_keeps_text_and_compacts_json():
    assert formatting.one_line("  two\n lines ") == "two lines"
    assert formatting.one_line({"ä": [1, 2]}) == '{"ä": [1, 2]}'
    assert formatting.one_line("x" * 200, limit_count=10) == "x" * 9 + "…"
    assert formatting.clip("short", 10) == "short"


def test_a_number_that_a_browser_would_round_is_drawn_as_text():
    value = {"id": 1234567890123456789, "all": [-(2**53), 2**53 - 1, True, 0.5]}
    assert formatting.keep_digits(value) == {
        "id": "1234567890123456789",
        "all": [str(-(2**53)), 2**53 - 1, True, 0.5],
    }
