"""Rows of runs, as they are written and read, with and without what may be large."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Text, case, cast, type_coerce

from interlock.core.model.runs import (
    Failure,
    FailureLine,
    Run,
    RunKind,
    RunOptions,
    RunStatus,
    RunSummary,
)
from interlock.core.store import dialect
from interlock.core.store.columns import JsonHead
from interlock.core.store.schema import runs

# What may be large stays in the database: inputs, and of an error all that follows its message. A
# mark with its quotes bare cannot stand inside a JSON text, so the first one is the key itself.
SUMMARY = (
    *(c for c in runs.columns if c.name not in {"input", "context", "options", "error"}),
    type_coerce(
        case(
            (
                runs.c.error_type.is_not(None),
                dialect.text_before(cast(runs.c.error, Text), ',"stack":'),
            )
        ),
        JsonHead("stack"),
    ).label("error_line"),
)


def as_row(run: Run) -> dict[str, Any]:
    """A run as it is written."""
    return vars(run) | {
        "options": run.options.as_json(),
        "error": None if run.error is None else run.error.as_json(),
        "error_type": None if run.error is None else run.error.type,
        "degraded": run.is_degraded,
    }


def from_row(row: Row[Any]) -> Run:
    """The run of a whole row."""
    return Run(
        **read_columns(row),
        input=row.input,
        context=row.context,
        options=RunOptions.from_json(row.options),
        error=Failure.from_json(row.error),
        rating=row.rating,
    )


def read_summary(row: Row[Any]) -> RunSummary:
    """The run of a row of `SUMMARY`."""
    line = None if row.error_line is None else FailureLine(**row.error_line)
    return RunSummary(**read_columns(row), error=line)


def read_columns(row: Row[Any]) -> dict[str, Any]:
    """What a run and its summary have in common, none of it large or encrypted."""
    steps_in_memory, may_have_repeated = read_durability(row.steps_in_memory)
    return {
        "run_id": row.run_id,
        "thread_id": row.thread_id,
        "workflow": row.workflow,
        "kind": RunKind(row.kind),
        "status": RunStatus(row.status),
        "priority": row.priority,
        "created_at": row.created_at,
        "created_by": row.created_by,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "cancel_requested_at": row.cancel_requested_at,
        "end_checkpoint_id": row.end_checkpoint_id,
        "previous_run_id": row.previous_run_id,
        "reason": row.reason,
        "deliveries": row.deliveries,
        "variant": row.variant,
        "batch_id": row.batch_id,
        "is_degraded": row.degraded,
        "steps_in_memory": steps_in_memory,
        "may_have_repeated": may_have_repeated,
    }


def read_durability(kept: int | None) -> tuple[int, bool]:
    """How many steps were in memory only, and whether some may have been done again; one column."""
    kept = kept or 0
    return (-1 - kept, True) if kept < 0 else (kept, False)
