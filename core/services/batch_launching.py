"""
Launching a file of inputs: every row is looked at before the first one starts.

The rows go in in short transactions, so that a large file keeps nobody waiting. Each begins where the
rows that are there end, under the lock of the batch: a second click, or a call that is made again after
a crash, launches nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from interlock.core.errors import Conflict, FieldProblem, InvalidInput, NotFound
from interlock.core.model import batch_files, input_limits
from interlock.core.model.flags import Flag
from interlock.core.model.launch_batches import (
    BatchReport,
    BatchRun,
    CheckedFile,
    CheckedRow,
    LaunchBatch,
    digest,
)
from interlock.core.model.people import Permission
from interlock.core.model.runs import OPEN, RunStatus
from interlock.core.model.workflows import Workflow
from interlock.core.services import backlog, checking, flagging, launching, limiting
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.services.permitting import command
from interlock.core.store import audit, engine, launch_batches, topics

CHUNK_ROWS = 100  # a transaction of about 50 ms
MAX_SOURCE_CHARS = 200
MAX_ID_CHARS = 200
MAX_FAILED = 200  # failed rows that a report shows; the download has all
MAX_SHOWN = 100  # rows of any kind
POLL_S = 0.1
MAX_TOLD = 20  # bad rows that an error names


def check(app: App, workflow: str, data: bytes, *, source: str) -> CheckedFile:
    """
    Look at every row of a file.

    Args:
        app: The application.
        workflow: What its rows are inputs of.
        data: The file.
        source: Its name.

    Raises:
        NotFound: No such workflow.
        InvalidInput: The workflow is not loaded, or the file as a whole cannot be used.
    """
    found = launching.fetch_workflow(app, workflow)
    launching.require_loaded(found)
    file = batch_files.read(
        data,
        name=source,
        schema=found.input_schema,
        max_rows=app.settings.batch_max_rows,
        max_bytes=app.settings.batch_max_bytes,
    )
    unknown = checking.find_unknown(found, file.columns)
    if unknown:
        raise InvalidInput(f"{source} has columns that do not fit.", problems=unknown)
    limits = checking.limits_of(app.settings)
    rows = []
    for row in file.rows:
        value = input_limits.trim(row.input, limits)
        problems = row.problems or tuple(checking.check_input(found, value, limits))
        rows.append(CheckedRow(row.line, value, problems))
    return CheckedFile(workflow=workflow, source=source, rows=tuple(rows))


@command(Permission.LAUNCH)
def launch(
    app: App,
    file: CheckedFile,
    request: Launch,
    *,
    batch_id: str,
    actor: str,
    only_good: bool = False,
) -> LaunchBatch:
    """
    Start a run for each row of a checked file, each on a thread of its own.

    Args:
        app: The application.
        file: As `check` gave it.
        request: How every run is carried out; its input and thread are not looked at.
        batch_id: Made by the caller; the same one again launches what is still missing, if anything.
        actor: Who launches.
        only_good: Leave out the rows that do not fit, instead of refusing all.

    Raises:
        InvalidInput: A row does not fit, none is left, or an option does not fit. Nothing was launched.
        RateLimited: Its rows are more than its workflow may still be launched. Nothing was launched.
        QueueFull: The queue has no room for all of its rows; it says when to try again. Nothing was launched.
        SwitchedOff: Launches are; what was accepted before goes on.
        Conflict: There is a batch of this id that launched something else, or in another way.
    """
    _require_good(file, only_good=only_good)
    workflow, template = _prepare(app, file, request)
    batch = LaunchBatch(
        batch_id=batch_id,
        workflow=file.workflow,
        source=file.source[:MAX_SOURCE_CHARS],
        row_count=len(file.good),
        created_at=app.clock.now(),
        created_by=actor,
        digest=_digest(file, template),
    )
    _begin(app, batch, workflow)  # from here on it is accepted: the queue refuses no row of it
    while _launch_some(app, batch, file.good, template):
        pass
    return batch


def report(app: App, batch_id: str) -> BatchReport:
    """
    How far a batch is, and which of its rows failed first.

    Raises:
        NotFound: No such batch.
    """
    with engine.read(app.engine) as conn:
        batch = launch_batches.fetch(conn, batch_id)
        if batch is None:
            raise NotFound("batch", batch_id, hint="`interlock launch --batch` prints its id.")
        counts = launch_batches.count_by_status(conn, batch_id)
        failed = (
            launch_batches.fetch_runs(conn, batch_id, status=RunStatus.FAILED, limit=MAX_FAILED)
            if counts.get(RunStatus.FAILED)
            else []
        )
        shown = launch_batches.fetch_runs(conn, batch_id, limit=MAX_SHOWN)
    return BatchReport(batch=batch, counts=counts, failed=tuple(failed), runs=tuple(shown))


def wait(app: App, batch_id: str, *, timeout_s: float) -> BatchReport:
    """
    Wait until every row's run has ended or needs a human; the report as it is when the time is up.

    Raises:
        NotFound: No such batch.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        found = report(app, batch_id)
        is_open = any(status in OPEN for status in found.counts)
        if not (is_open or found.launched < found.batch.row_count) or time.monotonic() >= deadline:
            return found
        time.sleep(POLL_S)


def list_runs(app: App, batch_id: str) -> list[BatchRun]:
    """What became of every row, in the order of the file."""
    with engine.read(app.engine) as conn:
        return launch_batches.fetch_runs(conn, batch_id, limit=app.settings.batch_max_rows)


def list_batches(app: App, *, limit: int = 20) -> list[LaunchBatch]:
    """The newest batches."""
    with engine.read(app.engine) as conn:
        return launch_batches.fetch_many(conn, limit=limit)


def _require_good(file: CheckedFile, *, only_good: bool) -> None:
    bad = file.bad
    if not file.good:
        raise InvalidInput(f"No row of {file.source} fits.", problems=tell(bad))
    if bad and not only_good:
        raise InvalidInput(
            f"{len(bad)} of {len(file.rows)} rows of {file.source} do not fit; nothing was launched.",
            problems=tell(bad),
        )


def tell(bad: Sequence[CheckedRow]) -> list[FieldProblem]:
    """The first problem of each bad row by its line, as far as anybody reads."""
    told = [FieldProblem(f"line {row.line}", str(row.problems[0])) for row in bad[:MAX_TOLD]]
    more = len(bad) - len(told)
    return [*told, FieldProblem("", f"and {more} more")] if more else told


def _prepare(app: App, file: CheckedFile, request: Launch) -> tuple[Workflow, Launch]:
    """What the launches of all rows have in common, looked at."""
    workflow = launching.fetch_workflow(app, file.workflow)
    launching.require_loaded(workflow)
    context = input_limits.trim(request.context, checking.limits_of(app.settings))
    template = replace(request, workflow=workflow.name, thread_id=None, context=context)
    problems = launching.find_option_problems(app, workflow, template)
    if problems:
        raise InvalidInput(f"{workflow.name!r} cannot be launched so.", problems=problems)
    return workflow, launching.with_policy(workflow, template)


def _digest(file: CheckedFile, template: Launch) -> str:
    options = {name: value for name, value in vars(template).items() if name != "input"}
    return digest((row.input for row in file.good), options)


def _begin(app: App, batch: LaunchBatch, workflow: Workflow) -> None:
    if not batch.batch_id or len(batch.batch_id) > MAX_ID_CHARS:
        raise InvalidInput(f"A batch's id has 1 to {MAX_ID_CHARS} characters.")
    with engine.write(app.engine) as conn:
        if not launch_batches.insert(conn, batch):
            known = launch_batches.lock(conn, batch.batch_id)
            if known is not None and not _are_same(known, batch):
                what = f"{known.row_count} rows of {known.source} for {known.workflow!r}"
                other = f" with other rows or options than {batch.source} has now"
                raise Conflict(
                    f"The batch {batch.batch_id} launched something else:"
                    f" {what}{other if _are_named_alike(known, batch) else ''}.",
                    hint="Another batch needs an id of its own.",
                )
            return
        flagging.require_within(conn, Flag.LAUNCHES)
        backlog.require_room(
            app, conn, batch.workflow, now=batch.created_at, starts=batch.row_count
        )
        limiting.take_launch(
            conn,
            workflow,
            actor=batch.created_by,
            now=batch.created_at,
            starts=batch.row_count,
        )
        audit.append(
            conn,
            at=batch.created_at,
            actor=batch.created_by,
            action="launch batch",
            object_=f"batch:{batch.batch_id}",
            after={
                "workflow": batch.workflow,
                "source": batch.source,
                "rows": batch.row_count,
            },
        )


def _are_same(known: LaunchBatch, batch: LaunchBatch) -> bool:
    return _are_named_alike(known, batch) and known.digest == batch.digest


def _are_named_alike(known: LaunchBatch, batch: LaunchBatch) -> bool:
    what = [(b.workflow, b.source, b.row_count) for b in (known, batch)]
    return what[0] == what[1]


def _launch_some(
    app: App, batch: LaunchBatch, rows: Sequence[CheckedRow], template: Launch
) -> bool:
    """Launch the next rows; False once there are none."""
    with engine.write(app.engine) as conn:
        launch_batches.lock(conn, batch.batch_id)
        done = launch_batches.count_launched(conn, batch.batch_id)
        part = rows[done : done + CHUNK_ROWS]
        now = app.clock.now()
        for row in part:
            request = replace(template, input=row.input)
            run = launching.make_run(
                request, actor=batch.created_by, now=now, batch_id=batch.batch_id
            )
            launching.add(conn, app, run)
        if part:
            topics.bump(conn, "runs")
    return done + len(part) < len(rows)
