"""What is switched on and off, and switching it."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from interlock.core.cli import printing
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.model.flags import WHAT, FlagState
from interlock.core.services import flagging
from interlock.core.types import Json


def flags(call: Call) -> None:
    """List what can be switched off while all runs, and what is."""
    found = flagging.list_flags(call.open())
    if call.as_json:
        printing.print_json([_document(state) for state in found])
        return
    printing.print_table(
        ["flag", "is", "since", "by", "reason", "what it is"],
        [
            (s.flag.value, _word(s), s.changed_at, s.changed_by, s.reason, WHAT[s.flag])
            for s in found
        ],
        empty="",
        whole=["flag", "what it is"],
    )


def flag(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="FLAG")],
    to: Annotated[Literal["on", "off"], typer.Argument(metavar="on|off")],
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Switch one of them; it counts from the next command of anybody on."""
    app = call.open()
    new = flagging.switch(app, name, is_on=to == "on", actor=actor_of(app, who), reason=reason)
    if call.as_json:
        printing.print_json(_document(new))
    else:
        printing.print_fields(_document(new))


def _word(state: FlagState) -> str:
    return "on" if state.is_on else "OFF"


def _document(state: FlagState) -> dict[str, Json]:
    return {
        "flag": state.flag.value,
        "is_on": state.is_on,
        "changed_at": state.changed_at and state.changed_at.isoformat(),
        "changed_by": state.changed_by or None,
        "reason": state.reason,
        "what": WHAT[state.flag],
    }
