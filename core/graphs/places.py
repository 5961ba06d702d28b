"""
Where inside its subgraphs a thread stands.

A breakpoint inside a subgraph holds the thread there, while the checkpoint of the graph around it
stays as it was when the subgraph began.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from langgraph.pregel import Pregel
from langgraph.types import StateSnapshot

from interlock.core.graphs.tasks import is_finished, is_touched
from interlock.core.types import CheckpointId, RunId

EVERY_NODE = "*"

AnyGraph = Pregel[Any, Any, Any, Any]


@dataclass(frozen=True)
class Place:
    """A subgraph that has begun, by the names of the nodes around it, and its newest state."""

    names: tuple[str, ...]
    state: StateSnapshot

    @property
    def checkpoint_id(self) -> CheckpointId:
        """The subgraph's own checkpoint."""
        return CheckpointId(self.state.config["configurable"]["checkpoint_id"])

    @property
    def run_id(self) -> RunId | None:
        """The run that brought it here."""
        return run_id_of(self.state)

    @property
    def is_untouched(self) -> bool:
        """Whether none of its tasks left a trace."""
        return not any(is_touched(task, self.state) for task in self.state.tasks)


def run_id_of(state: StateSnapshot) -> RunId | None:
    """The run that wrote a checkpoint."""
    metadata: Any = state.metadata or {}
    value = metadata.get("run_id")
    return RunId(value) if isinstance(value, str) else None


def may_be_inside(state: StateSnapshot) -> bool:
    """Whether an unfinished task of a state holds a subgraph; only then is it worth to look."""
    return any(task.state is not None and not is_finished(task, state) for task in state.tasks)


def find_places(state: StateSnapshot) -> tuple[Place, ...]:
    """The innermost subgraphs that a thread stands in, of a state read with its subgraphs."""
    return tuple(_walk(state, ()))


def _walk(state: StateSnapshot, names: tuple[str, ...]) -> Iterator[Place]:
    for task in state.tasks:
        inner = task.state
        if not isinstance(inner, StateSnapshot) or inner.metadata is None:
            continue  # no subgraph, or one that has not begun
        if is_finished(task, state):
            continue
        within = (*names, task.name)
        deeper = tuple(_walk(inner, within))
        yield from deeper or (Place(within, inner),)


def name_next(state: StateSnapshot, places: Collection[Place]) -> tuple[str, ...]:
    """
    What is due, as paths: inside the subgraphs that have begun, and beside them.

    A node of the graph itself whose name has a slash is quoted, as it stands in no subgraph.
    """
    begun = {place.names[0] for place in places}
    beside = [f'"{name}"' if "/" in name else name for name in state.next if name not in begun]
    inside = ["/".join((*p.names, name)) for p in places for name in p.state.next or ("",)]
    return (*beside, *(path.removesuffix("/") for path in inside))


async def is_at_breakpoint(
    graph: AnyGraph, state: StateSnapshot, *, before: Collection[str], after: Collection[str]
) -> bool:
    """
    Whether a state stands at a breakpoint.

    Args:
        graph: The graph that can read the state's parent: the outermost one.
        state: The state of the graph itself or of a subgraph.
        before: Nodes to hold before.
        after: Nodes to hold after.
    """
    if {*before} & {*state.next, EVERY_NODE} and state.next:
        return True
    if not after or state.parent_config is None:
        return False
    parent = await graph.aget_state(state.parent_config)
    return bool({*after} & {*parent.next, EVERY_NODE}) and bool(parent.next)


async def is_at_inner_breakpoint(graph: AnyGraph, places: Collection[Place]) -> bool:
    """Whether a subgraph stands at a breakpoint that it was compiled with."""
    inner: dict[str, Any] = dict(graph.get_subgraphs(recurse=True))
    for place in places:
        part = inner.get("|".join(place.names))
        if part is not None and await is_at_breakpoint(
            graph,
            place.state,
            before=names_of(part.interrupt_before_nodes),
            after=names_of(part.interrupt_after_nodes),
        ):
            return True
    return False


def names_of(nodes: Any) -> Collection[str]:
    """The nodes that a graph was compiled to hold at; `*` stands for all."""
    return (nodes,) if isinstance(nodes, str) else tuple(nodes)


def merge_breaks(given: Collection[str], own: Any) -> Any:
    """Breakpoints of the launch beside the graph's own; LangGraph takes one list or the other."""
    if EVERY_NODE in given or own == EVERY_NODE:
        return EVERY_NODE
    merged = [*own, *(n for n in given if n not in own)]
    return merged or None


def find_cacheable(graph: AnyGraph) -> Callable[[str], bool]:
    """Nodes with a cache policy; and what is no node: a function called as a task may have one."""
    known: dict[str, bool] = {}
    for part in (graph, *(g for _, g in graph.get_subgraphs(recurse=True))):
        for name, node in getattr(part, "nodes", {}).items():
            has_policy = bool(node.cache_policy or getattr(part, "cache_policy", None))
            known[name] = known.get(name, False) or has_policy
    return lambda name: known.get(name, True)
