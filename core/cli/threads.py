"""Commands about threads as a whole."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from interlock.core import private
from interlock.core.cli import printing
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.cli.reading import LimitOption, ThreadIdArgument, WorkflowOption, when
from interlock.core.errors import InvalidInput, UsageError
from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadFilter, ThreadLine
from interlock.core.model.threads import Origin
from interlock.core.services import figure_documents, threads_listing, transfer_files, transferring
from interlock.core.types import Json

_UNSAFE = re.compile(r"[^\w.-]")


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
        printing.print_json([figure_documents.of_thread(line) for line in found])
        return
    printing.print_table(
        ["thread_id", "workflow", "status", "waiting", "points", "size", "moved", "origin"],
        [
            (
                line.thread.thread_id,
                line.thread.workflow,
                line.status and str(line.status),
                line.waiting_count,
                _at_least(str(line.point_count), line),
                _at_least(printing.size(line.size_bytes), line),
                when(line.thread.updated_at),
                str(line.thread.origin),
            )
            for line in found
        ],
        empty="No thread fits." if wanted != ThreadFilter() or before else "No thread yet.",
        whole=["thread_id"],
    )


def export_thread(
    call: Call,
    thread_id: ThreadIdArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to; THREAD_ID.json.gz here without."),
    ] = None,
) -> None:
    """Write a thread with all its checkpoints into one file."""
    app = call.open()
    path = out or Path(f"{_UNSAFE.sub('_', thread_id)}.json.gz")
    try:
        descriptor = private.open_file(path, os.O_WRONLY | os.O_EXCL)
    except FileExistsError as exc:
        raise UsageError(f"{path} is there already; --out names another file.") from exc
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be written: {exc.strerror}.") from exc
    try:
        with os.fdopen(descriptor, "wb") as target:
            counts = transferring.export(app, thread_id, target)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    told: dict[str, Json] = {
        "thread_id": thread_id,
        "file": str(path),
        "bytes": path.stat().st_size,
        "rows": dict(counts),
    }
    if call.as_json:
        printing.print_json(told)
    else:
        printing.print_fields(told)


def import_thread(
    call: Call,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As `thread export` writes it.")],
    as_thread: Annotated[
        str | None, typer.Option("--as-thread", metavar="ID", help="Another id than it had.")
    ] = None,
    wait: Annotated[
        float,
        typer.Option("--wait", min=1, metavar="SECONDS", help="The longest without a sign."),
    ] = 60.0,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Take a thread in from a file, as a new thread; its open questions become cards."""
    app = call.open()
    try:
        with file.open("rb") as source:
            data = source.read(transfer_files.MAX_BYTES + 1)
    except OSError as exc:
        raise InvalidInput(f"{file} cannot be read: {exc.strerror}.") from exc
    found = transferring.import_(
        app,
        data,
        as_thread=as_thread,
        actor=actor_of(app, who),
        reason=reason,
        wait_s=wait,
    )
    told: dict[str, Json] = {
        "thread_id": found.thread_id,
        "run_id": found.run_id,
        "points": found.point_count,
        "has_past": found.has_past,
    }
    if call.as_json:
        printing.print_json(told)
    else:
        printing.print_fields(told)


def _at_least(figure: str, line: ThreadLine) -> str:
    return figure if line.is_counted else f"{figure}+"
