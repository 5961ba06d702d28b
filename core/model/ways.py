"""
Where a graph's nodes lead, and whether each way ends: from what a worker published of it.

A way that a node chooses by itself, with a `Command` that nothing declares, is not among them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from interlock.core.types import Json

START, END = "__start__", "__end__"


@dataclass(frozen=True)
class Way:
    """`to` is always next, `may` is chosen there; a choice that `is_open` may lead anywhere."""

    to: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    is_open: bool = False

    @property
    def ends_here(self) -> bool:
        """Whether nothing leads on from there, which ends the way."""
        return not (self.to or self.may or self.is_open)


@dataclass(frozen=True, kw_only=True)
class Loop:
    """Nodes that lead back to one another, and those of them where it is left."""

    nodes: tuple[str, ...]
    left_at: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Ends:
    """
    Whether the ways through one graph end; all names are nodes of it.

    `endless` lead to themselves whatever is chosen, `trapped` never come to an end, `unreached` are
    led to by nothing that is declared, `open_` choose without naming their ends. `fewest_steps` is
    the shortest way to an end, None if there is none.
    """

    endless: tuple[str, ...]
    trapped: tuple[str, ...]
    unreached: tuple[str, ...]
    open_: tuple[str, ...]
    loops: tuple[Loop, ...]
    fewest_steps: int | None


@dataclass(frozen=True)
class _Graph:
    ways: Mapping[str, Way]
    nodes: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        named = {node for way in self.ways.values() for node in way.to | way.may}
        object.__setattr__(self, "nodes", frozenset(self.ways) | named | {END})

    def next_of(self, node: str) -> frozenset[str]:
        if node == END:
            return frozenset()
        way = self.ways.get(node, Way())
        anywhere = self.nodes - {START} if way.is_open else frozenset()
        return way.to | way.may | anywhere | ({END} if way.ends_here else frozenset())

    def always_of(self, node: str) -> frozenset[str]:
        return self.ways.get(node, Way()).to


def read_ways(published: Json) -> dict[str, dict[str, Way] | None]:
    """What is published of a workflow's ways, by the path of each graph; None for one that is code alone."""
    if not isinstance(published, Mapping):
        return {}
    return {path: None if ways is None else _read(ways) for path, ways in published.items()}


def _read(ways: Mapping[str, Json]) -> dict[str, Way]:
    return {
        node: Way(frozenset(way["to"]), frozenset(way["may"]), bool(way["open"]))
        for node, way in ways.items()
    }


def find_ends(ways: Mapping[str, Way]) -> Ends:
    """Look at all ways through one graph."""
    graph = _Graph(ways)
    depths = _walk(graph, START)
    reached = {node for node in depths if node not in {START, END}}
    beyond = {node: frozenset(_walk(graph, node)) for node in reached}
    return Ends(
        endless=_sorted(n for n in reached if _is_endless(graph, n)),
        trapped=_sorted(n for n in reached if END not in beyond[n]),
        unreached=_sorted(n for n in ways if n not in depths and n != START),
        open_=_sorted(n for n, way in ways.items() if way.is_open),
        loops=_find_loops(graph, beyond),
        fewest_steps=depths[END] - 1 if END in depths else None,
    )


def _walk(graph: _Graph, start: str) -> dict[str, int]:
    """Every node that a way leads to from there, with the steps of the shortest one."""
    depths = {start: 0}
    edge = [start]
    while edge:
        found = {n for node in edge for n in graph.next_of(node)} - set(depths)
        depth = depths[edge[0]] + 1
        depths |= dict.fromkeys(found, depth)
        edge = sorted(found)
    return depths


def _is_endless(graph: _Graph, node: str) -> bool:
    """Whether the node leads back to itself by what is always next."""
    seen: set[str] = set()
    edge = set(graph.always_of(node))
    while edge:
        seen |= edge
        edge = {n for each in edge for n in graph.always_of(each)} - seen
    return node in seen


def _find_loops(graph: _Graph, beyond: Mapping[str, Collection[str]]) -> tuple[Loop, ...]:
    loops: list[Loop] = []
    placed: set[str] = set()
    for node in sorted(beyond):
        together = {n for n in beyond[node] if n in beyond and node in beyond[n]}
        if node in placed or (len(together) == 1 and node not in graph.next_of(node)):
            continue
        placed |= together
        left_at = [n for n in together if graph.next_of(n) - together]
        loops.append(Loop(nodes=_sorted(together), left_at=_sorted(left_at)))
    return tuple(loops)


def _sorted(nodes: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(nodes))
