from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.cli import printing

JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(document=JSON_LIKE, encoding=st.sampled_from(["utf-8", "ascii", "latin-1"]))
def test_what_is_printed_is_always_one_valid_json_document(document, encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        printing.print_json(document)
    json.loads(raw.getvalue().decode(encoding), parse_constant=_refuse)


def _refuse(name):
    raise AssertionError(f"{name} is not JSON")


def test_numbers_that_json_does_not_have_become_null(capsys):
    printing.print_json({"a": [float("nan"), float("inf"), 1.5]})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.5]}


def test_columns_are_aligned_and_wide_characters_count_twice(capsys):
    printing.print_table(["name", "n"], [("漢字", 1), ("abc", 20)], empty="none")
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["NAME  N", "漢字  1", "abc   20"]


def test_control_characters_of_agents_are_shown_not_obeyed(capsys):
    printing.print_table(["title"], [("\x1b[2Jgone\u202e",)], empty="none")
    assert "\\x1b[2Jgone\\u202e" in capsys.readouterr().out


def test_ids_are_never_cut_and_prose_is(capsys):
    printing.print_table(["id", "title"], [("i" * 200, "t" * 200)], empty="none", whole=["id"])
    out = capsys.readouterr().out
    assert "i" * 200 in out
    assert "t" * 200 not in out
    assert "…" in out


def test_an_empty_list_is_said_on_stderr(capsys):
    printing.print_table(["id"], [], empty="No runs.")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "No runs.\n")


def test_text_that_the_terminal_cannot_show_does_not_fail():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        printing.print_text("é\ud800")
    assert b"\\xe9" in raw.getvalue()


def test_fields_of_several_lines_are_indented(capsys):
    printing.print_fields({"stack": "a\nb", "x": None, "y": {"k": 1}})
    assert (capsys.readouterr().out.splitlines()) == [
        "stack  a",
        "       b",
        "x      -",
        'y      {"k": 1}',
    ]


@pytest.mark.parametrize(
    ("ms", "expected"),
    [
        (None, ""),
        (0.0, "0.00 ms"),
        (1.23456, "1.23 ms"),
        (12.3456, "12.3 ms"),
        (482.4, "482 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (1239.9, "1.24 s"),
        (59_949, "59.9 s"),
        (59_950, "1 m 0 s"),
        (190_000, "3 m 10 s"),
        (7_380_000, "2 h 3 m"),
    ],
)
def test_a_duration_has_three_digits_and_its_unit(ms, expected):
    assert printing.duration(ms) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (870, "870 B"), (1000, "1.00 kB"), (1_240_000, "1.24 MB"), (5 * 10**9, "5.00 GB")],
)
def test_a_size_has_three_digits_and_its_unit(count, expected):
    assert printing.size(count) == expected
