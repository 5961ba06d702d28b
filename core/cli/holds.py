"""Holding what runs, letting it go on, and what is held."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.core.cli import printing
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.model.holds import Hold
from interlock.core.services import holding
from interlock.core.types import Json

WorkflowArgument = Annotated[
    str | None, typer.Argument(metavar="[WORKFLOW]", help="Without it, everything.")
]


def hold(
    call: Call,
    workflow: WorkflowArgument = None,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Start no new node of a workflow, or of any; running ones end their superstep."""
    app = call.open()
    held = holding.hold(app, workflow, actor=actor_of(app, who), reason=reason)
    _print(call, _document(held))


def release(
    call: Call,
    workflow: WorkflowArgument = None,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Let what is held go on where it stopped."""
    app = call.open()
    ended = holding.release(app, workflow, actor=actor_of(app, who), reason=reason)
    _print(call, _document(ended) | {"released": True})


def holds(call: Call) -> None:
    """List what is held, by whom and why."""
    found = holding.list_holds(call.open())
    if call.as_json:
        printing.print_json([_document(held) for held in found])
        return
    printing.print_table(
        ["workflow", "held by", "since", "reason"],
        [(h.scope or "everything", h.held_by, h.held_at, h.reason) for h in found],
        empty="Nothing is held.",
        whole=["workflow"],
    )


def _document(held: Hold) -> dict[str, Json]:
    return {
        "workflow": held.scope or None,
        "held_by": held.held_by,
        "reason": held.reason,
        "held_at": held.held_at.isoformat(),
    }


def _print(call: Call, document: dict[str, Json]) -> None:
    if call.as_json:
        printing.print_json(document)
    else:
        printing.print_fields(document)
