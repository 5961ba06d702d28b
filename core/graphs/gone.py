"""
What a thread waits before that its graph does not have any more: it was deployed anew under it.

LangGraph drops what it does not know without a word: such a thread reads as finished (measured on 1.2).
So what is due is told from what the checkpoint itself holds, as LangGraph names its channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langgraph.checkpoint.base import Checkpoint
from langgraph.pregel import Pregel
from langgraph.types import Send

AnyGraph = Pregel[Any, Any, Any, Any]

_EDGE = "branch:to:"  # of an edge or a branch; the node follows
_JOIN = "join:"  # of several edges that wait for each other: their starts with +, then the node
_SENDS = "__pregel_tasks"


def name_waiting(checkpoint: Checkpoint) -> frozenset[str]:
    """The nodes that a checkpoint leads to and that have not ended, whatever graph reads it."""
    values, versions = checkpoint["channel_values"], checkpoint["channel_versions"]
    names = set()
    for channel, value in values.items():
        node = _target_of(channel, value)
        if node is None:
            continue
        seen = checkpoint["versions_seen"].get(node, {}).get(channel)
        if seen is None or versions[channel] > seen:  # type: ignore[operator]  # of one kind
            names.add(node)
    names.update(send.node for send in values.get(_SENDS) or () if isinstance(send, Send))
    return frozenset(names)


def _target_of(channel: str, value: Any) -> str | None:
    if channel.startswith(_EDGE):
        return channel.removeprefix(_EDGE)
    if not channel.startswith(_JOIN):
        return None
    starts, _, node = channel.removeprefix(_JOIN).rpartition(":")
    # Others than a set of names: a graph of the user's own has a channel that is called like this.
    is_complete = isinstance(value, set | frozenset) and value >= set(starts.split("+"))
    return node if is_complete else None


def find_gone(graph: AnyGraph, waiting: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """
    The paths of nodes that are waited for and that the graph has not.

    Args:
        graph: The graph as it is now.
        waiting: By the namespace of the graph or subgraph, what its checkpoint leads to.
    """
    gone = set()
    for namespace, names in waiting.items():
        path = tuple(part.partition(":")[0] for part in namespace.split("|") if part)
        inner = _find(graph, path)
        if inner is not None:
            gone |= {"/".join((*path, name)) for name in names - set(inner.nodes)}
    return tuple(sorted(gone))


def say_gone(workflow: str, gone: tuple[str, ...]) -> str:
    """What is wrong, and what can be done about it."""
    names = " and ".join(repr(name) for name in gone)
    it, node = ("it", "node") if len(gone) == 1 else ("them", "nodes")
    return (
        f"The thread stands before the {node} {names}, which the workflow {workflow!r} does not have any"
        f" more: its graph was changed under it. Put {it} back under the same name and retry, which sends"
        " the same answer; or set the thread back to a point before."
    )


def _find(graph: AnyGraph, path: tuple[str, ...]) -> AnyGraph | None:
    """The subgraph of a path; None where it is called by a function, or is gone with its node."""
    for name in path:
        inner = dict(graph.get_subgraphs(namespace=name)).get(name) if name in graph.nodes else None
        if inner is None:
            return None
        graph = inner  # type: ignore[assignment]
    return graph
