"""Secrets inside texts."""

from __future__ import annotations

import time

import pytest

from interlock.core.masking import mask_text


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
