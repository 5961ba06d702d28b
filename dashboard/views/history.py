"""
The tree of a thread, from left to right: a lane a branch, the current one on top, the others faded.

Says what each point is in a word and in full; where it stands is `core.model.folding`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from interlock.core.model.folding import Element, Layout, Mark, Row, Span, Telling, crop
from interlock.core.model.history import ForkLine, Point
from interlock.core.model.rewinding import INPUT_NODE, PastDecision, RewindVerb
from interlock.core.types import CheckpointId
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views.decisions import BY_DEADLINE
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
COLUMNS_COUNT = 300  # that are drawn at once, and scroll; others are a page away

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
_ASKED = Look(Tone.QUIET, "Asked", ":material/front_hand:")
_WAITING = Look(Tone.WAITING, "Waiting", ":material/front_hand:")


@dataclass(frozen=True, kw_only=True)
class Knot:
    """
    One point or one fold. `span` opens a fold; `checkpoint_id` is None for it, as it is no point.

    `label` stands beside it, `lines` tell it in full; names and titles in both are the project's.
    `is_second` is what the chosen one is compared with; `is_dim` does not fit what is looked for.
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
    is_second: bool = False
    is_dim: bool = False


@dataclass(frozen=True, kw_only=True)
class Lane:
    """
    One branch. `from_column` is where it leaves the lane that has that column, None if nowhere.

    `begins_before`: it has points in columns before the first that is drawn.
    """

    branch: int
    is_current: bool
    knots: tuple[Knot, ...]
    from_column: int | None
    told: str
    begins_before: bool = False


@dataclass(frozen=True, kw_only=True)
class TreeView:
    """
    The lanes, how wide the drawing is, and the same in words for who cannot see it.

    `columns_count` are drawn from `first_column` on, of `all_count`.
    """

    lanes: tuple[Lane, ...]
    first_column: int
    columns_count: int
    all_count: int
    alt: str


@dataclass(frozen=True, kw_only=True)
class Sight:
    """
    What of a tree is looked at: the second point, the points that fit a filter (None: there is none).

    Unless it `is_newest` the thread goes on after the last point that is known here.
    """

    second: CheckpointId | None = None
    matched: Collection[CheckpointId] | None = None
    is_newest: bool = True

    def count(self, element: Element) -> int:
        """How many of an element's points fit."""
        if self.matched is None:
            return element.count
        if not element.is_fold:
            return int(element.first_id in self.matched)
        return sum(1 for each in self.matched if element.first_id <= each <= element.last_id)


ALL = Sight()


def tell(
    points: Sequence[Point],
    *,
    failures: Collection[CheckpointId] = (),
    chosen: Sequence[CheckpointId] = (),
) -> Telling:
    """The points that are never folded, beside those that the tree tells: where humans come in, and failures."""
    asked = {p.checkpoint_id for p in points if p.asked_count or p.decided_count}
    return Telling(decisions=asked, failures=frozenset(failures), chosen=frozenset(chosen))


def find_first_column(layout: Layout, wanted: int | None = None) -> int:
    """The column to draw from: the one that is wanted, else so that the chosen point, or the head, is in sight."""
    last = max(0, layout.columns_count - COLUMNS_COUNT)
    if wanted is not None:
        return min(max(0, wanted), last)
    chosen = (e.column for row in layout.rows for e in row.elements if Mark.CHOSEN in e.marks)
    at = next(chosen, last)
    return last if at >= last else max(0, at - COLUMNS_COUNT // 2)


def build(
    layout: Layout,
    points: Mapping[CheckpointId, Point],
    decisions: Mapping[CheckpointId, Sequence[PastDecision]],
    *,
    first_column: int = 0,
    sight: Sight = ALL,
    now: datetime,
) -> TreeView:
    """
    Make the drawing of a tree.

    Args:
        layout: Where everything stands.
        points: What is known of each point that is drawn for itself.
        decisions: By the point they were asked at.
        first_column: Where the drawing begins, of a tree that is too wide for one.
        sight: What of it is looked at.
        now: Aware UTC time.
    """
    shown = crop(layout, first=first_column, count=COLUMNS_COUNT)
    earlier = {
        (row.branch, row.is_current)
        for row in layout.rows
        if any(e.column < first_column for e in row.elements)
    }
    lanes = tuple(
        _lane(
            row,
            points,
            tuple(_knot(e, points, decisions, sight, now) for e in row.elements),
            now,
            begins_before=(row.branch, row.is_current) in earlier,
        )
        for row in shown.rows
    )
    return TreeView(
        lanes=lanes,
        first_column=first_column,
        columns_count=min(COLUMNS_COUNT, layout.columns_count - first_column),
        all_count=layout.columns_count,
        alt=_say_all(lanes),
    )


def say_fork(fork: ForkLine, now: datetime) -> str:
    """Who set a thread back, when and why."""
    said = (
        f"{_FORK_WORDS[fork.verb]} by {show_hidden(fork.actor)}, {format_ago(fork.created_at, now)}"
    )
    return f"{said}: {show_hidden(fork.reason)}" if fork.reason else said


def say_decision(decision: PastDecision) -> str:
    """A decision in a few words: `Approved by ann`."""
    who = BY_DEADLINE if decision.by_deadline else f"by {show_hidden(decision.actor)}"
    return f"{say_done(decision.verb)} {who}"


def say_nodes(nodes: Sequence[str]) -> str:
    """Nodes, each once; the task that takes an input in is none of theirs."""
    names = [
        "the input" if node == INPUT_NODE else show_hidden(node) for node in dict.fromkeys(nodes)
    ]
    if len(names) > NAMES_LIMIT_COUNT:
        names[NAMES_LIMIT_COUNT:] = [f"{len(names) - NAMES_LIMIT_COUNT} more"]
    return ", ".join(names) or NOTHING


def _lane(
    row: Row,
    points: Mapping[CheckpointId, Point],
    knots: tuple[Knot, ...],
    now: datetime,
    *,
    begins_before: bool,
) -> Lane:
    forks = [p.fork for e in row.elements if (p := points.get(e.first_id)) and p.fork is not None]
    told = say_fork(forks[-1 if row.is_current else 0], now) if forks else ""
    if row.is_cut and not begins_before:
        told = "Older points are not drawn"
    return Lane(
        branch=row.branch,
        is_current=row.is_current,
        knots=knots,
        from_column=row.from_column,
        told=told,
        begins_before=begins_before,
    )


def _knot(
    element: Element,
    points: Mapping[CheckpointId, Point],
    decisions: Mapping[CheckpointId, Sequence[PastDecision]],
    sight: Sight,
    now: datetime,
) -> Knot:
    if not sight.is_newest and Mark.HEAD in element.marks:
        element = replace(element, marks=element.marks - {Mark.HEAD, Mark.END})
    point = points.get(element.first_id)
    taken = decisions.get(element.first_id, ())
    glyph, look = _look(element, point)
    is_second = not element.is_fold and element.first_id == sight.second
    count = sight.count(element)
    label = _label(element, point, taken, look)
    if element.is_fold and count < element.count:
        label = f"{label}, {count} fit" if count else label
    return Knot(
        checkpoint_id=None if element.is_fold else element.first_id,
        span=element.span,
        column=element.column,
        glyph=glyph,
        look=look,
        label=clip(label, LABEL_LIMIT_COUNT),
        lines=tuple(_say_fold(element) if element.is_fold else _say(element, point, taken, now)),
        is_head=Mark.HEAD in element.marks,
        is_chosen=Mark.CHOSEN in element.marks and not is_second,
        is_second=is_second,
        is_dim=not count,
    )


def _look(element: Element, point: Point | None) -> tuple[Glyph, Look]:
    if element.is_fold:
        return Glyph.FOLD, _FOLDED
    is_open = point is not None and point.asked_count > point.decided_count
    if is_open and Mark.HEAD in element.marks:
        return Glyph.DIAMOND, _WAITING
    marks = element.marks
    if point is not None and point.source != "input" and point.parent_id is not None:
        marks -= {Mark.START}  # a branch begins here, or what is drawn of one, and not the thread
    found = ((glyph, look) for mark, glyph, look in _LOOKS if mark in marks)
    glyph, look = next(found, (Glyph.DOT, _PLAIN))
    if glyph is Glyph.DIAMOND and point is not None and not point.decided_count:
        return glyph, _ASKED
    if glyph is Glyph.END and point is not None and point.next:  # the graph had not come to its end
        return glyph, _STANDING if Mark.HEAD in element.marks else _LEFT
    return glyph, look


def _label(element: Element, point: Point | None, taken: Sequence[PastDecision], look: Look) -> str:
    if element.is_fold:
        return format_plural(element.count, "step")
    if taken:
        return say_decision(taken[-1])
    if point is not None and point.fork is not None and look is not _WAITING:
        return _FORK_WORDS[point.fork.verb]
    if look is _PLAIN and point is not None:
        return say_nodes(point.ran)
    return look.word


def _say(
    element: Element, point: Point | None, taken: Sequence[PastDecision], now: datetime
) -> list[str]:
    lines = [f"Step {element.first_step}, {format_exact(element.started_at)}"]
    if point is not None:
        lines += [f"Ran: {say_nodes(point.ran)}", f"Next: {say_nodes(point.next)}"]
        lines += [say_fork(point.fork, now)] if point.fork is not None else []
    lines += [f"{say_decision(each)}: {show_hidden(each.title)}" for each in taken]
    return lines


def _say_fold(element: Element) -> list[str]:
    return [
        f"Steps {element.first_step} to {element.last_step}",
        f"{format_exact(element.started_at)} to {format_exact(element.ended_at)}",
    ]


def _say_all(lanes: Sequence[Lane]) -> str:
    if not lanes:
        return "This thread has no checkpoints yet."
    said = [format_plural(len(lanes), "branch", "branches")]
    for lane in lanes:
        name = f"Branch {lane.branch}{', current' if lane.is_current else ''}"
        said.append(f"{name}: {', '.join(knot.label for knot in lane.knots)}")
    return ". ".join(said) + "."
