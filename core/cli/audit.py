"""Commands that read the audit: list, show, verify, export."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from interlock.core import private
from interlock.core.cli import printing
from interlock.core.cli.call import Call
from interlock.core.cli.reading import LimitOption, when
from interlock.core.errors import InvalidInput, UsageError
from interlock.core.model.audit_chain import Verification
from interlock.core.model.audit_files import WRITERS, Format
from interlock.core.model.audit_lists import AuditFilter, read_end, read_moment
from interlock.core.services import auditing
from interlock.core.services.context import App

NOTHING_NOTED = (
    "No head had been noted before: whether the end was cut off, or all of it written anew, "
    "cannot be told this time."
)
NO_PLACE = (
    "There is no data folder here to note heads in: whether the end was cut off, or all of it "
    "written anew, cannot be told. Name it with --data-dir, or ask where the worker runs."
)

ActorOption = Annotated[
    str, typer.Option("--actor", metavar="NAME", help="Only what this person did.")
]
ActionOption = Annotated[
    str, typer.Option("--action", metavar="ACTION", help="Only this, as decide:approve.")
]
ObjectOption = Annotated[
    str,
    typer.Option(
        "--object", metavar="OBJECT", help="Only done to this: run:ID, or run: for all runs."
    ),
]
OriginOption = Annotated[
    str,
    typer.Option("--origin", metavar="ORIGIN", help="Only done from here: web, cli, worker, demo."),
]
SearchOption = Annotated[
    str, typer.Option("--search", metavar="TEXT", help="Only entries that hold this text.")
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="From then on: 2d, 2026-11-22, 2026-11-22T09:30."),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", help="Up to then; a day is meant whole.")
]


def list_entries(
    call: Call,
    actor: ActorOption = "",
    action: ActionOption = "",
    object_: ObjectOption = "",
    origin: OriginOption = "",
    search: SearchOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    before: Annotated[
        int | None,
        typer.Option("--before", metavar="N", min=1, help="The page after entry N."),
    ] = None,
    limit: LimitOption = 100,
) -> None:
    """List who did what, the latest first."""
    app = call.open()
    wanted = _read_filter(app, actor, action, object_, origin, search, since, until)
    page = auditing.list_entries(app, wanted, limit=limit, before=before)
    if call.as_json:
        entries = [entry.as_json() for entry in page.entries]
        printing.print_json({"entries": entries, "before": page.before})
        return
    printing.print_table(
        ["entry", "at", "actor", "action", "object", "origin", "reason"],
        [
            (e.seq, when(e.at), e.actor, e.action, e.object, e.origin, e.reason)
            for e in page.entries
        ],
        empty="No entry fits.",
        whole=["object"],
    )
    if page.before is not None:
        printing.say(f"There may be more: --before {page.before}")


def show(
    call: Call,
    entry: Annotated[int, typer.Argument(metavar="N", help="As `audit list` prints it.")],
) -> None:
    """Show one entry whole."""
    found = auditing.get_entry(call.open(), entry).as_json()
    if call.as_json:
        printing.print_json(found)
    else:
        printing.print_fields(found)


def verify(call: Call) -> int:
    """See that the audit is as it was written; exit code 1 where it is not."""
    found = auditing.verify(call.open(), by="verify")
    if call.as_json:
        printing.print_json(
            {
                "holds": found.holds,
                "entries": found.count,
                "last": found.last_seq,
                "problems": [problem.as_json() for problem in found.problems],
                "heads": found.heads_count,
                "noted_at": found.noted_at.isoformat() if found.noted_at else None,
                "place": found.place,
            }
        )
        return 0 if found.holds else 1
    _say(found)
    return 0 if found.holds else 1


def export(
    call: Call,
    format_: Annotated[
        Format, typer.Option("--format", metavar="FORMAT", help="csv or jsonl.")
    ] = Format.JSONL,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="A new file, readable for you alone."),
    ] = None,
    actor: ActorOption = "",
    action: ActionOption = "",
    object_: ObjectOption = "",
    origin: OriginOption = "",
    search: SearchOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
) -> int:
    """Write the entries to a file, the latest first, once the chain was looked at."""
    if output is None:
        raise UsageError("--output names the file to write.")
    app = call.open()
    wanted = _read_filter(app, actor, action, object_, origin, search, since, until)
    found = auditing.verify(app, by="export")
    count = _write(app, wanted, format_, output)
    if call.as_json:
        problems = [problem.as_json() for problem in found.problems]
        printing.print_json(
            {"entries": count, "file": str(output), "holds": found.holds, "problems": problems}
        )
    else:
        printing.print_text(f"{count} entries written to {output}.")
        for problem in found.problems:
            printing.say(problem.said)
    return 0 if found.holds else 1


def _write(app: App, wanted: AuditFilter, format_: Format, output: Path) -> int:
    """Write a new file; how many entries are in it."""
    try:
        descriptor = private.open_file(output, os.O_WRONLY | os.O_EXCL)
    except FileExistsError as exc:
        raise UsageError(f"{output} is there already; --output names another file.") from exc
    except OSError as exc:
        raise InvalidInput(f"{output} cannot be written: {exc.strerror}.") from exc
    count = 0
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            for line in WRITERS[format_](auditing.read_all(app, wanted)):
                file.write(line)
                count += 1
    except BaseException:
        with suppress(OSError):
            output.unlink()
        raise
    return count - (format_ is Format.CSV)  # its heads


def _say(found: Verification) -> None:
    if found.holds:
        printing.print_text(f"The chain holds: {found.count} entries are as they were written.")
    else:
        printing.print_text(f"The audit is NOT as it was written ({found.count} entries seen):")
    for problem in found.problems:
        printing.print_text(f"  {problem.said}")
    if not found.place:
        printing.say(NO_PLACE)
    elif not found.heads_count:
        printing.say(NOTHING_NOTED)
    else:
        heads = "1 noted head" if found.heads_count == 1 else f"{found.heads_count} noted heads"
        printing.print_text(f"Held against {heads}, the last of {when(found.noted_at)}.")


def _read_filter(
    app: App,
    actor: str,
    action: str,
    object_: str,
    origin: str,
    search: str,
    since: str | None,
    until: str | None,
) -> AuditFilter:
    now = app.clock.now()
    return AuditFilter(
        actor=actor,
        action=action,
        object=object_,
        origin=origin,
        text=search,
        since=_moment("--since", since, read_moment(since, now) if since else None),
        until=_moment("--until", until, read_end(until, now) if until else None),
    )


def _moment(option: str, given: str | None, found: datetime | None) -> datetime | None:
    if given is not None and found is None:
        raise UsageError(f"{option} takes an age such as 2d, a day, or a day and time in UTC.")
    return found
