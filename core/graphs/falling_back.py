"""Letting the fallback of a failed node serve, as a human decided: its failed tasks are not tried again."""

from __future__ import annotations

from langchain_core.runnables import RunnableConfig
from langgraph.pregel import Pregel
from langgraph.pregel._read import PregelNode

from interlock.core.errors import InvalidInput
from interlock.core.graphs.places import AnyGraph
from interlock.core.graphs.skipping import find_failed_ids
from interlock.core.graphs.supervising_attempts import SupervisedNode


async def order_fallback(graph: AnyGraph, config: RunnableConfig, path: str) -> None:
    """
    Have the failed tasks of a node served by its fallback when the graph goes on.

    Args:
        graph: The graph as it is run, under its policies.
        config: The thread.
        path: The node, "team/writer" inside a subgraph.

    Raises:
        InvalidInput: Its policy has no fallback any more; trying the node again was not decided.
    """
    node = _find(graph, path)
    runs = None if node is None else vars(node).get("node")
    if not isinstance(runs, SupervisedNode) or not runs.has_fallback:
        raise InvalidInput(f"The policy of {path} has no fallback any more; decide anew.")
    runs.order_fallback(find_failed_ids(await graph.aget_state(config, subgraphs=True), path))


def _find(graph: AnyGraph, path: str) -> PregelNode | None:
    if path in graph.nodes:
        return graph.nodes[path]
    for name, node in graph.nodes.items():
        if path.startswith(f"{name}/") and isinstance(node.bound, Pregel):
            found = _find(node.bound, path.removeprefix(f"{name}/"))
            if found is not None:
                return found
    return None
