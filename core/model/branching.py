"""
The tree of a thread's checkpoints, from the rows of its index (law 6: no state value is looked at).

LangGraph knows no branches: a fork is a second child of a checkpoint, and the head is the newest
checkpoint of all (measured). Odd rows, as of parents that were pruned, are told and never a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.model.threads import CheckpointEntry
from interlock.core.types import CheckpointId


@dataclass(frozen=True, kw_only=True)
class Branch:
    """
    A line of checkpoints, oldest first: each the first child of the one before it.

    `number` is the one of the index. `from_id` is the point it leaves from, which is another
    branch's; None if it begins a thread, or if its beginning `is_cut`: the checkpoint before it is
    not among the rows, because it was pruned or is beyond the page (`from_id` then names it).
    """

    number: int
    ids: tuple[CheckpointId, ...]
    from_id: CheckpointId | None
    is_cut: bool
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Tree:
    """
    The checkpoints of a thread, oldest first, and how they hang together.

    `branches`: the current one, which holds the head, first, then those that were left last.
    `path` leads from the first known checkpoint to the head, both included. `missing` are parents
    that are not among the rows. `broken` are checkpoints whose parents lead back to themselves.
    """

    entries: Mapping[CheckpointId, CheckpointEntry]
    parents: Mapping[CheckpointId, CheckpointId | None]
    children: Mapping[CheckpointId, tuple[CheckpointId, ...]]
    branches: tuple[Branch, ...]
    branch_of: Mapping[CheckpointId, int]
    path: tuple[CheckpointId, ...]
    missing: tuple[CheckpointId, ...]
    broken: tuple[CheckpointId, ...]

    @property
    def head_id(self) -> CheckpointId | None:
        """The newest checkpoint; None of a thread that has none."""
        return self.path[-1] if self.path else None

    @property
    def forks(self) -> tuple[CheckpointId, ...]:
        """The points from which more than one branch goes on, oldest first."""
        return tuple(point for point in self.entries if len(self.children.get(point, ())) > 1)

    def path_to(self, point: CheckpointId) -> tuple[CheckpointId, ...]:
        """The checkpoints that led to a point, oldest first, itself included."""
        found: list[CheckpointId] = []
        at: CheckpointId | None = point if point in self.entries else None
        while at is not None:
            found.append(at)
            at = self.parents[at]
        return tuple(reversed(found))

    def path_after(self, point: CheckpointId) -> tuple[CheckpointId, ...]:
        """
        The checkpoints after a point, oldest first: those to the head, or else to its newest end.

        From a point off the current path it is the way that went on last.
        """
        if point not in self.entries:
            return ()
        if point in (path := self.path):
            return path[path.index(point) + 1 :]
        ends: list[CheckpointId] = []
        to_see = [point]
        while to_see:
            at = to_see.pop()
            onward = self.children.get(at, ())
            to_see += onward
            ends += [] if onward else [at]
        whole = self.path_to(max(ends))
        return whole[whole.index(point) + 1 :]

    def is_on_path(self, point: CheckpointId) -> bool:
        """Whether the head goes on from a point, or is it."""
        return point in self.path

    def is_end(self, point: CheckpointId) -> bool:
        """Whether nothing goes on from a point."""
        return point in self.entries and not self.children.get(point)


def grow(rows: Iterable[CheckpointEntry]) -> Tree:
    """
    Build the tree; linear in the rows but for sorting them.

    Args:
        rows: Of one thread, in any order; of two with one id the first counts.
    """
    known: dict[CheckpointId, CheckpointEntry] = {}
    for row in rows:
        known.setdefault(row.checkpoint_id, row)
    entries = {point: known[point] for point in sorted(known)}
    parents, broken = _find_parents(entries)
    children = _find_children(parents)
    chains = _cut_into_chains(entries, parents, children)
    path = _walk_back(parents, max(entries)) if entries else ()
    branches = _name(chains, entries, path)
    return Tree(
        entries=entries,
        parents=parents,
        children=children,
        branches=branches,
        branch_of={point: b.number for b in branches for point in b.ids},
        path=path,
        missing=_find_missing(entries),
        broken=broken,
    )


def _find_parents(
    entries: Mapping[CheckpointId, CheckpointEntry],
) -> tuple[dict[CheckpointId, CheckpointId | None], tuple[CheckpointId, ...]]:
    """The known parent of each, and where a circle of parents was cut open: at its oldest."""
    parents = {
        point: entry.parent_id if entry.parent_id in entries else None
        for point, entry in entries.items()
    }
    seen_from: dict[CheckpointId, CheckpointId] = {}
    broken: list[CheckpointId] = []
    for start in entries:
        at: CheckpointId | None = start
        while at is not None and at not in seen_from:
            seen_from[at] = start
            at = parents[at]
        if at is not None and seen_from[at] == start:
            # Walked from the oldest on, so `start` is the oldest of those that lead to the circle.
            oldest = min(_circle(parents, at))
            parents[oldest] = None
            broken.append(oldest)
    return parents, tuple(broken)


def _circle(
    parents: Mapping[CheckpointId, CheckpointId | None], start: CheckpointId
) -> list[CheckpointId]:
    found, at = [start], parents[start]
    while at is not None and at != start:
        found.append(at)
        at = parents[at]
    return found


def _find_children(
    parents: Mapping[CheckpointId, CheckpointId | None],
) -> dict[CheckpointId, tuple[CheckpointId, ...]]:
    found: dict[CheckpointId, list[CheckpointId]] = {}
    for point, parent in parents.items():
        if parent is not None:
            found.setdefault(parent, []).append(point)
    return {parent: tuple(points) for parent, points in found.items()}


def _find_missing(
    entries: Mapping[CheckpointId, CheckpointEntry],
) -> tuple[CheckpointId, ...]:
    named = (entry.parent_id for entry in entries.values())
    return tuple(sorted({p for p in named if p is not None and p not in entries}))


def _walk_back(
    parents: Mapping[CheckpointId, CheckpointId | None], point: CheckpointId
) -> tuple[CheckpointId, ...]:
    found: list[CheckpointId] = []
    at: CheckpointId | None = point
    while at is not None:
        found.append(at)
        at = parents[at]
    return tuple(reversed(found))


def _cut_into_chains(
    entries: Mapping[CheckpointId, CheckpointEntry],
    parents: Mapping[CheckpointId, CheckpointId | None],
    children: Mapping[CheckpointId, tuple[CheckpointId, ...]],
) -> list[list[CheckpointId]]:
    """The first child of a point goes on with its branch, any later one starts another."""
    chains: list[list[CheckpointId]] = []
    for start in entries:
        parent = parents[start]
        if parent is not None and children[parent][0] == start:
            continue
        chain, at = [start], children.get(start, ())
        while at:
            chain.append(at[0])
            at = children.get(at[0], ())
        chains.append(chain)
    return chains


def _name(
    chains: Sequence[list[CheckpointId]],
    entries: Mapping[CheckpointId, CheckpointEntry],
    path: Sequence[CheckpointId],
) -> tuple[Branch, ...]:
    """Number the branches as the index does; one whose number is taken gets the next free one."""
    head = path[-1] if path else None
    taken: set[int] = set()
    free = max((entry.branch for entry in entries.values()), default=-1) + 1
    found: list[Branch] = []
    for chain in chains:
        first = entries[chain[0]]
        number = first.branch
        if number in taken:
            number, free = free, free + 1
        taken.add(number)
        parent_id = first.parent_id
        found.append(
            Branch(
                number=number,
                ids=tuple(chain),
                from_id=parent_id,
                is_cut=parent_id is not None and parent_id not in entries,
                is_current=head in chain,
            )
        )
    return tuple(sorted(found, key=lambda b: (b.is_current, b.ids[-1]), reverse=True))
