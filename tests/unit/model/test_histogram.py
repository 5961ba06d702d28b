"""Percentiles from a histogram stay within 2 % of what numpy reads from the values themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.model.histogram import Histogram

RATIOS = (0.5, 0.9, 0.95, 0.99, 0.999)
MILLISECONDS = st.floats(min_value=0, max_value=1e9, allow_nan=False)


@pytest.mark.parametrize("shape", ["lognormal", "two humps", "uniform"])
def test_percentiles_of_a_million_samples_are_within_two_percent_of_numpy(shape):
    random = np.random.default_rng(7)
    count = 1_000_000 if shape == "lognormal" else 100_000
    samples = {
        "lognormal": lambda: random.lognormal(4, 1.5, count),
        "two humps": lambda: np.concatenate(
            [random.normal(50, 5, count // 2), random.normal(9000, 300, count // 2)]
        ),
        "uniform": lambda: random.uniform(0.01, 100_000, count),
    }[shape]()
    found = Histogram.of(samples.tolist()).percentiles(RATIOS)
    for ratio, value in zip(RATIOS, found, strict=True):
        if shape == "two humps" and ratio == 0.5:
            continue  # between the humps, where there is nothing
        assert value == pytest.approx(float(np.percentile(samples, ratio * 100)), rel=0.02)


@given(st.lists(MILLISECONDS, min_size=1, max_size=50), st.sampled_from((0.0, 0.5, 0.95, 1.0)))
def test_a_percentile_of_few_values_is_near_numpys(values, ratio):
    expected = float(np.percentile(values, ratio * 100))
    assert Histogram.of(values).percentile(ratio) == pytest.approx(expected, rel=0.02, abs=0.002)


@given(st.lists(MILLISECONDS), st.lists(MILLISECONDS))
def test_two_merged_are_the_histogram_of_both(one, other):
    both = Histogram.of([*one, *other])
    merged, read = Histogram.of(one), Histogram()
    merged.merge(Histogram.of(other))
    for part in (one, other):
        read.merge_json(Histogram.of(part).as_json())
    assert both == merged == read
    assert both.count == merged.count == read.count == len(one) + len(other)


def test_an_empty_one_has_no_percentiles():
    assert Histogram().percentiles((0.5, 0.99)) == [None, None]
    assert Histogram().percentile(0.5) is None
    assert Histogram() != []


def test_no_time_at_all_and_less_count_as_nothing():
    assert Histogram.of([0, -1, 0.0001]).percentile(0.5) == 0
