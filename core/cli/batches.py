"""Launching a file of inputs from the command line, and asking how far it is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from interlock.core.cli import printing, values
from interlock.core.cli.call import Call
from interlock.core.errors import NotFound, NoWorker
from interlock.core.model.launch_batches import BatchReport, BatchRun, CheckedFile, write_csv
from interlock.core.model.runs import RunStatus
from interlock.core.services import batch_launching, observing
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.types import Json, new_id

_UNSUCCESSFUL = (RunStatus.FAILED, RunStatus.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the options of `launch --batch` said; `wait_s` None does not wait."""

    path: str
    request: Launch
    only_good: bool
    batch_id: str | None
    wait_s: float | None


def batch(
    call: Call,
    batch_id: Annotated[
        str, typer.Argument(metavar="BATCH_ID", help="As `launch --batch` prints it.")
    ],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all its runs as CSV.")] = False,
) -> None:
    """How far a file of inputs that was launched is, and what failed."""
    app = call.open()
    report = batch_launching.report(app, batch_id)
    if as_csv:
        sys.stdout.write(write_csv(batch_launching.list_runs(app, batch_id)))
    elif call.as_json:
        printing.print_json(_of_report(report))
    else:
        _print_report(report)


def launch(call: Call, app: App, wanted: Wanted, *, actor: str) -> int:
    """Look at every row, launch them, and say how far they are."""
    file = _check(app, wanted)
    started = batch_launching.launch(
        app,
        file,
        wanted.request,
        batch_id=wanted.batch_id or new_id(),
        actor=actor,
        only_good=wanted.only_good,
    )
    if not observing.list_workers(app):
        printing.say("No worker is running: the runs wait for one. `interlock up` starts one.")
    report = batch_launching.wait(app, started.batch_id, timeout_s=wanted.wait_s or 0)
    if call.as_json:
        printing.print_json({**_of_report(report), "bad": _of_bad(file)})
    else:
        for problem in batch_launching.tell(file.bad):
            printing.say(f"Left out: {problem}")
        _print_report(report)
    has_failed = any(report.counts.get(status) for status in _UNSUCCESSFUL)
    return 1 if wanted.wait_s is not None and has_failed else 0


def _check(app: App, wanted: Wanted) -> CheckedFile:
    data = values.read_bytes("--batch", wanted.path, max_bytes=app.settings.batch_max_bytes)
    source = "stdin" if wanted.path == "-" else Path(wanted.path).name
    try:
        return batch_launching.check(app, wanted.request.workflow, data, source=source)
    except NotFound:
        if observing.list_workflow_names(app):
            raise
        raise NoWorker(
            "No worker has published any workflow yet.",
            hint="Start one with `interlock up`, then launch again.",
        ) from None


def _of_report(report: BatchReport) -> dict[str, Json]:
    found = report.batch
    return {
        "batch_id": found.batch_id,
        "workflow": found.workflow,
        "source": found.source,
        "created_at": found.created_at.isoformat(),
        "created_by": found.created_by,
        "rows": found.row_count,
        "launched": report.launched,
        "is_over": report.is_over,
        "counts": {str(status): count for status, count in report.counts.items()},
        "failed": [_of_run(run) for run in report.failed],
    }


def _of_run(run: BatchRun) -> dict[str, Json]:
    return {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "status": str(run.status),
        "variant": run.variant,
        "error": run.error and {"type": run.error.type, "message": run.error.message},
        "started_run_id": run.started_run_id,
    }


def _of_bad(file: CheckedFile) -> Sequence[Json]:
    return [
        {
            "line": row.line,
            "problems": [{"path": p.path, "message": p.message} for p in row.problems],
        }
        for row in file.bad
    ]


def _print_report(report: BatchReport) -> None:
    found = report.batch
    counts = ", ".join(f"{count} {status}" for status, count in sorted(report.counts.items()))
    printing.print_fields(
        {
            "batch_id": found.batch_id,
            "workflow": found.workflow,
            "source": found.source,
            "launched": f"{report.launched} of {found.row_count}",
            "runs": counts,
        }
    )
    if report.failed:
        printing.print_text("")
        printing.print_table(
            ("run_id", "error", "message"),
            [
                (r.run_id, r.error and r.error.type, r.error and r.error.message)
                for r in report.failed
            ],
            empty="",
            whole=("run_id",),
        )
