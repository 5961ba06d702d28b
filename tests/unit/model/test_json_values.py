"""What counts as JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.model import json_values

from .any_json import JSON


@given(JSON)
def test_every_json_value_is_json(value: Any) -> None:
    assert json_values.find_problems(value) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), ": is nan, which JSON cannot hold"),
        ({"a": [1, float("-inf")]}, "a.1: is -inf, which JSON cannot hold"),
        ({"a": {1: 2}}, "a: has a key that is not text"),
        ([b"x"], "0: is a bytes, which is not JSON"),
        ((1, 2), ": is a tuple, which is not JSON"),
    ],
)
def test_what_is_not_json_is_named_with_its_place(value: Any, expected: str) -> None:
    problem = json_values.find_problems(value)[0]
    assert f"{problem.path}: {problem.message}" == expected


def test_problems_come_in_the_order_of_the_value_and_are_bounded() -> None:
    problems = json_values.find_problems([float("nan")] * 100)
    assert [problem.path for problem in problems] == [
        str(at) for at in range(json_values.MAX_PROBLEMS)
    ]


def test_cycle_is_too_deep_and_not_endless() -> None:
    value: list[Any] = []
    value.append(value)
    assert "levels deep" in json_values.find_problems(value)[0].message


@given(st.booleans())
def test_true_is_not_one(flag: bool) -> None:
    assert not json_values.are_same(flag, int(flag))
    assert json_values.are_same(flag, flag)
    assert json_values.are_same(1, 1.0)


def test_text_under_a_key_is_a_text_or_nothing() -> None:
    assert json_values.text_at({"a": "x"}, "a") == "x"
    assert json_values.text_at({"a": 1}, "a") == ""
    assert json_values.text_at({}, "a") == ""


@given(JSON)
def test_only_numbers_and_texts_can_be_unstorable(value: Any) -> None:
    for problem in json_values.find_unstorable(value):
        assert "64 bits" in problem.message or "surrogate" in problem.message


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ([2**64 - 1, -(2**63), True, 1.5, "\U0001f600", None], []),
        ([2**64, -(2**63) - 1], ["0", "1"]),
        ({"a": ["\ud83d", {"b": "\ude00"}]}, ["a.0", "a.1.b"]),
        ({"a": {"\ud83d": 1}}, ["a"]),
    ],
    ids=["all that fits", "numbers", "texts", "keys"],
)
def test_what_no_checkpoint_can_hold_is_named_with_its_place(value: Any, paths: list[str]) -> None:
    assert [problem.path for problem in json_values.find_unstorable(value)] == paths
