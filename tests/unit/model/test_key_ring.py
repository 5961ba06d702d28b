from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.key_ring import Key, KeyRing, read_quota, rest_until, say_quota

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
A, B, C = Key("KEY_A", "sk-a"), Key("KEY_B", "sk-b"), Key("KEY_C", "sk-c")


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_keys_are_used_in_turn_and_those_that_rest_are_left_out():
    ring = KeyRing("gpt", [A, B, C])
    assert [ring.take(NOON) for _ in range(4)] == [A, B, C, A]
    ring.block(B, later(60))
    assert [ring.take(NOON) for _ in range(3)] == [C, A, C]
    assert ring.take(later(61)) == A
    assert ring.take(later(61)) == B


def test_when_all_rest_the_one_that_is_back_first_is_used():
    ring = KeyRing("gpt", [A, B])
    ring.block(A, later(60))
    assert ring.is_any_free(NOON)
    ring.block(B, later(30))
    assert not ring.is_any_free(NOON)
    assert ring.take(NOON) == B
    assert ring.is_any_free(later(30))


def test_a_key_is_found_in_a_header_and_not_shown():
    ring = KeyRing("gpt", [A, B])
    assert ring.find("Bearer sk-b") == B
    assert ring.find("Bearer sk-x") is None
    assert "sk-" not in repr(A)


@pytest.mark.parametrize(("asked_s", "rests_s"), [(None, 60), (5, 5), (1e9, 86_400)])
def test_a_refused_key_rests_as_long_as_it_was_asked_for(asked_s, rests_s):
    assert rest_until(NOON, asked_s=asked_s) == later(rests_s)


@pytest.mark.parametrize(
    ("headers", "quota"),
    [
        (
            {"x-ratelimit-remaining-requests": "59", "x-ratelimit-limit-requests": "60"},
            {"requests": {"left": 59, "of": 60}},
        ),
        ({"anthropic-ratelimit-tokens-remaining": "100"}, {"tokens": {"left": 100, "of": None}}),
        ({"x-ratelimit-remaining-requests": "many"}, {}),
        ({}, {}),
    ],
)
def test_what_is_left_is_read_from_headers(headers, quota):
    assert read_quota(headers) == quota


def test_what_is_left_is_said_in_words():
    told = {"requests": {"left": 59, "of": 60}, "tokens": {"left": 9, "of": None}, "odd": 3}
    assert say_quota(told) == "59 of 60 requests, 9 tokens"
    assert say_quota({}) == ""
