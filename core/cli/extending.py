"""The command that gives a card more time."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.core.cli import printing
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.errors import UsageError
from interlock.core.model.inbox_filters import read_age
from interlock.core.services import deadlines, documents


def extend(
    call: Call,
    approval_id: Annotated[
        str, typer.Argument(metavar="APPROVAL_ID", help="As `inbox` prints it.")
    ],
    by: Annotated[str, typer.Option("--by", metavar="SPAN", help="So much: 90s, 15m, 1h, 1d.")],
    version: Annotated[
        int | None,
        typer.Option("--version", metavar="V", min=1, help="The version you saw."),
    ] = None,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Put a card's deadline off; from now on where it is over. What the card asks stays the same."""
    span = read_age(by)
    if span is None:
        raise UsageError(f"--by takes a span such as 90s, 15m, 1h or 1d, not {by!r}.")
    app = call.open()
    card = deadlines.extend(
        app, approval_id, by=span, version=version, actor=actor_of(app, who), reason=reason
    )
    document = documents.of_approval(card)
    if call.as_json:
        printing.print_json(document)
    else:
        shown = ("approval_id", "title", "deadline_at", "on_timeout")
        printing.print_fields({name: document[name] for name in shown})
