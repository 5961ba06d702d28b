"""A file of inputs: what was found in it before it starts, and how far it is after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.launch_batches import BatchReport, BatchRun, CheckedFile, LaunchBatch
from interlock.core.model.runs import RunStatus
from interlock.core.types import RunId
from interlock.dashboard.palette import Look, look_of_run
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    format_ago,
    format_count,
    format_exact,
    format_plural,
    one_line,
    short_id,
)
from interlock.dashboard.views.notices import Notice

BAD_LIMIT_COUNT = 200  # rows that do not fit and are shown; who has more mends the first
SAMPLE_COUNT = 3
LEFT_OUT_DIGITS = 7
SAMPLE_CHARS_COUNT = 160
INPUT_CHARS_COUNT = 100
# What asks for somebody first, then what goes on, then what is over.
_ORDER = (
    RunStatus.FAILED,
    RunStatus.WAITING,
    RunStatus.PAUSED,
    RunStatus.RUNNING,
    RunStatus.QUEUED,
    RunStatus.DONE,
    RunStatus.CANCELLED,
    RunStatus.CONTINUED,
)


@dataclass(frozen=True)
class BadRow:
    """A row that does not fit: its line, and what is wrong with it."""

    line: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class FileView:
    """
    A file that was looked at; nothing has been launched yet.

    `sample` are the first inputs as they were read; `action` is what the button says, empty where
    there is nothing to launch.
    """

    summary: str
    bad: tuple[BadRow, ...]
    bad_more: str
    sample: tuple[str, ...]
    choice: str
    action: str


@dataclass(frozen=True)
class Count:
    """How many rows stand somewhere."""

    look: Look
    text: str


@dataclass(frozen=True, kw_only=True)
class BatchRow:
    """A row of the file, with the newest run of its thread."""

    run_id: RunId
    short: str
    look: Look
    variant: str
    input: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class BatchView:
    """How far a batch is, as it is drawn; `ended_ratio` is from 0 to 1."""

    title: str
    about: str
    started_at: str
    ended_ratio: float
    progress: str
    counts: tuple[Count, ...]
    failed: tuple[BatchRow, ...]
    failed_more: str
    rows: tuple[BatchRow, ...]
    rows_more: str
    notice: Notice | None


@dataclass(frozen=True)
class RecentBatch:
    """A batch in a list."""

    batch_id: str
    label: str


def build_file(file: CheckedFile, *, only_good: bool) -> FileView:
    """What was found in a file; `only_good`: the operator chose to leave out what does not fit."""
    good, bad = file.good, file.bad
    fits = f"{format_plural(len(good), 'row fits', 'rows fit')}"
    misfits = f"{format_plural(len(bad), 'does', 'do')} not" if bad else "none is left out"
    more = len(bad) - BAD_LIMIT_COUNT
    return FileView(
        summary=f"{show_hidden(file.source)}: {fits}, {misfits}.",
        bad=tuple(
            BadRow(str(row.line), show_hidden("; ".join(map(str, row.problems))))
            for row in bad[:BAD_LIMIT_COUNT]
        ),
        bad_more=f"And {format_plural(more, 'row')} more." if more > 0 else "",
        sample=tuple(
            show_hidden(one_line(row.input, limit_count=SAMPLE_CHARS_COUNT))
            for row in good[:SAMPLE_COUNT]
        ),
        choice=f"Leave out the {format_plural(len(bad), 'row')} that {'does' if len(bad) == 1 else 'do'} not fit"
        if bad and good
        else "",
        action=f"Launch {format_plural(len(good), 'run')}"
        if good and (only_good or not bad)
        else "",
    )


def build(report: BatchReport, *, now: datetime) -> BatchView:
    """
    Put the page of a batch together.

    Args:
        report: How far it is.
        now: Aware UTC time.
    """
    batch, counts = report.batch, report.counts
    failed_count = counts.get(RunStatus.FAILED, 0)
    more = failed_count - len(report.failed)
    others = report.launched - len(report.runs)
    ratio = report.ended / batch.row_count if batch.row_count else 1.0
    return BatchView(
        title=show_hidden(batch.source),
        about=(
            f"{show_hidden(batch.workflow)} · {format_plural(batch.row_count, 'row')} · launched"
            f" {format_ago(batch.created_at, now)} by {show_hidden(batch.created_by)}"
        ),
        started_at=format_exact(batch.created_at),
        ended_ratio=min(ratio, 1.0),
        progress=f"{format_count(report.ended)} of {format_count(batch.row_count)} ended",
        counts=tuple(
            Count(look_of_run(status), format_count(counts[status]))
            for status in _ORDER
            if counts.get(status)
        ),
        failed=tuple(_row(run) for run in report.failed),
        failed_more=f"And {format_plural(more, 'row')} more that failed." if more > 0 else "",
        rows=tuple(_row(run) for run in report.runs),
        rows_more=f"And {format_plural(others, 'row')} more." if others > 0 else "",
        notice=_find_notice(report),
    )


def say_left_out(count: str | None) -> str:
    """What the address of the page remembers: how many rows of the file were not launched at all."""
    if not count or not count.isascii() or not count.isdigit() or len(count) > LEFT_OUT_DIGITS:
        return ""
    were = "did not fit and was" if int(count) == 1 else "did not fit and were"
    return f"{format_plural(int(count), 'row')} of the file {were} left out."


def list_recent(batches: Sequence[LaunchBatch], *, now: datetime) -> tuple[RecentBatch, ...]:
    """Earlier files, each in a line."""
    return tuple(
        RecentBatch(
            b.batch_id,
            f"{show_hidden(one_line(b.source, limit_count=40))} · {show_hidden(b.workflow)} ·"
            f" {format_plural(b.row_count, 'row')} · {format_ago(b.created_at, now)}",
        )
        for b in batches
    )


def _row(run: BatchRun) -> BatchRow:
    error = run.error
    return BatchRow(
        run_id=run.run_id,
        short=short_id(run.run_id),
        look=look_of_run(run.status),
        variant=show_hidden(run.variant),
        input=show_hidden(one_line(run.input, limit_count=INPUT_CHARS_COUNT)),
        problem=show_hidden(f"{error.type}: {one_line(error.message)}") if error else "",
    )


def _find_notice(report: BatchReport) -> Notice | None:
    missing = report.batch.row_count - report.launched
    if not missing:
        return None
    return Notice(
        "warning",
        f"{format_plural(missing, 'row')} of this file {'is' if missing == 1 else 'are'} not"
        " launched yet. If this number stays, the launch was cut off: the same file launched with"
        f" `interlock launch --batch-id {report.batch.batch_id}` goes on where it stopped.",
    )
