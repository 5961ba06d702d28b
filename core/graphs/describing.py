"""Describe a graph for the screens: schemas, nodes, and its drawing as JSON."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from langchain_core.runnables import RunnablePassthrough
from langchain_core.runnables.graph import Graph
from langgraph.pregel import Pregel

from interlock.core.graphs.drawing_handlers import put_handlers
from interlock.core.graphs.projection import to_json
from interlock.core.graphs.schemas import (
    describe_context,
    describe_input,
    describe_state,
    lift_root,
)
from interlock.core.graphs.tools import describe_tools
from interlock.core.graphs.ways import describe_ways, find_limit
from interlock.core.model.workflows import Workflow
from interlock.core.types import Json

START, END = "__start__", "__end__"
MAX_SCHEMA_BYTES = 500_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Edge:
    source: str
    target: str
    label: str
    conditional: bool


def describe(
    name: str, description: str, graph: Pregel[Any, Any, Any, Any], now: datetime
) -> Workflow:
    """Describe a compiled graph; what cannot be described is left out, not an error."""
    drawing = draw(graph)
    _mark(drawing["nodes"], graph)
    return Workflow(
        name=name,
        description=description,
        nodes=tuple(
            node["id"] for node in drawing["nodes"] if node["kind"] in {"node", "subgraph"}
        ),
        graph=drawing | {"ways": describe_ways(graph), "recursion_limit": find_limit(graph)},
        input_schema=_plain(describe_input(graph)),
        context_schema=_plain(describe_context(graph)),
        state_schema=_plain(describe_state(graph)),
        channels=list_channels(graph),
        tools=describe_tools(graph),
        error=None,
        published_at=now,
    )


def describe_failure(name: str, description: str, error: str, now: datetime) -> Workflow:
    """Describe a graph that did not load: its name, and why."""
    return Workflow(
        name=name,
        description=description,
        nodes=(),
        graph={"nodes": [], "edges": []},
        input_schema=None,
        context_schema=None,
        state_schema=None,
        channels=(),
        error=error,
        published_at=now,
    )


def _mark(drawn: Iterable[dict[str, Json]], graph: Pregel[Any, Any, Any, Any]) -> None:
    """Say of drawn nodes which have a cache of the graph's own, and which graphs remember by themselves."""
    kinds = {path: (has_cache, part) for path, has_cache, part in _walk(graph, "", frozenset())}
    for node in drawn:
        has_cache, part = kinds.get(node["id"], (False, None))
        if has_cache:
            node["has_cache"] = True
        if part is not None and part.checkpointer is True:
            node["remembers"] = True


def _walk(
    graph: Pregel[Any, Any, Any, Any], path: str, around: frozenset[int]
) -> Iterator[tuple[str, bool, Pregel[Any, Any, Any, Any] | None]]:
    """Every node by its path: whether it has a cache policy, and the graph that it is."""
    if id(graph) in around:
        return
    for name, node in graph.nodes.items():
        inside = f"{path}/{name}" if path else name
        parts = [part for part in node.subgraphs if isinstance(part, Pregel)]
        yield inside, bool(node.cache_policy or graph.cache_policy), parts[0] if parts else None
        for part in parts:
            yield from _walk(part, inside, around | {id(graph)})


def name_nodes(graph: Pregel[Any, Any, Any, Any]) -> frozenset[str]:
    """The paths of a graph's nodes and of those nested in it, whether or not an edge leads to them."""
    return frozenset(_name_nodes(graph, "", frozenset()))


def _name_nodes(
    graph: Pregel[Any, Any, Any, Any], path: str, around: frozenset[int]
) -> Iterator[str]:
    if id(graph) in around:
        return
    for name, node in graph.nodes.items():
        if name in {START, END}:
            continue
        inside = f"{path}/{name}" if path else name
        yield inside
        for part in node.subgraphs:
            if isinstance(part, Pregel):
                yield from _name_nodes(part, inside, around | {id(graph)})


def list_channels(graph: Pregel[Any, Any, Any, Any]) -> tuple[str, ...]:
    """The names of the state's fields, without LangGraph's own channels."""
    return tuple(name for name in graph.stream_channels_list if not name.startswith("__"))


def draw(graph: Pregel[Any, Any, Any, Any]) -> dict[str, Json]:
    """
    The graph as JSON, nested graphs drawn in place; ids are node paths ("team/researcher").

    A nested graph is a node of kind "subgraph" that no edge touches: it frames the nodes whose ids
    start with its own. The start and end of nested graphs are left out, their edges joined.
    To an error handler leads what it stands for.
    """
    drawn = _draw(graph)
    edges = _join_nested(_read_edges(drawn))
    ids = [_path(node_id) for node_id in drawn.nodes]
    shown = [node_id for node_id in ids if not _is_nested_border(node_id)]
    return put_handlers(
        [*_frames(shown), *({"id": i, "label": _label(i), "kind": _kind(i)} for i in shown)],
        [
            {
                "source": edge.source,
                "target": edge.target,
                "label": edge.label,
                "conditional": edge.conditional,
            }
            for edge in edges
        ],
        graph,
    )


def _draw(graph: Pregel[Any, Any, Any, Any]) -> Graph:
    try:
        return _to_draw(graph).get_graph(xray=True)
    except Exception as exc:  # a drawing runs the user's reducers, and lazy code of nested graphs
        logger.warning("graph_not_drawn", exc_info=exc, extra={"graph": graph.name})
    try:
        return _to_draw(graph).get_graph()
    except Exception:  # noqa: BLE001 - told above; it can be run all the same
        drawn = Graph()
        for name in _to_draw(graph).nodes:
            drawn.add_node(RunnablePassthrough(), name)
        return drawn


def _to_draw(graph: Pregel[Any, Any, Any, Any]) -> Pregel[Any, Any, Any, Any]:
    # LangGraph draws by walking an empty state, on which a cache's key function is called too. To an
    # error handler it knows no edge, and what has several ends it draws as one node, not as a graph.
    nodes = {
        name: node.copy(
            {
                "cache_policy": None,
                "subgraphs": [
                    _to_draw(part) if isinstance(part, Pregel) else part for part in node.subgraphs
                ],
            }
        )
        for name, node in graph.nodes.items()
        if not node.is_error_handler
    }
    return graph.copy({"nodes": nodes})


def _read_edges(drawn: Graph) -> list[_Edge]:
    return [
        _Edge(
            _path(edge.source),
            _path(edge.target),
            "" if edge.data is None else str(edge.data),
            edge.conditional,
        )
        for edge in drawn.edges
    ]


def _join_nested(edges: list[_Edge]) -> list[_Edge]:
    while True:
        border = next(
            (e.target for e in edges if _is_nested_border(e.target)),
            next((e.source for e in edges if _is_nested_border(e.source)), None),
        )
        if border is None:
            return list(dict.fromkeys(edges))
        arriving = [e for e in edges if e.target == border and e.source != border]
        leaving = [e for e in edges if e.source == border and e.target != border]
        edges = [e for e in edges if border not in {e.source, e.target}] + [
            _Edge(a.source, b.target, a.label or b.label, a.conditional or b.conditional)
            for a in arriving
            for b in leaving
        ]


def _frames(ids: Iterable[str]) -> list[Mapping[str, Json]]:
    frames: dict[str, Mapping[str, Json]] = {}
    known = set(ids)
    for node_id in ids:
        parts = node_id.split("/")
        for depth in range(1, len(parts)):
            path = "/".join(parts[:depth])
            if path not in known:
                frames[path] = {"id": path, "label": parts[depth - 1], "kind": "subgraph"}
    return list(frames.values())


def _path(node_id: str) -> str:
    return node_id.replace(":", "/")


def _is_nested_border(node_id: str) -> bool:
    return "/" in node_id and node_id.rpartition("/")[2] in {START, END}


def _kind(node_id: str) -> str:
    return {START: "start", END: "end"}.get(node_id, "node")


def _label(node_id: str) -> str:
    return {START: "start", END: "end"}.get(node_id, node_id.rpartition("/")[2])


def _plain(schema: Json) -> Json:
    return None if schema is None else to_json(lift_root(schema), max_bytes=MAX_SCHEMA_BYTES)
