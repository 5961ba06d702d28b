"""Commands about threads as a whole."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.core.cli import printing
from interlock.core.cli.call import Call
from interlock.core.cli.reading import LimitOption, WorkflowOption, when
from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadFilter, ThreadLine
from interlock.core.model.threads import Origin
from interlock.core.services import threads_listing
from interlock.core.types import Json


def list_threads(
    call: Call,
    workflow: WorkflowOption = None,
    status: Annotated[
        list[RunStatus] | None,
        typer.Option("--status", metavar="STATUS", help="Of the last run; may be repeated."),
    ] = None,
    origin: Annotated[
        list[Origin] | None,
        typer.Option(
            "--origin", metavar="ORIGIN", help="own, copy, import or attached; may be repeated."
        ),
    ] = None,
    search: Annotated[
        str, typer.Option("--search", metavar="WORDS", help="As `runs` finds their runs.")
    ] = "",
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="ID", help="Those that moved before this one did."),
    ] = None,
    limit: LimitOption = 100,
) -> None:
    """List threads, the one that moved last first."""
    wanted = ThreadFilter(
        workflow=workflow,
        statuses=tuple(status or ()),
        origins=tuple(origin or ()),
        words=search,
    )
    found = threads_listing.list_threads(call.open(), wanted, limit=limit, before=before)
    if call.as_json:
        printing.print_json([of_line(line) for line in found])
        return
    printing.print_table(
        ["thread_id", "workflow", "status", "waiting", "points", "size", "moved", "origin"],
        [
            (
                line.thread.thread_id,
                line.thread.workflow,
                line.status and str(line.status),
                line.waiting_count,
                line.point_count,
                printing.size(line.size_bytes),
                when(line.thread.updated_at),
                str(line.thread.origin),
            )
            for line in found
        ],
        empty="No thread fits." if wanted != ThreadFilter() or before else "No thread yet.",
        whole=["thread_id"],
    )


def of_line(line: ThreadLine) -> dict[str, Json]:
    """One entry of `thread list`."""
    thread = line.thread
    return {
        "thread_id": thread.thread_id,
        "workflow": thread.workflow,
        "status": None if line.status is None else str(line.status),
        "waiting": line.waiting_count,
        "points": line.point_count,
        "bytes": line.size_bytes,
        "head_checkpoint_id": thread.head_checkpoint_id,
        "last_run_id": thread.last_run_id,
        "origin": str(thread.origin),
        "from_thread_id": thread.from_thread_id,
        "from_checkpoint_id": thread.from_checkpoint_id,
        "trouble": thread.trouble,
        "created_at": thread.created_at.isoformat(),
        "updated_at": thread.updated_at.isoformat(),
    }
