"""Secrets inside texts."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from interlock.core import masking
from interlock.core.masking import (
    FieldRules,
    mask_end,
    mask_fields,
    mask_hidden,
    mask_start,
    mask_text,
    mask_tree,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://ann:hunter2@h/d", "postgresql://ann:***@h/d"),
        ("postgresql+psycopg://ann:hun/ter2@h/d", "postgresql+psycopg://ann:***@h/d"),
        ("postgresql://ann:hun@ter2@h/d", "postgresql://ann:***@h/d"),
        ("postgresql://h/d?password=hunter2&x=1", "postgresql://h/d?password=***&x=1"),
        ("redis://:hunter2@h and more", "redis://:***@h and more"),
        ("http://h:8501/inbox and ann@h", "http://h:8501/inbox and ann@h"),
        ("api_key=hunter2, next", "api_key=***, next"),
        ('{"api_key": "hunter, 2", "b": 1}', '{"api_key": ***, "b": 1}'),
        ("my-token: 'hunter; 2'.", "my-token: ***."),
        ("Authorization: Bearer hunter2", "Authorization: ***"),
        ("tokens are counted", "tokens are counted"),
        (
            "Incorrect API key provided: sk-proj-abcdefghijklmnop1234.",
            "Incorrect API key provided: ***.",
        ),
        ("ghp_0123456789abcdefghij was refused", "*** was refused"),
        ("sent bearer 0123456789abcdef-0123", "sent bearer ***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl!", "***!"),
        ("AKIAIOSFODNN7EXAMPLEX and more", "*** and more"),
        (
            "the task-list and risk_of_a_long_name_here stay",
            "the task-list and risk_of_a_long_name_here stay",
        ),
        ("a bearer of bad news", "a bearer of bad news"),
    ],
)
def test_a_secret_inside_a_text_is_hidden_and_the_rest_stays(text: str, expected: str) -> None:
    assert mask_text(text) == expected


@pytest.mark.parametrize(
    "part", ["x", "a://b:", "token=", "password:'", "cookie: ", "x-", "sk-", "eyJ", "bearer "]
)
def test_a_long_text_is_read_in_one_go(part: str) -> None:
    began = time.process_time()
    mask_text(part * (200_000 // len(part)))
    assert time.process_time() - began < 5


SECRETS = [
    ("postgresql://app:", "hunter2" * 30, "@db/x"),
    ("api_key=", "hunter2" * 10, " was refused"),
    ('password="', "hunter2 " * 200, '" was refused'),
    ("sent bearer ", "hunter2" * 20, " twice"),
    ("key sk-", "hunter2" * 20, " is old"),
]


@pytest.mark.parametrize(("before", "secret", "after"), SECRETS)
def test_a_secret_on_the_cut_is_not_half_shown(before: str, secret: str, after: str) -> None:
    text = "word " * 200 + before + secret + after + " word" * 1_000
    for limit in range(1_000, 1_100 + len(secret), 7):
        assert "hunter2" not in mask_start(text, limit)
    text = "word " * 1_000 + before + secret[:210] + after + "word " * 200
    for limit in range(1_000, 1_300, 7):
        assert "hunter2" not in mask_end(text, limit)


def test_what_fits_stays_whole_and_the_rest_keeps_its_beginning_or_its_end() -> None:
    assert mask_start("token=abc and more", 100, mark="!") == "token=*** and more"
    assert mask_end("token=abc and more", 100) == "token=*** and more"
    words = "".join(f"{n} " for n in range(100_000))
    assert mask_start(words, 500) == words[:500]
    assert mask_end(words, 500) == words[-500:]
    assert mask_start("x" * 4_001, 4_000, mark="!") == "x" * 4_000 + "!"
    assert mask_start("x" * 9_000, 4_000, mark="!") == "x" * 4_000 + "!"
    assert mask_start("token=" + "x" * 4_500, 4_000, mark="!") == "token=***"
    assert mask_end("x" * 4_500, 4_000) == "x" * 4_000
    assert mask_end("x" * 9_000, 4_000) == "x" * 4_000


@pytest.mark.parametrize("cut", [mask_start, mask_end])
def test_a_text_that_is_cut_costs_no_more_for_being_long(cut: Callable[[str, int], str]) -> None:
    text = "z" * 3_000_000
    began = time.process_time()
    for _ in range(10):
        cut(text, 4_000)
    assert time.process_time() - began < 1


def test_a_megabyte_is_masked_in_less_than_a_second() -> None:
    began = time.process_time()
    mask_text("z" * 1_000_000)
    assert time.process_time() - began < 1


def test_fields_of_a_record_are_masked_by_their_names_and_the_rest_is_whole() -> None:
    edits = [
        {"field": "password", "value": "hunter2"},
        {"field": "amount", "value": 500},
        {"value": ["a"]},
    ]
    assert mask_fields({"edits": edits, "text": "x" * 9000, "at": (True, None, 1.5)}) == {
        "edits": [{"field": "password", "value": "***"}, edits[1], edits[2]],
        "text": "x" * 9000,
        "at": [True, None, 1.5],
    }
    assert mask_fields({"secret": {"a": 1}, "passcode": 4711, "tokens": 7, "cookie": ""}) == {
        "secret": "***",
        "passcode": "***",
        "tokens": 7,
        "cookie": "",
    }
    odd = object()
    assert mask_fields([odd]) == [odd]  # who stores it refuses it, by name


def test_what_contains_itself_is_left_to_who_stores_it() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert mask_fields(endless)


@pytest.fixture
def rules() -> Iterator[Callable[..., None]]:
    yield lambda *patterns: masking.use(FieldRules(patterns))
    masking.use(FieldRules())


@pytest.mark.parametrize(
    ("pattern", "hidden", "kept"),
    [
        ("iban", {"a": [{"IBAN": "DE1"}], "iban": 5}, {"ibans": "x"}),
        ("*.iban", {"iban": "DE1", "to": {"iban": True}}, {}),
        ("customer.phone", {"of": {"Customer": [{"phone": 1}]}}, {"phone": "x", "customer": "y"}),
        ("customer.*", {"customer": {"a": "x", "b": {"c": 1}}}, {"a": "x"}),
    ],
)
def test_fields_are_hidden_by_where_they_stand(rules, pattern, hidden, kept) -> None:
    rules(pattern)
    for mask in (mask_fields, mask_hidden, partial(mask_tree, limit=100)):
        told = json.dumps(mask(hidden))
        assert "DE1" not in told
        assert re.search(r'[15x]\b(?!")|true', told) is None
        assert mask(kept) == kept


def test_hidden_fields_are_hidden_in_edits_and_in_texts(rules) -> None:
    rules("*.iban", "customer.phone")
    edit = [{"field": "customer.phone", "value": "0123"}, {"path": "iban", "value": 4}]
    assert mask_fields(edit) == [
        {"field": "customer.phone", "value": "***"},
        {"path": "iban", "value": "***"},
    ]
    assert mask_text('bad row {"iban": "DE1", "n": 1}') == 'bad row {"iban": ***, "n": 1}'
    assert mask_text("no IBAN=DE1; my_iban=x") == "no IBAN=***; my_iban=x"
    assert mask_text('{\\"iban\\": \\"DE1\\"}').count("DE1") == 0
    assert mask_hidden({"say": "iban: DE1"}) == {"say": "iban: ***"}
    assert masking.names_hidden("IBAN")


def test_without_rules_nothing_more_is_hidden() -> None:
    value = {"iban": "DE1", "n": [1, None]}
    assert mask_fields(value) == mask_hidden(value) == value
    assert not masking.names_hidden("iban")


@pytest.mark.parametrize(
    ("pattern", "is_one"),
    [
        ("iban", True),
        ("*.iban", True),
        ("a.*.b", True),
        ("a.*", True),
        ("", False),
        ("*", False),
        ("*.*", False),
        ("a..b", False),
        ("a b", False),
        ("a.", False),
    ],
)
def test_what_may_be_a_rule(pattern, is_one) -> None:
    assert masking.is_field(pattern) is is_one


def test_a_long_text_is_read_in_one_go_with_rules_too(rules) -> None:
    rules("*.iban")
    for part in ("iban", "iban=", 'iban:"', "\\", 'iban\\\\"'):
        began = time.process_time()
        mask_text(part * (200_000 // len(part)))
        assert time.process_time() - began < 5
