from __future__ import annotations

import operator
from typing import Annotated

import pytest
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from interlock.core.graphs.preparing import prepare


class Order(BaseModel):
    number: int
    notes: Annotated[list[str], operator.add] = []


def ask(state: Order) -> dict:
    return {"notes": [str(interrupt("go on?"))]}


def build(**options):
    return StateGraph(Order).add_node("ask", ask).add_edge(START, "ask").compile(**options)


def test_saver_store_and_name_are_ours_and_the_users_graph_is_untouched():
    own_saver, own_store, own_cache = InMemorySaver(), InMemoryStore(), InMemoryCache()
    graph = build(checkpointer=own_saver, store=own_store, cache=own_cache, name="theirs")
    before = dict(vars(graph))
    saver, store = InMemorySaver(), InMemoryStore()
    ready = prepare(graph, checkpointer=saver, store=store, name="ours")
    assert (ready.checkpointer, ready.store, ready.cache) == (saver, store, own_cache)
    assert ready.name == "ours"
    assert vars(graph) == before


def test_a_cache_that_is_given_replaces_the_graphs_own():
    cache = InMemoryCache()
    ready = prepare(
        build(cache=InMemoryCache()),
        checkpointer=None,
        store=None,
        name="x",
        supervised={"cache": cache},
    )
    assert ready.cache is cache


def test_what_copy_drops_is_restored():
    graph = build()
    graph._serde_allowlist = {("a", "B")}
    ready = prepare(graph, checkpointer=None, store=None, name="x")
    for name in ("_output_mapper", "_state_mapper", "_serde_allowlist"):
        assert getattr(ready, name) is getattr(graph, name)
        assert getattr(ready, name) is not None


async def test_states_stay_models_in_the_stream():
    ready = prepare(build(), checkpointer=InMemorySaver(), store=None, name="x")
    config = {"configurable": {"thread_id": "1"}}
    parts = [
        part["data"]
        async for part in ready.astream({"number": 1}, config, stream_mode=["values"], version="v2")
    ]
    assert all(isinstance(part, Order) for part in parts)


async def test_subgraphs_take_the_saver_even_if_compiled_with_their_own():
    inner_saver = InMemorySaver()
    outer = StateGraph(Order)
    outer.add_node("inner", build(checkpointer=inner_saver))
    outer.add_edge(START, "inner")
    saver = InMemorySaver()
    ready = prepare(outer.compile(), checkpointer=saver, store=None, name="x")
    config = {"configurable": {"thread_id": "1"}}
    await ready.ainvoke({"number": 1}, config)
    state = await ready.aget_state(config)
    answer = {state.interrupts[0].id: "yes"}
    result = await ready.ainvoke(Command(resume=answer), config)
    assert result["notes"] == ["yes"]
    assert not inner_saver.storage
    assert saver.storage


@pytest.mark.parametrize("own", [False, None])
def test_a_graph_compiled_without_a_saver_gets_ours(own):
    saver = InMemorySaver()
    assert (
        prepare(build(checkpointer=own), checkpointer=saver, store=None, name="x").checkpointer
        is saver
    )


def test_breakpoints_of_the_graph_are_kept():
    ready = prepare(build(interrupt_before=["ask"]), checkpointer=None, store=None, name="x")
    assert ready.interrupt_before_nodes == ["ask"]
