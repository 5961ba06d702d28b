"""
The tree of a thread, from left to right: a lane a branch, the current one on top, the others faded.

Says what each point is in a word and in full; where it stands is `core.model.folding`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from interlock.core.model.folding import Element, Layout, Mark, Row, Span, Telling
from interlock.core.model.history import ForkLine, Point
from interlock.core.model.rewinding import INPUT_NODE, PastDecision, RewindVerb
from interlock.core.types import CheckpointId
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    NOTHING,
    clip,
    format_ago,
    format_exact,
    format_plural,
)
from interlock.dashboard.views.words import say_done

LABEL_LIMIT_COUNT = 28  # characters beneath a glyph
NAMES_LIMIT_COUNT = 6  # nodes told of one point

# In the past tense: each is a fork that somebody made.
_FORK_WORDS = {
    RewindVerb.RERUN: "Run again",
    RewindVerb.EDIT: "State edited",
    RewindVerb.REDECIDE: "Decision changed",
    RewindVerb.COPY: "Copied",
    RewindVerb.SKIP: "Node skipped",
    RewindVerb.STOP: "Stopped",
    RewindVerb.GO_BACK: "Gone back",
}


class Glyph(StrEnum):
    """The shape of a point, so that colour is never alone."""

    DOT = "dot"
    START = "start"
    DIAMOND = "diamond"
    FORK = "fork"
    CROSS = "cross"
    END = "end"
    FOLD = "fold"


# The gravest mark gives the shape and the look.
_LOOKS: Sequence[tuple[Mark, Glyph, Look]] = (
    (Mark.FAILURE, Glyph.CROSS, Look(Tone.FAILED, "Failed", ":material/error:")),
    (Mark.DECISION, Glyph.DIAMOND, Look(Tone.DONE, "Decision", ":material/how_to_reg:")),
    (Mark.EDIT, Glyph.FORK, Look(Tone.QUIET, "State edited", ":material/edit:")),
    (Mark.COPY, Glyph.FORK, Look(Tone.QUIET, "Copy", ":material/fork_right:")),
    (Mark.START, Glyph.START, Look(Tone.QUIET, "Start", ":material/start:")),
    (Mark.END, Glyph.END, Look(Tone.QUIET, "End", ":material/stop_circle:")),
    (Mark.FORK, Glyph.DOT, Look(Tone.QUIET, "Branches leave", ":material/call_split:")),
)
_PLAIN = Look(Tone.QUIET, "Step", ":material/radio_button_unchecked:")
_FOLDED = Look(Tone.QUIET, "Steps", ":material/more_horiz:")
_STANDING = Look(Tone.QUIET, "Stands here", ":material/pause_circle:")
_LEFT = Look(Tone.QUIET, "Left here", ":material/pause_circle:")
_WAITING = Look(Tone.WAITING, "Waiting", ":material/front_hand:")


@dataclass(frozen=True, kw_only=True)
class Knot:
    """
    One point or one fold. `span` opens a fold; `checkpoint_id` is None for it, as it is no point.

    `label` stands beside it, `lines` tell it in full; names and titles in both are the project's.
    """

    checkpoint_id: CheckpointId | None
    span: Span
    column: int
    glyph: Glyph
    look: Look
    label: str
    lines: tuple[str, ...]
    is_head: bool
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One branch. `from_column` is where it leaves the lane that has that column, None if nowhere."""

    branch: int
    is_current: bool
    knots: tuple[Knot, ...]
    from_column: int | None
    told: str


@dataclass(frozen=True, kw_only=True)
class TreeView:
    """The lanes, how wide the drawing is, and the same in words for who cannot see it."""

    lanes: tuple[Lane, ...]
    columns_count: int
    first_column: int
    alt: str


def tell(
    points: Sequence[Point],
    *,
    failures: Sequence[CheckpointId] = (),
    chosen: Sequence[CheckpointId] = (),
) -> Telling:
    """The points that are never folded, beside those that the tree tells: where humans come in, and failures."""
    asked = {p.checkpoint_id for p in points if p.asked_count or p.decided_count}
    return Telling(decisions=asked, failures=frozenset(failures), chosen=frozenset(chosen))


def build(
    layout: Layout,
    points: Mapping[CheckpointId, Point],
    decisions: Mapping[CheckpointId, Sequence[PastDecision]],
    *,
    now: datetime,
) -> TreeView:
    """
    Make the drawing of a tree.

    Args:
        layout: Where everything stands.
        points: What is known of each point that is drawn for itself.
        decisions: By the point they were asked at.
        now: Aware UTC time.
    """
    lanes = tuple(_lane(row, points, decisions, now) for row in layout.rows)
    return TreeView(
        lanes=lanes,
        columns_count=layout.columns_count,
        first_column=layout.first_column,
        alt=_say_all(lanes),
    )


def say_fork(fork: ForkLine, now: datetime) -> str:
    """Who set a thread back, when and why."""
    said = (
        f"{_FORK_WORDS[fork.verb]} by {show_hidden(fork.actor)}, {format_ago(fork.created_at, now)}"
    )
    return f"{said}: {show_hidden(fork.reason)}" if fork.reason else said


def _lane(
    row: Row,
    points: Mapping[CheckpointId, Point],
    decisions: Mapping[CheckpointId, Sequence[PastDecision]],
    now: datetime,
) -> Lane:
    forks = [p.fork for e in row.elements if (p := points.get(e.first_id)) and p.fork is not None]
    told = say_fork(forks[0], now) if forks else ""
    if row.is_cut:
        told = "Older points are not known"
    return Lane(
        branch=row.branch,
        is_current=row.is_current,
        knots=tuple(_knot(element, points, decisions, now) for element in row.elements),
        from_column=row.from_column,
        told=told,
    )


def _knot(
    element: Element,
    points: Mapping[CheckpointId, Point],
    decisions: Mapping[CheckpointId, Sequence[PastDecision]],
    now: datetime,
) -> Knot:
    point = points.get(element.first_id)
    taken = decisions.get(element.first_id, ())
    glyph, look = _look(element, point)
    return Knot(
        checkpoint_id=None if element.is_fold else element.first_id,
        span=element.span,
        column=element.column,
        glyph=glyph,
        look=look,
        label=clip(_label(element, point, taken, look), LABEL_LIMIT_COUNT),
        lines=tuple(_say_fold(element) if element.is_fold else _say(element, point, taken, now)),
        is_head=Mark.HEAD in element.marks,
        is_chosen=Mark.CHOSEN in element.marks,
    )


def _look(element: Element, point: Point | None) -> tuple[Glyph, Look]:
    if element.is_fold:
        return Glyph.FOLD, _FOLDED
    is_open = point is not None and point.asked_count > point.decided_count
    if is_open and Mark.HEAD in element.marks:
        return Glyph.DIAMOND, _WAITING
    found = ((glyph, look) for mark, glyph, look in _LOOKS if mark in element.marks)
    glyph, look = next(found, (Glyph.DOT, _PLAIN))
    if glyph is Glyph.END and point is not None and point.next:  # the graph had not come to its end
        return glyph, _STANDING if Mark.HEAD in element.marks else _LEFT
    return glyph, look


def _label(element: Element, point: Point | None, taken: Sequence[PastDecision], look: Look) -> str:
    if element.is_fold:
        return format_plural(element.count, "step")
    if taken:
        return _say_decision(taken[-1])
    if look is _PLAIN and point is not None:
        return _names(point.ran)
    return look.word


def _say(
    element: Element, point: Point | None, taken: Sequence[PastDecision], now: datetime
) -> list[str]:
    lines = [f"Step {element.first_step}, {format_exact(element.started_at)}"]
    if point is not None:
        lines += [f"Ran: {_names(point.ran)}", f"Next: {_names(point.next)}"]
        lines += [say_fork(point.fork, now)] if point.fork is not None else []
    lines += [f"{_say_decision(each)}: {show_hidden(each.title)}" for each in taken]
    return lines


def _say_fold(element: Element) -> list[str]:
    return [
        f"Steps {element.first_step} to {element.last_step}",
        f"{format_exact(element.started_at)} to {format_exact(element.ended_at)}",
    ]


def _say_decision(decision: PastDecision) -> str:
    return f"{say_done(decision.verb)} by {show_hidden(decision.actor)}"


def _names(nodes: Sequence[str]) -> str:
    """Nodes, each once; the task that takes an input in is none of theirs."""
    names = [
        "the input" if node == INPUT_NODE else show_hidden(node) for node in dict.fromkeys(nodes)
    ]
    if len(names) > NAMES_LIMIT_COUNT:
        names[NAMES_LIMIT_COUNT:] = [f"{len(names) - NAMES_LIMIT_COUNT} more"]
    return ", ".join(names) or NOTHING


def _say_all(lanes: Sequence[Lane]) -> str:
    if not lanes:
        return "This thread has no checkpoints yet."
    said = [format_plural(len(lanes), "branch", "branches")]
    for lane in lanes:
        name = f"Branch {lane.branch}{', current' if lane.is_current else ''}"
        said.append(f"{name}: {', '.join(knot.label for knot in lane.knots)}")
    return ". ".join(said) + "."
