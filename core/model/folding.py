"""
How a thread's tree is laid out: a row a branch, plain steps folded, so that 1 000 points are readable.

What tells something is never folded: where a branch begins or ends, where one leaves, decisions,
failures, and what was chosen. A fold opens into its points, or, if they are many, into smaller folds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from interlock.core.model.branching import Branch, Tree
from interlock.core.types import CheckpointId

MIN_FOLD_COUNT = 3  # plain points in a row; two take hardly more room than a fold
MAX_OPEN_COUNT = 40  # elements that a fold opens into
PLAIN = "loop"  # LangGraph's source of a checkpoint that a step of a run made

Span = tuple[CheckpointId, CheckpointId]


class Mark(StrEnum):
    """Why a point is not folded; a point may have several."""

    START = "start"
    FORK = "fork"
    COPY = "copy"
    EDIT = "edit"
    DECISION = "decision"
    FAILURE = "failure"
    END = "end"
    HEAD = "head"
    CHOSEN = "chosen"


# What stands for a source of LangGraph; any other source (another library's) is shown unfolded, too.
_SOURCES = {"input": Mark.START, "fork": Mark.COPY, "update": Mark.EDIT}


@dataclass(frozen=True, kw_only=True)
class Telling:
    """The points of which others know something: ids of checkpoints."""

    decisions: Collection[CheckpointId] = frozenset()
    failures: Collection[CheckpointId] = frozenset()
    chosen: Collection[CheckpointId] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Element:
    """
    One point, or a fold of `count` plain ones from `first_id` to `last_id`.

    `column` is its place in the order of time, over all rows. Steps and times are of its ends.
    """

    first_id: CheckpointId
    last_id: CheckpointId
    count: int
    first_step: int
    last_step: int
    started_at: datetime
    ended_at: datetime
    branch: int
    marks: frozenset[Mark] = frozenset()
    column: int = 0

    @property
    def is_fold(self) -> bool:
        """Whether it stands for several points."""
        return self.count > 1

    @property
    def span(self) -> Span:
        """What to ask for to see it opened."""
        return self.first_id, self.last_id


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    One line of the drawing: the whole path to the head, or what another branch has of its own.

    `branch` is its number, of the current row that of the head. `from_id` is the point it leaves
    from, `from_column` where that one (or the fold around it) stands; None where it is not drawn.
    `is_cut`: what came before is not known.
    """

    branch: int
    is_current: bool
    elements: tuple[Element, ...]
    from_id: CheckpointId | None = None
    from_column: int | None = None
    is_cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Layout:
    """
    The rows, the current one on top, then those that were left last.

    `columns_count` is how wide the whole is, `first_column` the first that is shown.
    """

    rows: tuple[Row, ...]
    columns_count: int
    first_column: int = 0


def lay_out(
    tree: Tree, telling: Telling | None = None, *, unfolded: Collection[Span] = ()
) -> Layout:
    """
    Lay out a tree.

    Args:
        tree: The tree.
        telling: The points that are never folded beside those that the tree itself tells.
        unfolded: Spans to open, as elements name them; those that are no longer there are ignored.
    """
    marker = _Marker(tree, telling or Telling())
    opened = set(unfolded)
    rows: list[Row] = []
    on_path = frozenset(tree.path)
    for branch in tree.branches:
        if branch.is_current:
            rows.append(_row(tree, marker, opened, branch, tree.path))
        own = [point for point in branch.ids if point not in on_path]
        if own:
            rows.append(_row(tree, marker, opened, branch, own))
    return _place(rows)


def crop(layout: Layout, *, first: int, count: int) -> Layout:
    """
    The part of a layout within some columns; rows that have nothing there are left out.

    Args:
        layout: The whole.
        first: The first column to show.
        count: How many.
    """
    shown = range(first, first + count)
    rows = (
        replace(row, elements=tuple(e for e in row.elements if e.column in shown))
        for row in layout.rows
    )
    return replace(layout, rows=tuple(row for row in rows if row.elements), first_column=first)


@dataclass(frozen=True)
class _Marker:
    """Tells why points are not folded."""

    tree: Tree
    telling: Telling
    forks: frozenset[CheckpointId] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "forks", frozenset(self.tree.forks))

    def read(self, point: CheckpointId) -> frozenset[Mark]:
        """The marks of a point; empty for a plain one."""
        tree, telling = self.tree, self.telling
        source = tree.entries[point].source
        found = [_SOURCES.get(source, Mark.START)] if source != PLAIN else []
        parent = tree.parents[point]
        found += [Mark.START] if parent is None or tree.children[parent][0] != point else []
        found += [Mark.FORK] if point in self.forks else []
        found += [Mark.DECISION] if point in telling.decisions else []
        found += [Mark.FAILURE] if point in telling.failures else []
        found += [Mark.END] if not tree.children.get(point) else []
        found += [Mark.HEAD] if point == tree.head_id else []
        found += [Mark.CHOSEN] if point in telling.chosen else []
        return frozenset(found)


def _row(
    tree: Tree,
    marker: _Marker,
    opened: Collection[Span],
    branch: Branch,
    points: Sequence[CheckpointId],
) -> Row:
    first = points[0]
    return Row(
        branch=branch.number,
        is_current=branch.is_current and points is tree.path,
        elements=tuple(_fold(tree, marker, opened, points)),
        from_id=tree.parents[first],
        is_cut=tree.parents[first] is None and tree.entries[first].parent_id is not None,
    )


def _fold(
    tree: Tree, marker: _Marker, opened: Collection[Span], points: Sequence[CheckpointId]
) -> Iterator[Element]:
    plain: list[CheckpointId] = []
    for point in points:
        marks = marker.read(point)
        if not marks:
            plain.append(point)
            continue
        yield from _open(tree, opened, plain)
        plain = []
        yield _element(tree, [point], marks)
    yield from _open(tree, opened, plain)


def _open(
    tree: Tree, opened: Collection[Span], points: Sequence[CheckpointId]
) -> Iterator[Element]:
    """A run of plain points as one fold, or opened as far as it was asked for."""
    if len(points) < MIN_FOLD_COUNT:
        yield from (_element(tree, [point]) for point in points)
    elif (points[0], points[-1]) not in opened:
        yield _element(tree, points)
    elif len(points) <= MAX_OPEN_COUNT:
        yield from (_element(tree, [point]) for point in points)
    else:
        size = -(-len(points) // MAX_OPEN_COUNT)
        for start in range(0, len(points), size):
            yield from _open(tree, opened, points[start : start + size])


def _element(
    tree: Tree, points: Sequence[CheckpointId], marks: frozenset[Mark] = frozenset()
) -> Element:
    first, last = tree.entries[points[0]], tree.entries[points[-1]]
    return Element(
        first_id=first.checkpoint_id,
        last_id=last.checkpoint_id,
        count=len(points),
        first_step=first.step,
        last_step=last.step,
        started_at=first.created_at,
        ended_at=last.created_at,
        branch=tree.branch_of[first.checkpoint_id],
        marks=marks,
    )


def _place(rows: Sequence[Row]) -> Layout:
    """Give each element its column in the order of time, and each row where it leaves from."""
    ordered = sorted(element.first_id for row in rows for element in row.elements)
    columns = {first_id: column for column, first_id in enumerate(ordered)}
    placed = [
        replace(row, elements=tuple(replace(e, column=columns[e.first_id]) for e in row.elements))
        for row in rows
    ]
    # A point that something leaves from is a fork, and those are never folded.
    leaving = (columns.get(row.from_id) if row.from_id is not None else None for row in placed)
    return Layout(
        rows=tuple(replace(r, from_column=at) for r, at in zip(placed, leaving, strict=True)),
        columns_count=len(ordered),
    )
