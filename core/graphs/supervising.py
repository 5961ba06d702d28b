"""
Put a workflow's policies onto a copy of its graph, subgraphs included (facts langgraph section 5).

The user's objects are never changed, and a node that no policy speaks of stays the very same object,
LangGraph's defaults included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from langgraph.pregel._read import PregelNode
from langgraph.types import CachePolicy

from interlock.core.graphs.guarding import Place
from interlock.core.graphs.places import AnyGraph
from interlock.core.graphs.preparing import copy_graph
from interlock.core.graphs.supervising_attempts import (
    NEVER,
    Supervised,
    SupervisedNode,
    Supervision,
)
from interlock.core.graphs.supervising_fallbacks import Stand, build_fallbacks
from interlock.core.graphs.supervising_tools import supervise_tools
from interlock.core.graphs.supervising_tries import limit_of
from interlock.core.model.policies import NodePolicy, WorkflowPolicy

INTERNAL = "__"  # nodes of LangGraph's own
MAX_DEPTH = 20  # graphs within graphs


def supervise(graph: AnyGraph, supervision: Supervision) -> dict[str, Any]:
    """
    What has to be different in a copy of a graph for its policies to hold.

    Args:
        graph: The user's graph, which is not changed.
        supervision: The run, its workflow's policy and what stands around nodes.

    Returns:
        An update for `preparing.prepare`; empty where no policy has anything to do.
    """
    policy = supervision.policy
    update: dict[str, Any] = {}
    if policy.node or policy.default is not None:
        walk = _Walk(supervision)
        nodes = walk.supervise_nodes(graph, "", depth=0)
        if nodes:
            update["nodes"] = {**graph.nodes, **nodes}
        caches = supervision.hooks.caches
        if caches is not None and walk.has_cached:
            cache = caches.open(policy, supervision.run, supervision.notes, graph.cache)
            update |= {} if cache is None else {"cache": cache}
    if policy.step_s is not None:
        update["step_timeout"] = policy.step_s
    return update


def list_paths(graph: AnyGraph) -> tuple[str, ...]:
    """
    The paths of all nodes that a policy can be put on.

    Nodes of graphs that a function or a tool calls by itself are not among them: nothing outside of
    the user's code stands between them and their caller.
    """
    return tuple(_list_paths(graph, "", 0))


def _list_paths(graph: AnyGraph, prefix: str, depth: int) -> Iterator[str]:
    for name, node in graph.nodes.items():
        if _is_users(name, node):
            yield f"{prefix}{name}"
        if isinstance(node.bound, Pregel) and depth < MAX_DEPTH:
            yield from _list_paths(node.bound, f"{prefix}{name}/", depth + 1)


def asks_on_failure(policy: WorkflowPolicy, path: str | None) -> bool:
    """
    Whether a human is asked when a node fails for good.

    Its own policy says so, or that of a graph it is in, or the workflow's. `path` None is for a
    failure of no node.
    """
    parts = path.split("/") if path else []
    around = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    named = [policy.node[each] for each in around if each in policy.node]
    if path not in policy.node and policy.default is not None:
        named.append(policy.default)
    return policy.on_failure == "ask" or any(each.on_failure == "ask" for each in named)


class _Walk:
    def __init__(self, supervision: Supervision) -> None:
        self._shared = supervision
        self.has_cached = False

    def supervise_nodes(self, graph: AnyGraph, prefix: str, *, depth: int) -> dict[str, PregelNode]:
        """The nodes of a graph that are different under its policies."""
        found = {}
        for name, node in graph.nodes.items():
            if not _is_users(name, node):
                continue
            changed = self._supervise_node(graph, node, f"{prefix}{name}", depth)
            if changed is not node:
                found[name] = changed
        return found

    def _supervise_node(
        self, graph: AnyGraph, node: PregelNode, path: str, depth: int
    ) -> PregelNode:
        update = self._update_bound(node, path, depth)
        policy = self._policy_of(node, path)
        if policy is None:
            return node.copy(update) if update else node
        place = Place(workflow=self._shared.run.workflow, path=path, policy=policy)
        cache_policy = self._cache_policy(place)
        if cache_policy is not None:
            update["cache_policy"] = cache_policy
        guards = [g for g in self._shared.hooks.guards if g.covers(place)]
        is_counted = cache_policy is not None  # what it costs is kept with its result
        own_retry = _own_retry(graph, node)
        has_effects = self._has_effects(path, policy)
        is_tried = policy.retry or (own_retry and has_effects)
        if not (guards or is_tried or policy.timeout or policy.fallback or is_counted):
            return node.copy(update) if update else node
        copied = node.copy({**update, "retry_policy": NEVER, "timeout": None})
        if copied.node is None:
            return node
        of = Supervised(
            node=copied,
            place=place,
            policy=policy,
            shared=self._shared,
            guards=guards,
            fallbacks=build_fallbacks(
                graph,
                copied,
                policy.fallback,
                lambda name, other: self._stand_of(other, _beside(path, name), depth),
            ),
            own_retry=own_retry,
            own_timeout=node.timeout,
            asks=policy.on_failure == "ask",
            has_effects=has_effects,
        )
        # What LangGraph runs for a task, which it would make itself when first asked for it.
        vars(copied)["node"] = SupervisedNode(copied.node, of)
        return copied

    def _stand_of(self, node: PregelNode, path: str, depth: int) -> Stand:
        """What stands around a node that serves in another one's place: all that bounds a try of it."""
        update = self._update_bound(node, path, depth)
        policy = self._policy_of(node, path) or NodePolicy()
        place = Place(workflow=self._shared.run.workflow, path=path, policy=policy)
        return Stand(
            node=node.copy(update) if update else node,
            place=place,
            guards=[g for g in self._shared.hooks.guards if g.covers(place)],
            limit=limit_of(policy, node.timeout),
        )

    def _update_bound(self, node: PregelNode, path: str, depth: int) -> dict[str, Any]:
        """A nested graph, or a tool node, under the policies of what is in it."""
        if isinstance(node.bound, Pregel):
            if depth >= MAX_DEPTH:
                return {}
            nodes = self.supervise_nodes(node.bound, f"{path}/", depth=depth + 1)
            if not nodes:
                return {}
            changed = {"nodes": {**node.bound.nodes, **nodes}, **self._cache_of(node.bound, nodes)}
            inner = copy_graph(node.bound, changed)
            subgraphs = [inner if each is node.bound else each for each in node.subgraphs]
            return {"bound": inner, "subgraphs": subgraphs}
        if isinstance(node.bound, ToolNode):
            tools = supervise_tools(node.bound, path, self._tools_of(path), self._shared)
            return {} if tools is node.bound else {"bound": tools}
        return {}

    def _cache_of(self, graph: AnyGraph, nodes: Mapping[str, PregelNode]) -> dict[str, Any]:
        """The cache of a nested graph that has cached nodes: LangGraph hands none down to it."""
        shared, caches = self._shared, self._shared.hooks.caches
        is_cached = any(n.cache_policy is not graph.nodes[k].cache_policy for k, n in nodes.items())
        if caches is None or not is_cached:
            return {}
        cache = caches.open(shared.policy, shared.run, shared.notes, graph.cache)
        return {} if cache is None else {"cache": cache}

    def _tools_of(self, path: str) -> Mapping[str, Any]:
        policy = self._shared.policy.node.get(path, self._shared.policy.default)
        return policy.tool if policy is not None else {}

    def _policy_of(self, node: PregelNode, path: str) -> NodePolicy | None:
        """A node's own policy; the default is for what does the work, not for the graphs around it."""
        own = self._shared.policy.node.get(path)
        if own is not None:
            return own
        return None if isinstance(node.bound, Pregel) else self._shared.policy.default

    def _has_effects(self, path: str, policy: NodePolicy) -> bool:
        """Whether it does something outside: it, one of its tools, or a node within it."""
        within = [p for name, p in self._shared.policy.node.items() if name.startswith(f"{path}/")]
        return any(
            each.side_effects or any(tool.side_effects for tool in each.tool.values())
            for each in (policy, *within)
        )

    def _cache_policy(self, place: Place) -> CachePolicy[Any] | None:
        caches = self._shared.hooks.caches
        policy = caches.policy_for(place, self._shared.run) if caches is not None else None
        self.has_cached |= policy is not None
        return policy


def _beside(path: str, name: str) -> str:
    """The path of another node of the same graph."""
    around, _, _ = path.rpartition("/")
    return f"{around}/{name}" if around else name


def _own_retry(graph: AnyGraph, node: PregelNode) -> Any:
    """LangGraph's own for this node: where it has none, the graph's."""
    return node.retry_policy or graph.retry_policy or ()


def _is_users(name: str, node: PregelNode) -> bool:
    return not name.startswith(INTERNAL) and not node.is_error_handler
