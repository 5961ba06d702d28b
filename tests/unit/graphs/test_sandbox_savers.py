"""A copy in memory over a database that is only read: it goes on as the original would, which never changes."""

from __future__ import annotations

import asyncio
import copy
import operator
from typing import Annotated, Any

import pytest
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from interlock.core.errors import NotAllowed
from interlock.core.graphs.sandbox_savers import ReadOnlyStore, SandboxSaver

STRICT = "__pregel_strict_resume"


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    changes: Annotated[
        list[str], DeltaChannel(lambda held, given: [*held, *(w for v in given for w in v)])
    ]


class Inner(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


def look(state: State) -> dict[str, Any]:
    return {"log": ["look"], "changes": [f"change {len(state.get('log', []))}"]}


def count(state: Inner) -> dict[str, Any]:
    return {"log": [f"counted {len(state['log'])}"]}


def ask(_: Inner) -> dict[str, Any]:
    return {"log": [f"answered {interrupt('?')}"]}


def make_graph(saver: Any) -> Any:
    """Two steps, then a subgraph with a memory of its own that counts and asks."""
    inner = StateGraph(Inner)
    inner.add_node("count", count)
    inner.add_node("ask", ask)
    inner.add_edge(START, "count")
    inner.add_edge("count", "ask")
    outer = StateGraph(State)
    outer.add_node("look", look)
    outer.add_node("again", look)
    outer.add_node("team", inner.compile(checkpointer=True))
    outer.add_edge(START, "look")
    outer.add_edge("look", "again")
    outer.add_edge("again", "team")
    return outer.compile(checkpointer=saver)


def config(thread: str, **place: str) -> Any:
    return {"configurable": {"thread_id": thread, STRICT: True, **place}}


def dump(saver: InMemorySaver) -> Any:
    return copy.deepcopy(
        (
            {t: {n: dict(e) for n, e in ns.items()} for t, ns in saver.storage.items()},
            dict(saver.writes),
            dict(saver.blobs),
        )
    )


@pytest.fixture
def held():
    """A thread that asks: the graph, its saver and what the saver holds."""
    saver = InMemorySaver()
    graph = make_graph(saver)
    asyncio.run(graph.ainvoke({"log": []}, config("t")))
    return graph, saver, dump(saver)


def copy_at(saver: InMemorySaver, checkpoint_id: str) -> SandboxSaver:
    return SandboxSaver(saver, original_id="t", sandbox_id="s", at=checkpoint_id)


@pytest.mark.parametrize("is_sync", [False, True])
def test_an_answer_on_a_copy_comes_to_the_same_end_and_leaves_the_original(held, is_sync):
    graph, saver, before = held
    state = graph.get_state(config("t"))
    (asked,) = state.interrupts
    sandbox = copy_at(saver, state.config["configurable"]["checkpoint_id"])
    tried = make_graph(sandbox)
    answer: Any = Command(resume={asked.id: "yes"})

    async def answer_async() -> Any:
        return await tried.ainvoke(answer, config("s"))

    end = tried.invoke(answer, config("s")) if is_sync else asyncio.run(answer_async())

    assert dump(saver) == before
    real = asyncio.run(graph.ainvoke(answer, config("t")))
    assert end == real
    assert "answered yes" in end["log"]
    assert len(end["changes"]) == 2
    assert tried.get_state(config("s")).next == ()
    assert "t" not in sandbox.storage


def test_a_copy_goes_on_from_an_older_point_and_knows_nothing_newer(held):
    graph, saver, _ = held
    asyncio.run(
        graph.ainvoke(
            Command(resume={graph.get_state(config("t")).interrupts[0].id: "yes"}), config("t")
        )
    )
    before = dump(saver)
    points = list(graph.get_state_history(config("t")))
    point = next(p for p in points if p.next == ("again",))
    at = point.config["configurable"]["checkpoint_id"]
    sandbox = copy_at(saver, at)
    tried = make_graph(sandbox)

    assert tried.get_state(config("s", checkpoint_id=at)).values == point.values
    assert [p.next for p in tried.get_state_history(config("s"))] == [
        ("again",),
        ("look",),
        ("__start__",),
    ]
    asyncio.run(tried.ainvoke(None, config("s", checkpoint_id=at, checkpoint_ns="")))
    (asked,) = tried.get_state(config("s")).interrupts
    end = asyncio.run(tried.ainvoke(Command(resume={asked.id: "no"}), config("s")))

    assert end["log"][-1] == "answered no"
    assert end["changes"] == ["change 0", "change 1"]
    assert dump(saver) == before
    head = max(sandbox.storage["s"][""])
    assert asyncio.run(sandbox.count_answers("s", "gone")) == {}
    assert head > at


def test_answers_that_were_taken_in_are_counted_within_subgraphs_too(held):
    graph, saver, _ = held
    state = graph.get_state(config("t"), subgraphs=True)
    at = state.config["configurable"]["checkpoint_id"]
    sandbox = copy_at(saver, at)
    tried = make_graph(sandbox)
    (asked,) = state.interrupts
    asyncio.run(tried.ainvoke(Command(resume={asked.id: "yes"}), config("s")))
    counted = asyncio.run(sandbox.count_answers("s", at))
    assert set(counted.values()) == {1}


def test_the_store_is_read_and_never_written():
    store = InMemoryStore()
    store.put(("a",), "k", {"v": 1})
    read_only = ReadOnlyStore(store)
    assert read_only.get(("a",), "k").value == {"v": 1}
    assert asyncio.run(read_only.aget(("a",), "k")).value == {"v": 1}
    with pytest.raises(NotAllowed, match="writes nothing"):
        read_only.put(("a",), "k", {"v": 2})
    with pytest.raises(NotAllowed):
        asyncio.run(read_only.adelete(("a",), "k"))
    assert store.get(("a",), "k").value == {"v": 1}
