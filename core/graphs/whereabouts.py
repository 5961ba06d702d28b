"""Which node the code that runs now belongs to, for the lines that it logs."""

from __future__ import annotations

from langchain_core.runnables.config import var_child_runnable_config

from interlock.core.graphs.namespaces import path_of


def current_node() -> dict[str, str]:
    """The path of the node that is running here; nothing outside of one. Costs no search."""
    config = var_child_runnable_config.get()
    if not config:
        return {}
    metadata = config.get("metadata") or {}
    namespace = metadata.get("langgraph_checkpoint_ns") or metadata.get("checkpoint_ns")
    if isinstance(namespace, str) and namespace:
        return {"node": path_of(namespace)}
    node = metadata.get("langgraph_node")
    return {"node": node} if isinstance(node, str) else {}
