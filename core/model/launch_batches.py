"""A file of inputs that was launched: what was asked for, how far it is, and the report to take away."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from interlock.core.errors import FieldProblem
from interlock.core.model.runs import ENDED, FailureLine, RunStatus
from interlock.core.types import Json, RunId, ThreadId

# What a spreadsheet takes for a formula, full-width signs too, behind whatever it may leave out.
_FORMULA = re.compile(r"[\s\ufeff\u200b-\u200f\u2060\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_COLUMNS = (
    *("run_id", "thread_id", "status", "variant", "error_type", "error", "started_run_id"),
    "input",
)


@dataclass(frozen=True, kw_only=True)
class LaunchBatch:
    """
    One file that was launched.

    `source` is its name, `row_count` how many runs it was to become, `digest` what is the same for the
    same inputs and options alone.
    """

    batch_id: str
    workflow: str
    source: str
    row_count: int
    created_at: datetime
    created_by: str
    digest: str = ""


@dataclass(frozen=True)
class CheckedRow:
    """One row of a file: the input it holds, or what is wrong with it."""

    line: int
    input: Json
    problems: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CheckedFile:
    """A file whose rows were all looked at, in order."""

    workflow: str
    source: str
    rows: tuple[CheckedRow, ...]

    @property
    def good(self) -> tuple[CheckedRow, ...]:
        """The rows that can be launched."""
        return tuple(row for row in self.rows if not row.problems)

    @property
    def bad(self) -> tuple[CheckedRow, ...]:
        """The rows that cannot."""
        return tuple(row for row in self.rows if row.problems)


@dataclass(frozen=True, kw_only=True)
class BatchRun:
    """
    What became of one row: where its thread stands now.

    `run_id` is the newest run of the thread, `started_run_id` the one that the row became, with its
    `input`.
    """

    run_id: RunId
    started_run_id: RunId
    thread_id: ThreadId
    status: RunStatus
    variant: str = ""
    error: FailureLine | None = None
    input: Json = None


@dataclass(frozen=True, kw_only=True)
class BatchReport:
    """
    How far a batch is.

    `counts` has each status that a row's thread stands in; a row that is not launched yet is in none.
    `failed` are the first of those that failed, `runs` the first of all, in the order of the file.
    """

    batch: LaunchBatch
    counts: Mapping[RunStatus, int]
    failed: tuple[BatchRun, ...] = ()
    runs: tuple[BatchRun, ...] = ()

    @property
    def launched(self) -> int:
        """How many rows have become runs."""
        return sum(self.counts.values())

    @property
    def ended(self) -> int:
        """How many have come to an end, good or bad."""
        return sum(count for status, count in self.counts.items() if status in ENDED)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be launched, to run or to be decided."""
        return self.ended == self.batch.row_count


def digest(inputs: Iterable[Json], options: Mapping[str, Json]) -> str:
    """
    What tells one batch from another of the same name: the same for the same inputs in the same order.

    Args:
        inputs: One a row, as they are launched.
        options: How they are carried out.
    """
    found = hashlib.sha256()
    for value in (options, *inputs):
        found.update(json.dumps(value, sort_keys=True).encode() + b"\n")
    return found.hexdigest()


def write_csv(runs: Iterable[BatchRun]) -> str:
    """
    The runs of a batch as CSV for a spreadsheet.

    What an agent or a person wrote may look like a formula: such a cell begins with an apostrophe.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for run in runs:
        error = run.error or FailureLine("", "")
        cells = (run.run_id, run.thread_id, run.status, run.variant, error.type, error.message)
        given = json.dumps(run.input, ensure_ascii=False)
        whole = (*cells, run.started_run_id, given)
        writer.writerow([escape_formula(str(cell)) for cell in whole])
    return file.getvalue()


def escape_formula(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
