from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.inbox_filters import InboxFilter, read_age

NOW = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("90s", timedelta(seconds=90)),
        (" 10m ", timedelta(minutes=10)),
        ("4h", timedelta(hours=4)),
        ("2d", timedelta(days=2)),
    ],
)
def test_an_age_is_a_number_and_a_unit(text, age):
    assert read_age(text) == age


@pytest.mark.parametrize(
    "text", ["", "10", "m", "0m", "-1h", "1.5h", "10 m", "1w", "99999d", "1h2m"]
)
def test_anything_else_is_no_age(text):
    assert read_age(text) is None


def test_the_earlier_of_two_bounds_holds():
    earlier = NOW - timedelta(hours=1)
    bounded = InboxFilter().until(NOW)
    assert bounded.asked_until == NOW
    assert bounded.until(earlier).asked_until == earlier
    assert bounded.until(earlier).until(NOW).asked_until == earlier
