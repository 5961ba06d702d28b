"""
A what-if to read: what is tried at which point, what stands in, and the two ends side by side.

What a node, an agent or a person wrote is foreign: drawn inert (law 9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model import diffing
from interlock.core.model.history import WhatIf, WhatIfSide, WhatIfStatus
from interlock.core.model.what_ifs import STOOD_IN, How, PathStep, Treatment, pair_ways
from interlock.core.types import Json
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views import state_diff
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    NOTHING,
    format_ago,
    format_count,
    format_duration_ms,
    one_line,
)
from interlock.dashboard.views.forms import parse_json
from interlock.dashboard.views.state_diff import DiffView

if TYPE_CHECKING:
    from interlock.core.services.what_if_plans import NodePlan, Plan

STAND_IN, GIVE, RUN = "stand_in", "give", "run"
WORDS: Mapping[str, str] = {
    STAND_IN: "Do not run it",
    GIVE: "Give what it writes",
    RUN: "It may run",
}
BOTH = "both"
COPIES = (
    "Both answers are tried on copies in a worker's memory. Nothing of the real thread changes, no card is"
    " decided, and nothing is written to the store."
)
FORKS = (
    "This card was decided already. Keeping an answer changes that decision: the thread is forked there"
    " and goes on by the new answer, and the branch that it leaves stays in its tree."
)
VOUCH = (
    "You say that it does nothing outside. `side_effects = false` in its policy says so for good."
)
_HOW: Mapping[How, str] = {
    How.RAN: "",
    How.ASKED: "asks",
    How.FAILED: "failed",
    How.RECORDED: "not run: what it wrote the last time",
    How.GIVEN: "not run: the given value",
    How.MISSING: "not run: needs a value",
}
_LOOKS: Mapping[WhatIfStatus, Look] = {
    WhatIfStatus.QUEUED: Look(Tone.QUIET, "Waits for a worker", ":material/schedule:"),
    WhatIfStatus.RUNNING: Look(Tone.RUNNING, "Runs", ":material/play_arrow:"),
    WhatIfStatus.WAITING: Look(Tone.WAITING, "Asks again", ":material/front_hand:"),
    WhatIfStatus.DONE: Look(Tone.DONE, "Ended", ":material/check:"),
    WhatIfStatus.FAILED: Look(Tone.FAILED, "Failed", ":material/error:"),
}
STOPPED = Look(Tone.WAITING, "Ends early: needs a value", ":material/front_hand:")


@dataclass(frozen=True, kw_only=True)
class NodeChoice:
    """One node that does not simply run: why, what becomes of it if nothing is said, what may be said."""

    path: str
    name: str
    why: str
    otherwise: str
    choices: tuple[str, ...]
    default: str


@dataclass(frozen=True, kw_only=True)
class StartView:
    """What can be tried. `place` names it in keys; `problem` says why nothing can."""

    place: str
    headline: str
    about: str
    runs: str
    nodes: tuple[NodeChoice, ...]
    problem: str


@dataclass(frozen=True, kw_only=True)
class SideView:
    """What one side came to; `facts` are name and text."""

    side: str
    name: str
    answer: str
    look: Look
    facts: tuple[tuple[str, str], ...]
    error: str
    values: Json


@dataclass(frozen=True, kw_only=True)
class ResultView:
    """Two sides, their ways laid side by side, and how their ends differ, once both have ended."""

    what_if_id: str
    headline: str
    about: str
    stood_in: str
    sides: tuple[SideView, ...]
    way: tuple[tuple[str, ...], ...]
    diff: DiffView | None
    is_open: bool
    may_keep: bool
    closed: str


def build_start(plan: Plan) -> StartView:
    """Put together what can be tried."""
    card = plan.card
    if card is None:
        headline = f"Step {plan.point.step}"
        about = f"due: {', '.join(plan.point.next) or 'nothing'}"
    else:
        headline = show_hidden(card.title)
        about = "waits for an answer" if plan.is_waiting else "was decided; another answer is tried"
    runs = [node.path for node in plan.nodes if node.treatment is Treatment.RUNS]
    others = [node for node in plan.nodes if node.treatment is not Treatment.RUNS]
    return StartView(
        place=card.approval_id if card is not None else plan.point.checkpoint_id,
        headline=headline,
        about=f"{plan.workflow} · {about}",
        runs=show_hidden(", ".join(runs)) or "none of the nodes",
        nodes=tuple(_choice(node) for node in sorted(others, key=lambda n: not n.asks)),
        problem=plan.problem,
    )


def _choice(node: NodePlan) -> NodeChoice:
    is_unknown = node.treatment is Treatment.UNKNOWN
    why = "nobody has said whether it has side effects" if is_unknown else "has side effects"
    if node.asks:
        why = f"it takes the answer; {why}"
    otherwise = "a side that comes to it ends there"
    if node.recorded_count:
        otherwise = "what it wrote the last time stands in"
    if node.asks:
        otherwise = "no answer would be heard. Let it run, or give what it writes"
    return NodeChoice(
        path=node.path,
        name=show_hidden(one_line(node.path)),
        why=why,
        otherwise=otherwise,
        choices=(STAND_IN, GIVE, RUN) if is_unknown else (STAND_IN, GIVE),
        default=STAND_IN,
    )


def read_stand_ins(
    nodes: Sequence[NodeChoice], said: Mapping[str, tuple[str, str]]
) -> dict[str, Json]:
    """
    What was said of the nodes, as a what-if takes it.

    Args:
        nodes: The nodes.
        said: By path: one of the words, and the text of a value.

    Raises:
        InvalidInput: A value is no JSON.
    """
    found: dict[str, Json] = {}
    problems: list[FieldProblem] = []
    for node in nodes:
        word, text = said.get(node.path, (node.default, ""))
        if word == RUN:
            found[node.path] = {"runs": True}
        elif word == GIVE:
            try:
                found[node.path] = {"value": parse_json(text) if text.strip() else {}}
            except ValueError as exc:
                problems.append(FieldProblem(node.path, str(exc)))
    if problems:
        raise InvalidInput("A value cannot be read:", problems=problems)
    return found


def build_result(what_if: WhatIf, *, title: str = "", now: datetime) -> ResultView:
    """Put together what came of it so far; `title` is the card's, where there is one."""
    ways = [_read_way(side) for side in what_if.sides]
    by = f"{what_if.workflow} · tried {format_ago(what_if.created_at, now)} by {what_if.created_by}"
    is_open = what_if.status is WhatIfStatus.OPEN
    return ResultView(
        what_if_id=what_if.what_if_id,
        headline=show_hidden(title) or "From a point of a thread",
        about=show_hidden(by),
        stood_in=_say_stood_in(ways),
        sides=tuple(_build_side(s, way) for s, way in zip(what_if.sides, ways, strict=True)),
        way=_lay_out(ways),
        diff=_compare(what_if.sides),
        is_open=is_open,
        may_keep=is_open and what_if.approval_id is not None,
        closed="" if is_open else _say_closed(what_if),
    )


def say_kept(side: str, *, is_fork: bool) -> str:
    """What is said once an answer is kept."""
    if is_fork:
        return (
            f"Answer {side.upper()} takes the place of the decision: the fork comes into the tree as"
            " the worker makes it."
        )
    return f"Answer {side.upper()} is given to the real card."


def _say_closed(what_if: WhatIf) -> str:
    if what_if.kept_side is None:
        return "Discarded: neither answer was kept."
    return f"Answer {what_if.kept_side.upper()} was kept; the real card was decided so."


def _read_way(side: WhatIfSide) -> tuple[PathStep, ...]:
    return tuple(PathStep.from_json(step) for step in side.path)


def _say_stood_in(ways: Sequence[Sequence[PathStep]]) -> str:
    names = dict.fromkeys(step.node for way in ways for step in way if step.how in STOOD_IN)
    if not names:
        return ""
    return show_hidden(
        f"Not run, with a value in its place: {', '.join(names)}. What follows rests on that value."
    )


def _build_side(side: WhatIfSide, way: Sequence[PathStep]) -> SideView:
    missing = [step.node for step in way if step.how is How.MISSING]
    facts = [("Time", format_duration_ms(side.duration_ms))]
    if side.tokens_in or side.tokens_out:
        used = f"{format_count(side.tokens_in)} in, {format_count(side.tokens_out)} out"
        facts.append(("Tokens", used))
    facts.append(("Cost", NOTHING if side.cost is None else f"{side.cost:.4f}"))
    if missing:
        facts.append(("Ends at", f"{', '.join(missing)}: it does not run here and has no value"))
    facts += [
        ("Asks next", f"{asked.get('node', '')}: {one_line(asked.get('value'))}")
        for asked in side.asks
    ]
    look = STOPPED if missing and not side.asks else _LOOKS[side.status]
    return SideView(
        side=side.side,
        name=f"Answer {side.side.upper()}",
        answer=say_intent(side.intent),
        look=look,
        facts=tuple((name, show_hidden(text)) for name, text in facts),
        error=show_hidden(side.error or ""),
        values=side.values,
    )


def say_intent(intent: Mapping[str, Json]) -> str:
    """What is answered, in a line."""
    if not intent:
        return "nothing is asked here"
    if intent.get("each") is not None:
        return show_hidden(one_line(intent["each"]))
    value, reason = intent.get("value"), intent.get("reason")
    said = [str(intent.get("verb")), *([one_line(value)] if value is not None else [])]
    return show_hidden(": ".join(said) + (f" ({one_line(reason)})" if reason else ""))


def _lay_out(ways: Sequence[Sequence[PathStep]]) -> tuple[tuple[str, ...], ...]:
    """Rows of what each side did, one column a side; steps that both did stand in one row."""
    if len(ways) < 2:
        return tuple((_say_step(step),) for way in ways for step in way)
    one, other = ways[0], ways[1]
    pairs = pair_ways([step.node for step in one], [step.node for step in other])
    return tuple(
        (
            _say_step(one[left]) if left is not None else "",
            _say_step(other[right]) if right is not None else "",
        )
        for left, right in pairs
    )


def _say_step(step: PathStep) -> str:
    took = format_duration_ms(step.duration_ms) if step.duration_ms is not None else ""
    notes = [note for note in (_HOW[step.how], took) if note]
    return show_hidden(f"{step.node} ({', '.join(notes)})" if notes else step.node)


def _compare(sides: Sequence[WhatIfSide]) -> DiffView | None:
    if len(sides) < 2 or any(side.values is None for side in sides):
        return None
    return state_diff.build(diffing.diff(sides[0].values, sides[1].values))
