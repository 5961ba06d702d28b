"""Remembers what it was told, in a subgraph, with a saver and a store of its own that are replaced."""

from typing import TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.memory import InMemoryStore

own_saver = InMemorySaver()
own_store = InMemoryStore()


class State(TypedDict):
    text: str
    found: list[str]


async def remember(state: State, runtime: Runtime) -> dict:
    await runtime.store.aput(("told",), state["text"], {"text": state["text"]})
    items = await runtime.store.asearch(("told",))
    return {"found": sorted(item.value["text"] for item in items)}


inner = StateGraph(State).add_node("remember", remember).add_edge(START, "remember").compile()
graph = (
    StateGraph(State)
    .add_node("inner", inner)
    .add_edge(START, "inner")
    .compile(checkpointer=own_saver, store=own_store)
)
