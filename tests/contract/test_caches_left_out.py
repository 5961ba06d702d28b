"""What is no result of a node's own is kept by no cache: not by its own, nor by those of the graphs around it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from operator import add
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.cache.memory import InMemoryCache
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import CachePolicy

from interlock.core.errors import BreakerOpen
from interlock.core.graphs.caching import NodeCaches
from interlock.core.graphs.guarding import Hooks
from interlock.core.graphs.notes import Notes
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.serde import serializer_for
from interlock.core.graphs.supervising import supervise
from interlock.core.graphs.supervising_attempts import Supervision
from interlock.core.model.policies import WorkflowPolicy
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.types import RunId, ThreadId
from interlock.core.worker.caches import Caches

CACHED: dict[str, Any] = {"cache": {}}
FALLBACK: dict[str, Any] = {"fallback": [{"value": {"log": ["a guess"]}}]}


class State(TypedDict):
    question: dict[str, Any]
    log: Annotated[list[str], add]


class Desk:
    """A graph, run again and again under its policy by one worker."""

    def __init__(self, engine: Any, clock: Any) -> None:
        app = App(settings=Settings(), engine=engine, queue=LocalQueue(), clock=clock)
        self.clock = clock
        self.caches = Caches(app)
        self.slot = NodeCaches(self.caches)
        self.number = 0
        self.is_down = False

    async def run(self, graph: Any, nodes: dict[str, Any], given: Any) -> Any:
        self.number += 1
        run = Run(
            run_id=RunId(f"run-{self.number}"),
            thread_id=ThreadId(f"thread-{self.number}"),
            workflow="w",
            kind=RunKind.START,
            status=RunStatus.RUNNING,
            input=None,
            context=None,
            options=RunOptions(),
            priority=0,
            created_at=self.clock.now(),
            created_by="ann",
        )
        notes = Notes()
        policy = WorkflowPolicy.model_validate({"node": nodes})
        hooks = Hooks(caches=self.slot, guards=(self,))
        async with self.slot.around(run, notes, serializer_for(None, None)):
            supervised = supervise(
                graph, Supervision(run=run, policy=policy, notes=notes, hooks=hooks)
            )
            ready = prepare(graph, checkpointer=None, store=None, name="w", supervised=supervised)
            return await ready.ainvoke(given)

    # a guard: of what has a breaker, which is open while the service is down

    def covers(self, place: Any) -> bool:
        return place.policy.breaker is not None

    @asynccontextmanager
    async def around_async(self, call: Any) -> Any:
        if self.is_down:
            raise BreakerOpen("It is open.", name="b")
        yield


@pytest.fixture
def desk(engine, frozen):
    made = Desk(engine, frozen)
    yield made
    made.caches.close()


def graph_of(node: Any, name: str, **options: Any) -> StateGraph:
    return StateGraph(State).add_node(name, node, **options).add_edge(START, name)


def failing_once() -> Any:
    """A node that changes its input in place before it fails for the first time."""
    calls: list[int] = []

    async def node(state: State) -> Any:
        calls.append(1)
        state["question"]["asked"] = len(calls)
        if len(calls) == 1:
            raise ConnectionError("down")
        return {"log": [f"made {len(calls)}"]}

    return node


async def test_what_a_fallback_served_is_kept_by_no_cache(desk):
    async def ask(graph: Any, nodes: dict[str, Any]) -> list[str]:
        given = {"question": {"text": "q"}, "log": []}
        return list((await desk.run(graph, nodes, given))["log"])

    alone = graph_of(failing_once(), "n").compile()
    within = graph_of(
        graph_of(graph_of(failing_once(), "deep").compile(), "mid").compile(), "team"
    ).compile()
    own = graph_of(
        failing_once(), "kept", cache_policy=CachePolicy(key_func=lambda _: "same")
    ).add_node("other", lambda _: {"log": []})
    users = own.compile(cache=InMemoryCache())
    for graph, nodes in (
        (alone, {"n": {**CACHED, **FALLBACK}}),
        (within, {"team": CACHED, "team/mid/deep": FALLBACK}),
        (users, {"kept": FALLBACK, "other": CACHED}),
    ):
        found = [await ask(graph, nodes) for _ in range(3)]
        assert found == [["a guess"], ["made 2"], ["made 2"]]


async def test_that_a_tool_was_not_called_is_kept_by_no_cache(desk):
    calls: list[str] = []

    @tool
    async def look(what: str) -> str:
        """Look something up."""
        calls.append(what)
        return f"found {what}"

    inner = StateGraph(MessagesState).add_node("tools", ToolNode([look])).add_edge(START, "tools")
    outer = StateGraph(MessagesState).add_node("team", inner.compile()).add_edge(START, "team")
    for graph, path, nodes in (
        (inner, "tools", {"tools": dict(CACHED)}),
        (outer, "team/tools", {"team": dict(CACHED), "team/tools": {}}),
    ):
        calls.clear()
        nodes[path]["tool"] = {"look": {"breaker": {}}}
        said = []
        for is_down in (True, False, True):
            desk.is_down = is_down
            call = {"name": "look", "args": {"what": "it"}, "id": "1"}
            asked = AIMessage("", tool_calls=[call], id="a")
            said.append((await desk.run(graph.compile(), nodes, {"messages": [asked]}))["messages"])
        assert "unavailable" in said[0][-1].content
        assert [messages[-1].content for messages in said[1:]] == ["found it", "found it"]
        assert calls == ["it"]


async def test_a_node_of_a_graph_within_is_served_and_so_is_what_the_user_cached_beside_it(desk):
    made: list[str] = []

    def make(name: str) -> Any:
        async def node(state: State) -> Any:
            made.append(name)
            return {"log": [name]}

        return node

    inner = graph_of(make("deep"), "deep")
    inner.add_node("own", make("own"), cache_policy=CachePolicy(key_func=lambda _: "same"))
    inner.add_edge("deep", "own")
    mid = graph_of(inner.compile(cache=InMemoryCache()), "mid")
    outer = graph_of(mid.compile(), "team").compile()

    for _ in range(3):
        given = {"question": {"text": "q"}, "log": []}
        assert (await desk.run(outer, {"team/mid/deep": CACHED}, given))["log"][-1:] == ["own"]

    assert made == ["deep", "own"]
