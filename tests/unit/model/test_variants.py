from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.errors import InvalidInput
from interlock.core.model.variants import Share, draw, parse


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("", []),
        ("  ", []),
        ("terse", [("terse", 1)]),
        ("a, b", [("a", 1), ("b", 1)]),
        ("a 90, b 10", [("a", 90), ("b", 10)]),
        ("a 33.5%,b-2.x 66.5 %", [("a", 33.5), ("b-2.x", 66.5)]),
        ("a 0, b 1", [("a", 0), ("b", 1)]),
    ],
)
def test_names_and_weights_are_read(text, shares):
    assert parse(text) == tuple(Share(name, weight) for name, weight in shares)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a b", "is no variant"),
        ("a,,b", "is no variant"),
        ("<b>", "is no variant"),
        ("a -1", "is no variant"),
        ("a, a 2", "twice"),
        ("a 0", "above 0"),
        (f"a {'9' * 400}", "above 0"),
        ("x" * 101, "100 characters"),
        (",".join(f"v{n}" for n in range(21)), "21 variants"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused_with_a_word(text, word):
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    (problem,) = caught.value.problems
    assert problem.path == "variant"
    assert word in problem.message


def test_each_is_drawn_in_its_share():
    drawn = Counter(draw(parse("a 90, b 10"), n / 1000) for n in range(1000))
    assert drawn == {"a": 900, "b": 100}


def test_one_without_weight_is_never_drawn():
    shares = parse("a 0, b 1, c 0")
    assert {draw(shares, ratio) for ratio in (0.0, 0.5, 0.999999999999, 1.0)} == {"b"}


def test_nothing_given_draws_nothing():
    assert not draw((), 0.5)


@given(
    st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=9).filter(
        lambda weights: sum(weights) > 0
    ),
    st.floats(min_value=0, max_value=1, exclude_max=True),
)
def test_whatever_the_weights_one_is_drawn(weights, ratio):
    shares = [Share(f"v{n}", weight) for n, weight in enumerate(weights)]
    name = draw(shares, ratio)
    assert next(share for share in shares if share.name == name).weight > 0
