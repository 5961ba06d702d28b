"""Where each node of a graph may lead, as its builder has it: a drawing puts an end even to what has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel

from interlock.core.types import Json

_Graph = Pregel[Any, Any, Any, Any]


@dataclass
class _Way:
    to: set[str] = field(default_factory=set)
    may: set[str] = field(default_factory=set)
    is_open: bool = False


def describe_ways(graph: _Graph) -> dict[str, Json]:
    """
    What `model.workflow_checks` reads: the graph and those nested in it.

    Returns:
        By the path of each graph ("" for the outermost), its nodes with `to` (always next), `may`
        (chosen there) and `open` (whether a choice names no ends, so that it may lead anywhere); None
        for a graph whose ways stand in the code alone, as those of an entrypoint.
    """
    return dict(_walk(graph, "", frozenset()))


def find_limit(graph: _Graph) -> int | None:
    """The recursion limit that the graph brings with it."""
    found = (graph.config or {}).get("recursion_limit")
    return int(found) if found is not None else None


def _walk(graph: _Graph, path: str, around: frozenset[int]) -> Iterator[tuple[str, Json]]:
    if id(graph) in around:
        return
    yield path, _read(graph) if isinstance(graph, CompiledStateGraph) else None
    for name, node in graph.nodes.items():
        for part in node.subgraphs:
            if isinstance(part, Pregel):
                inside = f"{path}/{name}" if path else name
                yield from _walk(part, inside, around | {id(graph)})


def _read(graph: CompiledStateGraph[Any, Any, Any, Any]) -> Json:
    builder = graph.builder
    ways: defaultdict[str, _Way] = defaultdict(_Way)
    for name, node in builder.nodes.items():
        ways[name].may |= {*(node.ends or ()), *filter(None, [node.error_handler_node])}
    joined = {(source, target) for several, target in builder.waiting_edges for source in several}
    for source, target in builder.edges | joined:
        ways[source].to.add(target)
    for source, branches in builder.branches.items():
        for branch in branches.values():
            ways[source].may |= set((branch.ends or {}).values())
            ways[source].is_open |= branch.ends is None
    return {
        name: {"to": sorted(way.to), "may": sorted(way.may), "open": way.is_open}
        for name, way in ways.items()
    }
