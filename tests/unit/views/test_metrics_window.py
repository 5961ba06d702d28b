from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from interlock.dashboard.views.metrics_window import CUSTOM, choose, write_moment

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def read(name=None, **params):
    return choose(name, now=NOW, **({"start": None, "end": None, "workflow": None} | params))


@pytest.mark.parametrize(
    ("name", "seconds"), [("5m", 300), ("1h", 3600), ("24h", 86_400), ("7d", 604_800), (None, 3600)]
)
def test_a_window_ends_now(name, seconds):
    chosen = read(name)
    assert (chosen.window.end, chosen.window.seconds) == (NOW, seconds)
    assert chosen.problem == ""


def test_nonsense_becomes_the_last_hour_and_says_so():
    chosen = read("<b>", workflow="essay")
    assert (chosen.name, chosen.window.workflow) == ("1h", "essay")
    assert chosen.problem == "There is no window of that name; this is 1h."


@pytest.mark.parametrize("name", ["24h", CUSTOM])
def test_a_variant_is_one_of_a_workflow(name):
    chosen = read(name, workflow="essay", variant="b")
    assert (chosen.window.variant, chosen.params["variant"]) == ("b", "b")
    assert read(name, variant="b").window.variant is None


def test_a_window_of_ones_own_is_read_and_written_in_utc():
    chosen = read(CUSTOM, start="2026-03-01T10:00", end="2026-03-01T13:00+01:00")
    assert chosen.window.seconds == 7200
    assert chosen.params["start"] == "2026-03-01T10:00Z"
    assert chosen.before == "the 2 h before"
    assert read("1h").params["start"] is None


@pytest.mark.parametrize(
    ("start", "end", "seconds", "word"),
    [
        ("2026-03-01T10:00Z", "2026-03-01T09:00Z", 3600, "begins after its end"),
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:20Z", 60, "a minute long at least"),
        ("2001-03-01T10:00Z", "", 400 * 86_400, "400 days long at most"),
        ("0001-01-01", "9999-12-31", 3600, ""),
        ("soon", "2030-01-01", 3600, ""),
    ],
)
def test_a_window_that_cannot_be_is_mended(start, end, seconds, word):
    chosen = read(CUSTOM, start=start, end=end)
    assert chosen.window.seconds == seconds
    assert chosen.window.end <= NOW
    assert word in chosen.problem


def test_a_field_without_a_zone_is_in_utc():
    assert write_moment(None) is None
    assert write_moment(datetime(2026, 3, 1, 10, 0)) == "2026-03-01T10:00Z"
    east = timezone(timedelta(hours=2))
    assert write_moment(datetime(2026, 3, 1, 10, 0, tzinfo=east)) == "2026-03-01T08:00Z"
