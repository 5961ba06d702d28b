"""
Make a graph ours for a run: our saver, our store, its workflow's name.

The user's object is never changed: LangGraph's `copy()` is used and what it drops is restored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.pregel._loop import PregelLoop
from langgraph.store.base import BaseStore

from interlock.core.graphs.places import AnyGraph

_MISSING = object()


class _Stored:
    """A stored checkpoint's future, done."""

    def __await__(self) -> Iterator[None]:
        return iter(())

    def result(self) -> None:
        """Nothing: it is stored."""


# LangGraph 1.2 waits for it with durability="sync", but a subgraph with `checkpointer=False` has none.
PregelLoop._put_checkpoint_fut = _Stored()  # type: ignore[assignment]  # noqa: SLF001


def prepare(
    graph: AnyGraph,
    *,
    checkpointer: BaseCheckpointSaver[Any] | None,
    store: BaseStore | None,
    name: str,
    supervised: Mapping[str, Any] | None = None,
) -> AnyGraph:
    """
    Copy a graph with our saver and store in place of its own.

    Args:
        graph: A compiled graph; subgraphs take the saver and the store from it at run time.
        checkpointer: The saver of this run; the graph's own, if it was compiled with one, is left.
        store: The store of the project.
        name: The workflow's name, as runs and traces show it.
        supervised: What its policies make different (`supervising.supervise`).
    """
    return copy_graph(
        graph, {**(supervised or {}), "checkpointer": checkpointer, "store": store, "name": name}
    )


def copy_graph(graph: AnyGraph, update: dict[str, Any]) -> AnyGraph:
    """
    Copy a graph with something different in it, and all the rest of it.

    Source: facts langgraph 4: `copy()` drops attributes that were set after construction, among
    them the state mappers and the msgpack allowlist.
    """
    copied = graph.copy(update)
    for key, value in vars(graph).items():
        if key.startswith("_") and vars(copied).get(key, _MISSING) is not value:
            setattr(copied, key, value)
    return copied
