"""Commands that say who has a card: claim, unclaim, assign, forward, hands."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from interlock.core.cli import printing
from interlock.core.cli.acting import AsOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.errors import UsageError
from interlock.core.model.claims import Claim
from interlock.core.model.inbox_filters import read_age
from interlock.core.services import assigning, attending, card_documents, observing

CardArgument = Annotated[str, typer.Argument(metavar="APPROVAL_ID", help="As `inbox` prints it.")]
ToOption = Annotated[str, typer.Option("--to", metavar="WHO", help="Who gets it.")]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="What others are told.")]
ForOption = Annotated[
    str | None,
    typer.Option(
        "--for",
        metavar="SPAN",
        help="For so long: 90s, 15m, 4h, 2d; as long as a claim without.",
    ),
]
TakeOverOption = Annotated[bool, typer.Option("--take-over", help="Also from somebody who has it.")]


def claim(
    call: Call,
    approval_id: CardArgument,
    note: NoteOption = "",
    take_over: TakeOverOption = False,
    version: Annotated[
        int | None, typer.Option("--version", metavar="V", min=1, help="The version you saw.")
    ] = None,
    who: AsOption = None,
) -> None:
    """Have a card for a while: nobody else decides it meanwhile. Again: have it longer."""
    app = call.open()
    held = assigning.claim(
        app,
        approval_id,
        actor=actor_of(app, who),
        note=note,
        take_over=take_over,
        version=version,
    )
    _print(call, held)


def unclaim(
    call: Call, approval_id: CardArgument, note: NoteOption = "", who: AsOption = None
) -> None:
    """Release a card that you have, or gave to whoever has it."""
    app = call.open()
    assigning.unclaim(app, approval_id, actor=actor_of(app, who), note=note)
    hands(call, approval_id)


def assign(
    call: Call,
    approval_id: CardArgument,
    to: ToOption,
    note: NoteOption = "",
    lasts: ForOption = None,
    take_over: TakeOverOption = False,
    who: AsOption = None,
) -> None:
    """Give a card that nobody else has to somebody."""
    span = _read_span(lasts)
    app = call.open()
    held = assigning.assign(
        app,
        approval_id,
        to=to,
        actor=actor_of(app, who),
        note=note,
        lasts=span,
        take_over=take_over,
    )
    _print(call, held)


def forward(
    call: Call,
    approval_id: CardArgument,
    to: ToOption,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; it takes one.")],
    lasts: ForOption = None,
    who: AsOption = None,
) -> None:
    """Pass a card that you have, or that nobody has, on to somebody."""
    span = _read_span(lasts)
    app = call.open()
    held = assigning.forward(
        app, approval_id, to=to, actor=actor_of(app, who), note=note, lasts=span
    )
    _print(call, held)


def hands(call: Call, approval_id: CardArgument) -> None:
    """Who has a card, how it came there, and who has it open on a screen."""
    app = call.open()
    card_id = observing.get_card(app, approval_id).approval.approval_id
    moves = assigning.list_moves(app, card_id)
    held = assigning.fetch_claims(app, [card_id]).get(card_id)
    opened = attending.list_open(app, [card_id]).get(card_id, ())
    if call.as_json:
        printing.print_json(card_documents.of_hands(held, moves, opened))
        return
    until = f" until {held.until:%Y-%m-%d %H:%M:%SZ}" if held else ""
    printing.print_fields(
        {"has it": f"{held.person}{until}" if held else "nobody", "open": ", ".join(opened)}
    )
    if moves:
        printing.print_text("")
        printing.print_table(
            ["at", "who", "did", "to", "note"],
            [(f"{m.at:%Y-%m-%d %H:%M:%SZ}", m.actor, m.verb, m.to, m.note) for m in moves],
            empty="",
        )


def _print(call: Call, held: Claim) -> None:
    document = card_documents.of_claim(held)
    assert document is not None
    if call.as_json:
        printing.print_json(document)
    else:
        printing.print_fields(document)


def _read_span(text: str | None) -> timedelta | None:
    if text is None:
        return None
    span = read_age(text)
    if span is None:
        raise UsageError(f"--for takes a span such as 90s, 15m, 4h or 2d, not {text!r}.")
    return span
