"""Breakpoints compiled in, as LangGraph's guides show them."""

import operator
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import MemorySaver
from langgraph.graph import END, START, StateGraph


class State(TypedDict, total=False):
    text: str
    log: Annotated[list[str], operator.add]


def step(name: str):
    def node(state: State) -> State:
        return {"log": [f"{name} {state.get('text', '')}".strip()]}

    return node


def line() -> StateGraph:
    builder = StateGraph(State)
    for name in ("one", "two", "three"):
        builder.add_node(name, step(name))
    builder.add_edge(START, "one")
    builder.add_edge("one", "two")
    builder.add_edge("two", "three")
    builder.add_edge("three", END)
    return builder


before = line().compile(checkpointer=MemorySaver(), interrupt_before=["two"])
after = line().compile(interrupt_after=["one"])
everywhere = line().compile(interrupt_before="*")
inside = (
    StateGraph(State)
    .add_node("team", line().compile(interrupt_before=["two"]))
    .add_node("last", step("last"))
    .add_edge(START, "team")
    .add_edge("team", "last")
    .compile()
)
