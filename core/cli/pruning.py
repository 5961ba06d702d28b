"""The command that deletes threads for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer

from interlock.core.cli import printing
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.cli.reading import WorkflowOption, when
from interlock.core.errors import UsageError
from interlock.core.model.inbox_filters import read_age
from interlock.core.model.pruning import AT_REST, Pruning, Retention
from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadLine
from interlock.core.services import figure_documents, pruning
from interlock.core.settings import Settings
from interlock.core.types import Json, ThreadId

_TOLD = (
    "thread_id",
    "workflow",
    "status",
    "updated_at",
    "points",
    "bytes",
)  # of a thread that went


def prune(
    call: Call,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help="What has not moved for 12h, 30d or so."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", metavar="N", min=0, help="All but N of each workflow."),
    ] = None,
    status: Annotated[
        list[RunStatus] | None,
        typer.Option(
            "--status", metavar="STATUS", help="Only done, failed or cancelled; may be repeated."
        ),
    ] = None,
    workflow: WorkflowOption = None,
    thread: Annotated[
        list[str] | None,
        typer.Option("--thread", metavar="ID", help="This one; may be repeated."),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(
            "--points", metavar="N", min=1, help="No thread, but all points except N of each."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go; delete nothing.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option("--wait", min=1, metavar="SECONDS", help="The longest without a sign."),
    ] = 60.0,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Delete threads for good, with all that is kept of them; by the settings unless told which."""
    if thread and (older_than or keep is not None or status or workflow):
        raise UsageError("--thread names what goes; it takes none of the other conditions.")
    if any(each not in AT_REST for each in status or ()):
        raise UsageError("--status takes done, failed or cancelled; the others are still needed.")
    app = call.open()
    retention = _choose(
        app.settings,
        Retention(
            older_than=_read_age(older_than),
            most=keep,
            statuses=tuple(status or ()),
            workflow=workflow,
            thread_ids=tuple(ThreadId(each) for each in dict.fromkeys(thread or ())),
            points=points,
        ),
    )
    if dry_run:
        found = pruning.plan(app, retention)
    else:
        actor = actor_of(app, who)
        found = pruning.prune(app, retention, actor=actor, reason=reason, wait_s=wait)
    if call.as_json:
        printing.print_json(of_pruning(found, dry_run=dry_run))
    else:
        _print(found, dry_run=dry_run)


def of_pruning(found: Pruning, *, dry_run: bool) -> dict[str, Json]:
    """The document of `prune`."""
    return {
        "dry_run": dry_run,
        "threads": [_of_thread(line) for line in found.threads],
        "kept": [{"thread_id": kept.thread_id, "why": kept.why} for kept in found.kept],
        "what_ifs": found.what_if_count,
    }


def _choose(settings: Settings, given: Retention) -> Retention:
    """What was given, where it says enough; else what the settings say, narrowed by it."""
    if given.points is not None and given.is_empty:
        given = replace(given, most=0)  # of all threads
    kept = pruning.retention_of(settings)
    if not given.is_empty:
        return replace(given, statuses=given.statuses or AT_REST)
    return replace(kept, statuses=given.statuses or kept.statuses, workflow=given.workflow)


def _read_age(text: str | None) -> timedelta | None:
    age = None if text is None else read_age(text)
    if text is not None and age is None:
        raise UsageError("--older-than takes an age such as 90m, 12h or 30d.")
    return age


def _of_thread(line: ThreadLine) -> dict[str, Json]:
    told = figure_documents.of_thread(line)
    return {name: told[name] for name in _TOLD}


def _print(found: Pruning, *, dry_run: bool) -> None:
    printing.print_table(
        ["thread_id", "workflow", "status", "moved", "points", "size"],
        [
            (
                line.thread.thread_id,
                line.thread.workflow,
                line.status and str(line.status),
                when(line.thread.updated_at),
                line.point_count,
                printing.size(line.size_bytes),
            )
            for line in found.threads
        ],
        empty="No thread would go." if dry_run else "No thread went.",
        whole=["thread_id"],
    )
    if found.threads:
        said = "would go" if dry_run else "are gone"
        printing.say(f"{len(found.threads)} {said}.")
    if found.what_if_count:
        said = "would go" if dry_run else "are gone"
        printing.say(f"{found.what_if_count} closed what-ifs {said}.")
    for kept in found.kept:
        printing.say(f"{kept.thread_id} stays: {kept.why}")
