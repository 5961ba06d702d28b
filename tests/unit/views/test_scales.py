from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.dashboard.palette import Tone, contrast, ground, shade
from interlock.dashboard.views.formatting import NOTHING
from interlock.dashboard.views.scales import (
    format_unit,
    heat,
    ink_on,
    mark_axis,
    mix,
    steady_top,
)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (482, "ms", "482 ms"),
        (90, "s", "1 m 30 s"),
        (0.973, "ratio", "97.3 %"),
        (7, "count", "7"),
        (1.25, "count", "1.25"),
        (None, "count", NOTHING),
    ],
)
def test_a_figure_is_said_in_its_unit(value, unit, expected):
    assert format_unit(value, unit) == expected


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_an_axis_reaches_its_largest_value_and_not_far_beyond(value):
    assert value <= steady_top([value, None]) <= 2.5 * value


def test_an_axis_without_values_has_a_top():
    assert steady_top([]) == steady_top([None, 0.0]) == 1


def test_counts_are_not_marked_by_halves():
    assert mark_axis(1, "count") == ([0, 1], ["0", "1"])
    assert mark_axis(4, "count") == ([0, 2, 4], ["0", "2", "4"])


def test_colours_mix():
    assert mix("#000000", "#FFFFFF", 0.5) == "#808080"
    assert mix("#000000", "#FFFFFF", 7) == "#FFFFFF"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_heat_goes_from_grey_to_the_tone(theme):
    assert heat(None, Tone.FAILED, theme) == heat(0, Tone.FAILED, theme) == ground(theme).panel
    assert heat(1, Tone.FAILED, theme) == shade(Tone.FAILED, theme).fill


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("tone", list(Tone))
@pytest.mark.parametrize("share", [0, 0.25, 0.5, 0.75, 1])
def test_words_can_be_read_on_every_shade(theme, tone, share):
    fill = heat(share, tone, theme)
    assert contrast(ink_on(fill, theme), fill) >= 3.5


@pytest.mark.parametrize(
    ("value", "unit", "expected"), [(31, "s", 60), (40_000, "ms", 60_000), (2000, "s", 2400)]
)
def test_an_axis_of_time_ends_where_a_clock_is_round(value, unit, expected):
    assert steady_top([value], unit) == expected
