"""Commands about what-ifs: two answers tried on copies, their ends compared, one of them kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from interlock.core.cli import acting, printing, values
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.errors import UsageError
from interlock.core.model import diffing
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.history import WhatIf, WhatIfStatus
from interlock.core.model.what_ifs import SIDES
from interlock.core.services import what_ifs
from interlock.core.services.context import App
from interlock.core.types import Json

POLL_S = 0.1
_KEYS = frozenset({"verb", "value", "each", "reason"})
IdArgument = Annotated[
    str, typer.Argument(metavar="WHAT_IF_ID", help="As `what-if try` prints it.")
]


def try_(
    call: Call,
    approval_id: Annotated[
        str | None, typer.Argument(metavar="[APPROVAL_ID]", help="A card, waiting or decided.")
    ] = None,
    thread: Annotated[
        str | None, typer.Option("--thread", metavar="ID", help="Instead of a card, its thread.")
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar="ID", help="And a point of it.")
    ] = None,
    a: Annotated[
        str | None,
        typer.Option("--a", metavar="WORD|JSON", help="An answer: a word, or {verb, value, …}."),
    ] = None,
    b: Annotated[str | None, typer.Option("--b", metavar="WORD|JSON", help="The other.")] = None,
    give: Annotated[
        list[str] | None,
        typer.Option("--give", metavar="NODE=JSON", help="What a node writes that does not run."),
    ] = None,
    let: Annotated[
        list[str] | None,
        typer.Option("--let", metavar="NODE", help="It may run: it does nothing outside."),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=0, help="For the ends of both.")
    ] = 0.0,
    who: AsOption = None,
) -> int:
    """
    Try two answers to a card on copies; nothing of the real thread changes.

    A node runs there only if its policy says that it has no side effects, or by --let.
    """
    if (approval_id is None) == (thread is None or checkpoint is None):
        raise UsageError("Name a card, or a thread with --thread and a point with --checkpoint.")
    app = call.open()
    stand_ins = _read_nodes(give or (), let or ())
    intents = {"a": _read_intent("--a", a), "b": _read_intent("--b", b)}
    started = what_ifs.start(
        app,
        approval_id=approval_id,
        thread_id=thread,
        checkpoint_id=checkpoint,
        sides=intents,
        stand_ins=dict.fromkeys(SIDES, stand_ins),
        actor=actor_of(app, who),
    )
    acting.say_without_worker(app)
    return _print(call, _wait(app, started.what_if_id, wait))


def show(call: Call, what_if_id: IdArgument) -> int:
    """What both answers came to, and how their ends differ."""
    return _print(call, what_ifs.read(call.open(), what_if_id))


def keep(
    call: Call,
    what_if_id: IdArgument,
    side: Annotated[str, typer.Argument(metavar="a|b", help="Which of the two.")],
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Decide the real card so; of one that was decided, the decision is changed."""
    app = call.open()
    actor = actor_of(app, who)
    run_id = what_ifs.keep(app, what_if_id, side, actor=actor, reason=reason)
    if call.as_json:
        printing.print_json({"what_if_id": what_if_id, "kept_side": side, "run_id": run_id})
    else:
        printing.print_text(f"Answer {side} is kept; run {run_id} carries it out.")


def discard(
    call: Call, what_if_id: IdArgument, reason: ReasonOption = "", who: AsOption = None
) -> None:
    """Keep neither."""
    app = call.open()
    what_ifs.discard(app, what_if_id, actor=actor_of(app, who), reason=reason)
    if call.as_json:
        printing.print_json({"what_if_id": what_if_id, "status": str(WhatIfStatus.DISCARDED)})
    else:
        printing.print_text("Discarded.")


def _read_intent(option: str, given: str | None) -> Intent | None:
    if given is None:
        return None
    if given in set(Verb):
        return Intent(verb=Verb(given))
    value = values.read_json(option, given)
    is_named = isinstance(value, dict) and value and not set(value) - _KEYS
    if not is_named or value.get("verb") not in {None, *map(str, Verb)}:
        raise UsageError(f"{option} takes a word, or {{verb, value}}, or {{each}}.")
    each = value.get("each")
    return Intent(
        verb=Verb(value["verb"]) if value.get("verb") else None,
        value=value.get("value"),
        each=tuple(each) if isinstance(each, list) else None,
        reason=str(value.get("reason") or ""),
    )


def _read_nodes(give: Sequence[str], let: Sequence[str]) -> dict[str, Json]:
    found: dict[str, Json] = {node: {"runs": True} for node in let}
    for each in give:
        node, mark, text = each.partition("=")
        if not mark:
            raise UsageError("--give takes NODE=JSON.")
        found[node] = {"value": values.read_json("--give", text)}
    return found


def _wait(app: App, what_if_id: str, wait_s: float) -> WhatIf:
    """The what-if once both sides have ended, or as it is when the time is over."""
    deadline = time.monotonic() + wait_s
    while True:
        found = what_ifs.read(app, what_if_id)
        is_over = not any(side.status in what_ifs.UNDER_WAY for side in found.sides)
        if is_over or time.monotonic() >= deadline:
            return found
        time.sleep(POLL_S)


def _print(call: Call, found: WhatIf) -> int:
    """Print it; 1 if a side failed."""
    if call.as_json:
        printing.print_json(document(found))
    else:
        printing.print_text(f"{found.what_if_id}  {found.status}")
        rows = [
            (side.side, str(side.status), _say_way(side.path), side.error or "")
            for side in found.sides
        ]
        printing.print_table(["side", "status", "way", "error"], rows, empty="No side.")
    return 1 if any(side.status is WhatIfStatus.FAILED for side in found.sides) else 0


def _say_way(path: Sequence[Json]) -> str:
    return ", ".join(
        step["node"] if step["how"] == "ran" else f"{step['node']} ({step['how']})" for step in path
    )


def document(found: WhatIf) -> dict[str, Json]:
    """What scripts are told of a what-if; `differences` is None until both ends are known."""
    told: dict[str, Json] = asdict(found)
    states = [side.values for side in found.sides]
    is_known = len(states) == len(SIDES) and None not in states
    told["differences"] = diffing.diff(*states).as_json() if is_known else None
    return told
