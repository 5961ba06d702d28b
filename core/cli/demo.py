"""Commands of a demonstration: the process that plays it, and steering it."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.core.cli import printing, serving
from interlock.core.cli.acting import AsOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.errors import NotFound
from interlock.core.model.demonstration import Demonstration
from interlock.core.services import demonstrating
from interlock.core.types import Json

ServiceArgument = Annotated[
    str, typer.Argument(metavar="SERVICE", help="payments, mail, market, deployment or knowledge.")
]


def play(call: Call) -> int:
    """Play the demonstration of this data folder; `up --demo` starts it by itself."""
    return serving.serve_main(call, "interlock.core.demo.player", "demo")


def show(call: Call) -> None:
    """Tell what plays here, how fast, and what is made to fail."""
    found = demonstrating.read(call.open())
    if found is None:
        raise NotFound("demonstration", "here", hint="`interlock up --demo` begins one.")
    _print(call, found)


def rate(
    call: Call,
    per_minute: Annotated[
        int, typer.Argument(metavar="N", help="Launches a minute; 0 stops them.")
    ],
    who: AsOption = None,
) -> None:
    """Let new work come at another rate."""
    app = call.open()
    _print(call, demonstrating.set_rate(app, per_minute, actor=actor_of(app, who)))


def fail(call: Call, service: ServiceArgument, who: AsOption = None) -> None:
    """Make a service fail that the shipped workflows call."""
    app = call.open()
    done = demonstrating.set_fault(app, service, is_failing=True, actor=actor_of(app, who))
    _print(call, done)


def mend(call: Call, service: ServiceArgument, who: AsOption = None) -> None:
    """Let a service work again."""
    app = call.open()
    done = demonstrating.set_fault(app, service, is_failing=False, actor=actor_of(app, who))
    _print(call, done)


def _print(call: Call, found: Demonstration) -> None:
    document: dict[str, Json] = {
        "seed": found.seed,
        "per_minute": found.per_minute,
        "faults": sorted(str(fault) for fault in found.faults),
        "begun_at": found.begun_at.isoformat(),
        "filled_at": found.filled_at.isoformat() if found.filled_at else None,
        "opened_at": found.opened_at.isoformat() if found.opened_at else None,
    }
    if call.as_json:
        printing.print_json(document)
    else:
        printing.print_fields(document)
