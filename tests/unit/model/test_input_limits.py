from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.errors import FieldProblem
from interlock.core.model.input_limits import InputLimits, find_problems, trim
from interlock.core.model.json_values import MAX_DEPTH, MAX_PROBLEMS

LIMITS = InputLimits()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def nested(levels, value):
    for _ in range(levels):
        value = [value]
    return value


def test_a_text_of_ten_thousand_characters_is_allowed_and_one_more_is_not():
    assert find_problems({"a": "x" * 10_000}, LIMITS) == []
    (problem,) = find_problems({"a": ["y", "x" * 10_001]}, LIMITS)
    assert problem == FieldProblem("a.1", "has 10001 characters; at most 10000 are allowed")


def test_the_length_is_settable_and_may_be_unlimited():
    assert find_problems("abcd", InputLimits(max_chars=3)) != []
    assert find_problems("x" * 100_000, InputLimits(max_chars=0)) == []


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        'hello <SCRIPT src="//x">\n</ScRiPt > you',
        "<script/x>1</script>",
        "[here](JavaScript:alert(1))",
        "java\tscr\nipt:alert(1)",
        "data:text/html,<b>",
        "DATA: Text/HTML;base64,AAAA",
        "d\ta\nta\r:\n te\txt/html,<b>",
        "see\ndata:text/html,<b>",
        "see\njavascript:alert(1)",
        "(javascript:\x01alert(1))",
        "1javascript:alert(1)",
    ],
)
def test_what_a_browser_would_run_is_refused_in_any_case(text):
    (problem,) = find_problems({"note": {"body": text}}, LIMITS, path="context")
    assert problem.path == "context.note.body"
    assert "not allowed" in problem.message
    assert find_problems(text, InputLimits(refuses_scripts=False)) == []


@pytest.mark.parametrize(
    "text",
    [
        "a transcript: of the call",
        "<script> is the element for scripts",
        "</script> ends <script>",
        "<scripture>x</scripture>",
        "I like JavaScript, and data: text only",
        "Recommend a book like JavaScript: The Good Parts",
        "JavaScript:\n- closures\n- promises",
        "java\nscript: run it",
        "thejavascript:x",
        "Metadata: text/html; charset=utf-8",
        "metadata:text/html",
        "data:image/png;base64,AAAA",
        "5 < 6 and 7 > 6",
    ],
)
def test_what_only_resembles_it_is_allowed(text):
    assert find_problems(text, LIMITS) == []


def test_a_key_is_looked_at_too():
    (problem,) = find_problems({"a": {"javascript:x": 1}}, LIMITS)
    assert problem.path == "a"


def test_there_is_an_end_to_the_problems():
    assert len(find_problems(["x" * 10_001] * 50, LIMITS)) == MAX_PROBLEMS


def test_a_hostile_text_is_looked_at_in_no_time():
    begun = time.process_time()
    for text in (
        "<script" * 100_000,
        "<script>" * 100_000,
        "data:" + " " * 500_000,
        "java\t" * 9999,
        "j" + "\t" * 500_000,
        "data:\n" * 100_000,
    ):
        find_problems(text, InputLimits(max_chars=0))
    assert time.process_time() - begun < 5


def test_texts_are_trimmed_wherever_they_stand_and_keys_are_not():
    value = {" a ": "  x\n", "b": [" y", 1, None, {"c": "\tz z "}]}
    assert trim(value, LIMITS) == {" a ": "x", "b": ["y", 1, None, {"c": "z z"}]}
    assert trim(value, InputLimits(trims=False)) is value


def test_what_is_nested_too_deep_is_left_to_the_check_that_refuses_it():
    value = nested(MAX_DEPTH + 50, " javascript: ")
    assert trim(value, LIMITS) == value
    assert find_problems(value, LIMITS) == []


@given(json_values)
def test_trimming_twice_is_trimming_once_and_keeps_the_shape(value):
    once = trim(value, LIMITS)
    assert trim(once, LIMITS) == once
    assert type(once) is type(value)
