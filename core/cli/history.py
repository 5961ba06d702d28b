"""Commands that look back: a thread's checkpoints, its state at one of them, two of them compared."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.core.cli import printing
from interlock.core.cli.call import Call
from interlock.core.cli.reading import LimitOption, ThreadIdArgument, when
from interlock.core.model.diffing import Change, Entry
from interlock.core.model.history import Point, PointFilter
from interlock.core.model.text_diffs import PartKind
from interlock.core.services import documents, reading
from interlock.core.services import history as services
from interlock.core.types import RunId

SOURCES = ("input", "loop", "update", "fork")
SIGNS = {Change.INSERTED: "+", Change.DROPPED: "-"}
MARKS = {PartKind.SAME: "{}", PartKind.REMOVED: "[-{}-]", PartKind.ADDED: "{{+{}+}}"}


def history(
    call: Call,
    thread_id: ThreadIdArgument,
    step: Annotated[
        int | None, typer.Option("--step", metavar="N", help="Only of this step of LangGraph.")
    ] = None,
    node: Annotated[
        str | None,
        typer.Option("--node", metavar="NAME", help="Only where this node ran or is due."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source", metavar="SOURCE", help="input, loop, update or fork; may be repeated."
        ),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="Only what this run made.")
    ] = None,
    branch: Annotated[
        int | None, typer.Option("--branch", metavar="N", help="Only of this branch.")
    ] = None,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Only where a human was asked.")
    ] = False,
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="ID", help="Only those before this one, to page on."),
    ] = None,
    limit: LimitOption = 100,
) -> None:
    """List the checkpoints of a thread, newest first."""
    wanted = PointFilter(
        step_from=step,
        step_to=step,
        node=node,
        sources=tuple(source or ()),
        run_id=RunId(run) if run else None,
        branch=branch,
        only_decisions=decisions,
    )
    found, head = services.list_points(call.open(), thread_id, wanted, limit=limit, before=before)
    if call.as_json:
        printing.print_json([documents.of_point(point, head=head) for point in found])
        return
    printing.print_table(
        ["checkpoint_id", "step", "source", "ran", "next", "branch", "created", "size", "what"],
        [
            (
                p.checkpoint_id,
                p.step,
                p.source,
                ", ".join(p.ran),
                ", ".join(p.next),
                p.branch,
                when(p.created_at),
                printing.size(p.size_bytes),
                _say(p, is_head=p.checkpoint_id == head),
            )
            for p in found
        ],
        empty="No checkpoint fits." if not wanted.is_free or before else "No checkpoint yet.",
        whole=["checkpoint_id"],
    )


def state(
    call: Call,
    thread_id: ThreadIdArgument,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar="ID", help="As `history` prints it.")
    ] = None,
) -> None:
    """Show a thread's state, now or at a checkpoint."""
    snapshot = reading.state(call.open(), thread_id, checkpoint)
    if call.as_json:
        printing.print_json(documents.of_snapshot(snapshot))
        return
    printing.print_fields(
        {
            "checkpoint": snapshot.checkpoint_id,
            "created": when(snapshot.created_at),
            "next": ", ".join(snapshot.next),
            "interrupts": list(snapshot.interrupts),
        }
    )
    printing.print_text("")
    values = snapshot.values
    printing.print_fields(values if isinstance(values, dict) else {"value": values})


def diff(
    call: Call,
    thread_id: ThreadIdArgument,
    a: Annotated[str, typer.Argument(metavar="A", help="A checkpoint, as `history` prints it.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The one to compare it with.")],
) -> None:
    """Compare a thread's state at two checkpoints: what B has otherwise than A."""
    found = services.compare(call.open(), thread_id, a, b)
    if call.as_json:
        printing.print_json(documents.of_comparison(thread_id, found))
        return
    if found.diff.is_empty:
        printing.say("The states are the same, as far as they are shown.")
    for entry in found.diff.entries:
        printing.print_text(_tell(entry))
    if found.diff.left_out_count:
        printing.say(f"{found.diff.left_out_count} more differences are not shown.")
    if found.diff.is_partial:
        printing.say("Long values are cut; they may differ in what is not shown.")


def _say(point: Point, *, is_head: bool) -> str:
    """What is odd about a point: the head, a fork, a question."""
    said = ["head"] if is_head else []
    if point.fork is not None:
        said.append(f"{point.fork.verb} by {point.fork.actor}")
    if point.asked_count:
        said.append(f"{point.decided_count}/{point.asked_count} decided")
    return ", ".join(said)


def _tell(entry: Entry) -> str:
    """One difference in a line."""
    place = ".".join(str(part) for part in entry.path) or "value"
    if entry.items:
        shown = ", ".join(printing.as_text(item) for item in entry.items)
        return f"{SIGNS[entry.change]} {place}[{entry.at}]: {shown}"
    if entry.change is Change.ADDED:
        return f"+ {place}: {printing.as_text(entry.after)}"
    if entry.change is Change.REMOVED:
        return f"- {place}: {printing.as_text(entry.before)}"
    if entry.text is not None and entry.text.parts:
        marked = (MARKS[part.kind].format(part.text) for part in entry.text.parts)
        return f"~ {place}: {''.join(marked)}"
    return f"~ {place}: {printing.as_text(entry.before)} -> {printing.as_text(entry.after)}"
