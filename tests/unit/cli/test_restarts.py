from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from interlock.core.cli import supervisor


def test_delays_double_up_to_ten_seconds():
    delays, delay = [], 0.0
    for _ in range(7):
        delay = supervisor.next_delay(delay, lived_s=1)
        delays.append(delay)
    assert delays == [0.5, 1, 2, 4, 8, 10, 10]


def test_a_child_that_lived_a_minute_starts_with_the_first_delay_again():
    assert supervisor.next_delay(10, lived_s=60) == 0.5


@given(lives=st.lists(st.floats(0, 1000), min_size=1))
def test_delays_stay_within_their_bounds_whatever_happens(lives):
    delays = itertools.accumulate(
        lives, lambda delay, lived_s: supervisor.next_delay(delay, lived_s=lived_s), initial=0.0
    )
    assert all(0.5 <= delay <= 10 for delay in itertools.islice(delays, 1, None))
