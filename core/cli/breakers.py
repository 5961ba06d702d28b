"""Commands for breakers: how they stand, and holding one open or closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from interlock.core.cli import printing, reading
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.model.breaker import Breaker, BreakerEvent, Order, count_recent
from interlock.core.services import figure_documents, tripping

EVENTS_SPAN = timedelta(days=7)


def breakers(
    call: Call,
    events: Annotated[
        bool, typer.Option("--events", help="What happened to them within 7 days, newest first.")
    ] = False,
) -> None:
    """List the breakers: state, failures that count, when one lets a probe through."""
    app = call.open()
    if events:
        _print_events(call, tripping.list_events(app, since=app.clock.now() - EVENTS_SPAN))
        return
    found = tripping.list_breakers(app)
    if call.as_json:
        printing.print_json([figure_documents.of_breaker(each, app.clock.now()) for each in found])
        return
    printing.print_table(
        ["name", "state", "failures", "opened", "retry", "short-circuited", "serves"],
        [
            (
                each.name,
                _say_state(each),
                f"{len(count_recent(each, app.clock.now()))} of {each.rules.failures}",
                reading.when(each.opened_at),
                reading.when(each.retry_at),
                each.short_circuited,
                ", ".join(map(str, each.serves)),
            )
            for each in found
        ],
        empty="No policy has a breaker; interlock.toml puts them on nodes and tools.",
        whole=["name"],
    )


def breaker(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `breakers` prints it.")],
    order: Annotated[
        Order,
        typer.Argument(
            metavar="open|close|reset",
            help="Hold it open or closed; reset gives it back to its rules, closed.",
        ),
    ],
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Hold a breaker open or closed, or reset it."""
    app = call.open()
    changed = tripping.order(app, name, order, actor=actor_of(app, who), reason=reason)
    if call.as_json:
        printing.print_json(figure_documents.of_breaker(changed, app.clock.now()))
        return
    printing.print_text(f"{changed.name} is {_say_state(changed)}.")


def _print_events(call: Call, events: Sequence[BreakerEvent]) -> None:
    if call.as_json:
        rows = [vars(each) | {"at": each.at.isoformat()} for each in events]
        printing.print_json(rows)
        return
    printing.print_table(
        ["at", "name", "before", "after", "why", "by", "run"],
        [
            (
                reading.when(each.at),
                each.name,
                each.before,
                each.after,
                each.cause,
                each.actor,
                each.run_id or "",
            )
            for each in events
        ],
        empty="No breaker has changed its state within 7 days.",
        whole=["name"],
    )


def _say_state(each: Breaker) -> str:
    word = str(each.state).replace("_", " ")
    return f"held {word}" if each.forced is not None else word
