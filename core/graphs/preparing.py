"""
Make a graph ours for a run: our saver, our store, its workflow's name.

The user's object is never changed: LangGraph's `copy()` is used and what it drops is restored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langgraph.cache.base import BaseCache
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.pregel import Pregel
from langgraph.pregel._loop import PregelLoop
from langgraph.store.base import BaseStore

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
    graph: Pregel[Any, Any, Any, Any],
    *,
    checkpointer: BaseCheckpointSaver[Any] | None,
    store: BaseStore | None,
    cache: BaseCache[Any] | None = None,
    name: str,
) -> Pregel[Any, Any, Any, Any]:
    """
    Copy a graph with our saver and store in place of its own.

    Args:
        graph: A compiled graph; subgraphs take the saver and the store from it at run time.
        checkpointer: The saver of this run; the graph's own, if it was compiled with one, is left.
        store: The store of the project.
        cache: Replaces the graph's own cache when given.
        name: The workflow's name, as runs and traces show it.

    Source: facts langgraph 4: `copy()` drops attributes that were set after construction, among
    them the state mappers and the msgpack allowlist.
    """
    update: dict[str, Any] = {"checkpointer": checkpointer, "store": store, "name": name}
    if cache is not None:
        update["cache"] = cache
    copied = graph.copy(update)
    for key, value in vars(graph).items():
        if key.startswith("_") and vars(copied).get(key, _MISSING) is not value:
            setattr(copied, key, value)
    return copied
