"""When a queue is full, and when there should be room again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.model.backlog import LATEST_S, SOONEST_S, UNKNOWN_S, Backlog

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def full(waited_s: float, *, waiting: int = 1000, most: int = 1000) -> Backlog:
    return Backlog(waiting=waiting, most=most, oldest_at=NOW - timedelta(seconds=waited_s))


@pytest.mark.parametrize(
    ("waiting", "starts", "has_room"), [(9, 1, True), (10, 1, False), (5, 6, False)]
)
def test_the_last_place_is_given_and_none_beyond(waiting: int, starts: int, has_room: bool) -> None:
    assert Backlog(waiting=waiting, most=10).has_room(starts) is has_room


def test_room_comes_as_fast_as_the_queue_passed_before_the_one_that_is_next() -> None:
    # A thousand took 100 s, so the one that is wanted and the fifty of the slack take 5.1 s.
    assert full(100).estimate_wait_s(1, now=NOW) == pytest.approx(5.1)
    assert full(100).estimate_wait_s(500, now=NOW) == pytest.approx(55)


def test_nobody_is_sent_away_for_longer_than_the_queue_or_five_minutes() -> None:
    assert full(100, waiting=10, most=1000).estimate_wait_s(1000, now=NOW) == pytest.approx(100)
    assert full(1_000_000).estimate_wait_s(1, now=NOW) == LATEST_S


def test_a_queue_of_which_nothing_is_known_is_asked_again_soon() -> None:
    assert full(0).estimate_wait_s(1, now=NOW) == SOONEST_S
    assert full(-60).estimate_wait_s(1, now=NOW) == SOONEST_S  # the clock of who launched was ahead
    assert Backlog(waiting=10, most=10).estimate_wait_s(1, now=NOW) == UNKNOWN_S
    assert Backlog(waiting=0, most=10, oldest_at=NOW).estimate_wait_s(10, now=NOW) == SOONEST_S


@given(
    waited_s=st.floats(0, 1e6),
    most=st.integers(1, 10_000),
    beyond=st.integers(0, 10),
    starts=st.integers(1, 10_000),
)
def test_whoever_is_refused_is_told_a_time_that_can_be_waited(
    waited_s: float, most: int, beyond: int, starts: int
) -> None:
    found = full(waited_s, waiting=most + beyond, most=most)
    assert SOONEST_S <= found.estimate_wait_s(min(starts, most), now=NOW) <= LATEST_S
