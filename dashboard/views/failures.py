"""Failed runs by their error, and what came of an act upon one such group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.run_lists import FailureGroup, Told
from interlock.core.types import RunId
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    format_ago,
    format_count,
    format_exact,
    format_plural,
    one_line,
    short_id,
)

ACT_COUNT = 500  # runs acted upon at once; the rest waits for the next press
REFUSALS_COUNT = 50  # shown one by one


@dataclass(frozen=True, kw_only=True)
class FailureRow:
    """One group. `error_type` is as it is stored; every other text is to be shown."""

    error_type: str
    title: str
    count: str
    newest: str
    newest_at: str
    example: str
    retry: str
    cancel: str
    warning: str


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A run with which nothing was done, and why."""

    run_id: RunId
    short: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of an act upon a group."""

    text: str
    refusals: tuple[Refusal, ...]
    left_out: str


def build_rows(groups: Sequence[FailureGroup], *, now: datetime) -> tuple[FailureRow, ...]:
    """The groups as rows, in their order."""
    return tuple(_build_row(g, now) for g in groups)


def report(verb: str, error_type: str, told: Sequence[Told]) -> Report:
    """
    Say what came of an act.

    Args:
        verb: What was done, as "Retried".
        error_type: The error of the group.
        told: What came of it for each run.
    """
    refused = [t for t in told if not t.is_done]
    done = len(told) - len(refused)
    of = f" of {format_count(len(told))}" if refused else ""
    noun = "run" if len(told) == 1 else "runs"
    text = f"{verb} {format_count(done)}{of} {noun} that failed with {show_hidden(error_type)}."
    shown = refused[:REFUSALS_COUNT]
    more = len(refused) - len(shown)
    return Report(
        text=text,
        refusals=tuple(
            Refusal(run_id=t.run_id, short=short_id(t.run_id), reason=show_hidden(t.refusal))
            for t in shown
        ),
        left_out=f"and {format_plural(more, 'more run')} for which nothing was done"
        if more
        else "",
    )


def _build_row(group: FailureGroup, now: datetime) -> FailureRow:
    many = min(group.count, ACT_COUNT)
    which = "all" if many == group.count else "the oldest"
    these = "it" if group.count == 1 else f"{which} {format_count(many)}"
    example = one_line(group.newest.error.message) if group.newest.error else ""
    return FailureRow(
        error_type=group.error_type,
        title=show_hidden(group.error_type),
        count=format_plural(group.count, "run"),
        newest=format_ago(group.newest_at, now),
        newest_at=format_exact(group.newest_at),
        example=show_hidden(example),
        retry=f"Retry {these}",
        cancel=f"Cancel {these}",
        warning=(
            "Retried runs go on where they stopped: finished nodes do not run again. Cancelled ones"
            " leave this list, and can still be retried one by one."
        ),
    )
