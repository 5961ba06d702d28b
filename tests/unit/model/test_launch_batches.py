from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from interlock.core.model.launch_batches import (
    BatchReport,
    BatchRun,
    LaunchBatch,
    digest,
    escape_formula,
    write_csv,
)
from interlock.core.model.runs import FailureLine, RunStatus

BATCH = LaunchBatch(
    batch_id="b1",
    workflow="essay",
    source="topics.csv",
    row_count=4,
    created_at=datetime(2026, 1, 5, tzinfo=UTC),
    created_by="ann",
)


def test_a_batch_is_over_when_every_row_has_come_to_an_end():
    going = BatchReport(batch=BATCH, counts={RunStatus.DONE: 2, RunStatus.WAITING: 1})
    assert (going.launched, going.ended, going.is_over) == (3, 2, False)
    over = BatchReport(batch=BATCH, counts={RunStatus.DONE: 3, RunStatus.FAILED: 1})
    assert (over.launched, over.ended, over.is_over) == (4, 4, True)


def test_only_the_same_inputs_in_the_same_order_with_the_same_options_have_one_digest():
    rows, options = [{"a": 1, "b": [1, 2]}, {"a": 2}], {"priority": 0, "break_before": ("x",)}
    known = digest(rows, options)
    assert len(known) == 64
    assert known == digest([{"b": [1, 2], "a": 1}, {"a": 2}], {**options})
    others = [
        digest(rows[::-1], options),
        digest(rows[:1], options),
        digest([{"a": 1.0, "b": [1, 2]}, {"a": 2}], options),
        digest([{"a": True, "b": [1, 2]}, {"a": 2}], options),
        digest(rows, {**options, "priority": 1}),
    ]
    assert len({known, *others}) == 6


def test_the_report_is_a_table_without_formulas():
    run = BatchRun(
        run_id="r2",
        started_run_id="r1",
        thread_id="t",
        status=RunStatus.FAILED,
        variant="a",
        input={"topic": "Bienen für alle"},
        error=FailureLine("ValueError", '=HYPERLINK("http://x")\nand, more'),
    )
    done = BatchRun(run_id="r3", started_run_id="r3", thread_id="-t", status=RunStatus.DONE)
    rows = list(csv.reader(io.StringIO(write_csv([run, done]), newline="")))
    assert rows[0] == [
        "run_id",
        "thread_id",
        "status",
        "variant",
        "error_type",
        "error",
        "started_run_id",
        "input",
    ]
    message = '\'=HYPERLINK("http://x")\nand, more'
    assert rows[1] == [
        "r2",
        "t",
        "failed",
        "a",
        "ValueError",
        message,
        "r1",
        '{"topic": "Bienen für alle"}',
    ]
    assert rows[2] == ["r3", "'-t", "done", "", "", "", "r3", "null"]


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"])
def test_what_looks_like_a_formula_is_text(cell):
    assert escape_formula(cell) == "'" + cell
    assert escape_formula("a" + cell) == "a" + cell
