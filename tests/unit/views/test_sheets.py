from __future__ import annotations

import json
from datetime import UTC, datetime

from interlock.dashboard.views.sheets import Sheet, name_file, to_csv, to_json, to_lines

SHEET = Sheet.of("nodes", [{"node": "=1+1", "runs": 3, "p95_ms": None}])


def test_a_table_is_saved_as_csv_without_formulas():
    assert to_csv(SHEET) == "node,runs,p95_ms\r\n'=1+1,3,\r\n"


def test_a_table_is_saved_as_json_as_it_is():
    assert json.loads(to_json(SHEET)) == [{"node": "=1+1", "runs": 3, "p95_ms": None}]


def test_an_empty_table_is_saved_as_well():
    empty = Sheet.of("nodes", [])
    assert to_csv(empty) == "\r\n"
    assert to_json(empty) == "[]"


def test_a_file_is_named_by_what_and_when():
    at = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)
    assert name_file(SHEET, at, "csv") == "interlock-nodes-20260302-1205.csv"


def test_lines_show_hidden_characters():
    sheet = Sheet.of("nodes", [{"node": "a\u202eb", "runs": None}])
    (line,) = to_lines(sheet)
    assert "\u202e" not in line["node"]
    assert line["runs"] == ""
