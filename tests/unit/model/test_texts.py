"""Titles out of untrusted text."""

from __future__ import annotations

import pytest

from interlock.core.model import texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Refund 620 EUR?", "Refund 620 EUR?"),
        ("\n\n  # **Refund**  \nmore", "**Refund**"),
        ("> - quoted", "quoted"),
        ("one\ttwo   three", "one two three"),
        ("safe\u202eevil\u2066", "safe⟨U+202E⟩evil⟨U+2066⟩"),
        ("\u200b\u200b\nRefund?", "Refund?"),
        ("bell\x07\x1b[31mred", "bell [31mred"),
        ("lone \ud800 half", "lone ⟨U+D800⟩ half"),
        ("family 👩\u200d🔧", "family 👩\u200d🔧"),
        ("---\n***", ""),
        ("---\n# -5 degrees?", "-5 degrees?"),
        ("", ""),
    ],
)
def test_title_is_the_first_line_that_says_something(text: str, expected: str) -> None:
    assert texts.one_line(text) == expected


def test_long_title_is_cut_where_everyone_sees_it() -> None:
    title = texts.one_line("word " * 100)
    assert len(title) <= texts.TITLE_LIMIT
    assert title.endswith("word…")


def test_text_within_the_limit_is_left_alone() -> None:
    assert texts.cut("exact", 5) == "exact"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a\n# b", "a # b"), ([1, None], "[1, null]"), ("x" * 99, "x" * 9 + "…")],
)
def test_value_is_shown_within_a_sentence(value: object, expected: str) -> None:
    assert texts.show(value, 10) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [([], ""), (["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")],
)
def test_words_are_joined_as_in_a_sentence(words: list[str], expected: str) -> None:
    assert texts.join_words(words) == expected


def test_words_are_joined_by_another_last_word() -> None:
    assert texts.join_words(["a", "b"], last="and") == "a and b"


def test_key_becomes_a_label() -> None:
    assert texts.label("max_amount") == "Max amount"
    assert texts.label("") == ""


@pytest.mark.parametrize(
    "mark",
    [
        "\u200b",
        "\u200d",
        "\u00ad",
        "\u2060",
        "\u2064",
        "\u3164",
        "\u2800",
        "\U000e0041",
        "\U000e0101",
    ],
)
def test_what_two_addresses_could_differ_in_unseen_is_named(mark: str) -> None:
    assert texts.show_hidden(f"ada{mark}@a.example") == f"ada⟨U+{ord(mark):04X}⟩@a.example"


@pytest.mark.parametrize("text", ["\u0645\u06cc\u200c\u062e", "❤\ufe0f\u200d🔥", "plain\nlines\t"])
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert texts.show_hidden(text) == text


def test_a_joiner_at_an_end_joins_nothing() -> None:
    assert texts.show_hidden("é\u200d") == "é⟨U+200D⟩"
