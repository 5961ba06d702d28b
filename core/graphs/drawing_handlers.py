"""Error handlers in a drawing: LangGraph would draw them without an edge, under names of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langgraph.pregel import Pregel

from interlock.core.types import Json

LABEL = "error handler"

_Graph = Pregel[Any, Any, Any, Any]
_Drawn = Mapping[str, Json]


def put_handlers(
    nodes: Sequence[_Drawn], edges: Sequence[_Drawn], graph: _Graph
) -> dict[str, Json]:
    """
    Put the handlers into a drawing without them: to each leads what it stands for.

    Args:
        nodes: As drawn.
        edges: As drawn.
        graph: What is drawn.

    Returns:
        The drawing. A handler has `paths`: a run of it is recorded beneath the node that failed.
    """
    served: dict[str, list[str]] = {}
    drawn = {str(node["id"]) for node in nodes}
    for path, handler in _find(graph, "", frozenset()):
        if path in drawn:
            served.setdefault(handler, []).append(path)
    handlers = [
        {
            "id": handler,
            "label": LABEL,
            "kind": "node",
            "paths": [_beneath(p, handler) for p in paths],
        }
        for handler, paths in served.items()
    ]
    led = [
        {"source": source, "target": handler, "label": "", "conditional": True}
        for handler, paths in served.items()
        for path in paths
        for source in _leaving(path, nodes, edges)
    ]
    return {"nodes": [*nodes, *handlers], "edges": [*edges, *led]}


def _find(graph: _Graph, path: str, around: frozenset[int]) -> Iterator[tuple[str, str]]:
    """Each node that has a handler, and the handler, by their paths."""
    if id(graph) in around:
        return
    before = f"{path}/" if path else ""
    for name, handler in (graph.node_error_handler_map or {}).items():
        yield before + name, before + handler
    for name, node in graph.nodes.items():
        for part in node.subgraphs:
            if isinstance(part, Pregel):
                yield from _find(part, before + name, around | {id(graph)})


def _beneath(path: str, handler: str) -> str:
    return f"{path}/{handler.rpartition('/')[2]}"


def _leaving(path: str, nodes: Sequence[_Drawn], edges: Sequence[_Drawn]) -> list[str]:
    """The node itself; of a frame around nodes, which no edge touches, those that it is left from."""
    within = [
        str(n["id"])
        for n in nodes
        if str(n["id"]).startswith(f"{path}/") and n["kind"] != "subgraph"
    ]
    ends = [str(e["source"]) for e in edges if e["source"] in within and e["target"] not in within]
    return list(dict.fromkeys(ends or within[-1:] or [path]))
