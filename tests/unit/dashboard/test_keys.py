"""Keys come from ids; two things never share one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.dashboard import keys

NAMES = st.text(max_size=20) | st.sampled_from(
    ["a", "a-b", "a--b", "-a", "a-", "a__b", "_a", "b", "refund desk"]
)


@given(one=st.tuples(NAMES, NAMES), other=st.tuples(NAMES, NAMES))
def test_different_fields_have_different_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    same_key = keys.launch_field(*one) == keys.launch_field(*other)

    assert same_key == (one == other)


@given(name=NAMES)
def test_a_key_is_its_own_class_in_the_page(name: str) -> None:
    key = keys.launch_submit(name)

    assert re.fullmatch(r"[A-Za-z0-9_-]+", key)
    assert "__" not in key  # a live part with such a key could not be drawn


def test_a_new_version_of_a_card_has_new_keys() -> None:
    assert keys.approve("a1", 1) != keys.approve("a1", 2)


def test_a_card_keeps_its_container_through_its_versions() -> None:
    assert keys.selector(keys.card("a1")) == ".st-key-card--a1"


@pytest.mark.parametrize("other", [["b", "a"], ["a"], ["a", "b", "c"], ["ab"]])
def test_a_list_with_other_rows_is_another_widget(other: list[str]) -> None:
    assert keys.inbox_table(["a", "b"]) != keys.inbox_table(other)
