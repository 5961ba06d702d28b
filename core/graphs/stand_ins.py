"""
Nodes of a copy that must not run: what they are given, or wrote the last time, stands in for them.

A node stands in unless it is named as one that may run, so what nobody thought of never runs. What a
node wrote the last time is written to the letter, the way it went on included; a given value goes
through the node's own edges. Where there is neither, the task asks for one, which ends the copy in
good order: what runs beside it comes to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph._internal._runnable import RunnableCallable
from langgraph.errors import GraphInterrupt
from langgraph.pregel import Pregel
from langgraph.pregel._read import PregelNode
from langgraph.types import Command, Interrupt

from interlock.core.graphs.heads import nth_interrupt_id
from interlock.core.graphs.places import AnyGraph
from interlock.core.graphs.preparing import copy_graph
from interlock.core.graphs.proceeding import restore
from interlock.core.graphs.supervising import MAX_DEPTH
from interlock.core.graphs.supervising_attempts import NEVER, SEND, TASK_ID
from interlock.core.model.what_ifs import INTERNAL, How, StandIn

Writes = Sequence[tuple[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Stood:
    """One task that did not run; `interrupt_id` is what asks for a value where there is none."""

    task_id: str
    path: str
    how: How
    at: datetime
    interrupt_id: str = ""


class StandIns:
    """What stands in for the nodes of one copy, and what did."""

    def __init__(
        self,
        *,
        runs: Collection[str],
        given: Mapping[str, StandIn],
        recorded: Mapping[str, Sequence[Writes]],
        now: Callable[[], datetime],
    ) -> None:
        """
        Make it.

        Args:
            runs: Paths of the nodes that may run.
            given: Values, by path; each serves as often as its node comes.
            recorded: What the tasks of a node wrote the last time, in the order in which they ran;
                each serves once.
            now: The time.
        """
        self._runs = runs
        self._given = given
        self._left = {path: list(each) for path, each in recorded.items()}
        self._now = now
        self.stood: list[Stood] = []

    def put(self, graph: AnyGraph) -> dict[str, PregelNode]:
        """The nodes of a graph as they are on the copy; nothing of the graph is changed."""
        return self._put(graph, "", 0)

    def _put(self, graph: AnyGraph, prefix: str, depth: int) -> dict[str, PregelNode]:
        return {
            name: self._stand_in(graph, node, f"{prefix}{name}", depth)
            if node.is_error_handler or not name.startswith(INTERNAL)
            else node
            for name, node in graph.nodes.items()
        }

    def _stand_in(self, graph: AnyGraph, node: PregelNode, path: str, depth: int) -> PregelNode:
        is_given = path in self._given and not self._given[path].runs
        if isinstance(node.bound, Pregel) and depth < MAX_DEPTH and not is_given:
            inner = copy_graph(
                node.bound,
                {"nodes": self._put(node.bound, f"{path}/", depth + 1), "cache": None},
            )
            subgraphs = [inner if each is node.bound else each for each in node.subgraphs]
            return node.copy({"bound": inner, "subgraphs": subgraphs})
        if path in self._runs and not is_given:
            return node
        plain = {"retry_policy": NEVER, "timeout": None, "cache_policy": None}
        copied = node.copy({**plain, "subgraphs": []})
        served = self._make_given(graph, copied, path) if is_given else None
        vars(copied)["node"] = _StandInNode(path, served, self)  # what LangGraph runs for a task
        return copied

    def _make_given(self, graph: AnyGraph, node: PregelNode, path: str) -> Runnable[Any, Any]:
        """The given value in the place of the node, with the node's own edges behind it."""
        given = self._given[path]
        value = given.value
        if isinstance(value, dict):
            value = {name: restore(graph.channels.get(name), each) for name, each in value.items()}
        made = Command(update=value, goto=list(given.goto)) if given.goto else value

        async def give(_: Any) -> Any:
            return made

        bound = RunnableCallable(None, give, name=path.rpartition("/")[2], trace=False)
        return node.copy({"bound": bound}).node or bound

    def take_recorded(self, path: str) -> Writes | None:
        """What the next task of a node wrote the last time."""
        left = self._left.get(path)
        return left.pop(0) if left else None

    def note(self, path: str, how: How, task_id: str, interrupt_id: str = "") -> None:
        """Something stood in for a task, or nothing could."""
        self.stood.append(
            Stood(task_id=task_id, path=path, how=how, at=self._now(), interrupt_id=interrupt_id)
        )


class _StandInNode(Runnable[Any, Any]):
    """What LangGraph runs for a task of a node that must not run."""

    def __init__(self, path: str, given: Runnable[Any, Any] | None, of: StandIns) -> None:
        self._path = path
        self._given = given
        self._of = of

    def invoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> NoReturn:  # noqa: ARG002
        """Nothing: a worker's graphs run in its event loop."""
        raise TypeError("A node of a what-if runs in an event loop only; use ainvoke.")

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> Any:
        """Write what stands in for the task."""
        config = config or {}
        place = config["configurable"]
        task_id = str(place[TASK_ID])
        if self._given is not None:
            self._of.note(self._path, How.GIVEN, task_id)
            return await self._given.ainvoke(input, config)
        recorded = self._of.take_recorded(self._path)
        if recorded is not None:
            self._of.note(self._path, How.RECORDED, task_id)
            place[SEND](list(recorded))
            return None
        asks = nth_interrupt_id(str(place["checkpoint_ns"]), 0)
        self._of.note(self._path, How.MISSING, task_id, asks)
        raise GraphInterrupt((Interrupt(value={"needs_a_value": self._path}, id=asks),))
