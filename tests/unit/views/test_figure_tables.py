from __future__ import annotations

import pytest

from interlock.dashboard.palette import Tone
from interlock.dashboard.views.figure_tables import (
    Column,
    build,
    format_cost,
    say_lines,
    say_printed,
)
from interlock.dashboard.views.formatting import NOTHING

COLUMNS = (
    Column(field="node", head="Node"),
    Column(field="p95_ms", head="p95", unit="ms"),
    Column(field="cost", head="Cost", unit="cost"),
    Column(field="errors", head="Errors", unit="ratio", bar=Tone.FAILED),
)


def test_values_are_said_in_their_units():
    table = build("nodes", COLUMNS, [["a\u202eb", 482.0, 0.5, 0.25], [None, None, None, None]])
    first, second = say_lines(table)
    assert "\u202e" not in first[0]
    assert first[1:] == ["482 ms", "0.5", "25.0 %"]
    assert second == ["", NOTHING, NOTHING, NOTHING]


def test_a_word_stands_instead_of_a_value():
    table = build("nodes", COLUMNS, [["a", 482.0, 0.0, 0.0]], words={(0, 1): "n = 7"})
    assert say_lines(table)[0][1] == "n = 7"
    assert table.sheet.rows[0][1] == 482.0


def test_all_rows_are_saved_where_not_all_are_drawn():
    table = build("nodes", COLUMNS, [["a", 1, 1, 0]] * 5, limit=3)
    assert (len(table.rows), len(table.sheet.rows)) == (3, 5)
    assert table.left_out == "2 more are in what is saved."


def test_a_table_is_said_in_words():
    assert build("nodes", COLUMNS, []).alt == "Table of nodes, empty."
    said = build("nodes", COLUMNS, [["a", 482.0, 0, 0]]).alt
    assert said == "Table of nodes, 1 in all; the first: Node a, p95 482 ms, Cost 0.00, Errors 0 %."


def test_paper_gets_no_column_that_says_nothing():
    heads, lines = say_printed(build("nodes", COLUMNS, [["a", 482.0, 0, 0], ["b", None, None, 0]]))
    assert heads == ["Node", "p95"]
    assert lines == [["a", "482\u00a0ms"], ["b", NOTHING]]


@pytest.mark.parametrize(
    ("cost", "expected"),
    [(None, NOTHING), (0, "0.00"), (0.00123, "0.00123"), (12.345, "12.35"), (12345, "12\u202f345")],
)
def test_money_has_three_digits(cost, expected):
    assert format_cost(cost) == expected
