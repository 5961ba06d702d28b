"""The graphs that are measured: ten nodes in a row, one question between two nodes, a long way of one node."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

NODES = 10
TEXT = "x" * 200  # what a node adds to the state


class State(TypedDict, total=False):
    """A growing list and a counter."""

    parts: Annotated[list[str], operator.add]
    count: int


def _make_node(number: int) -> Any:
    async def node(state: State) -> State:
        return {"parts": [TEXT], "count": state.get("count", 0) + 1}

    node.__name__ = f"node_{number}"
    return node


async def ask(state: State) -> State:
    """Ask a human."""
    answer = interrupt({"question": "Go on?", "count": state.get("count", 0)})
    return {"parts": [str(answer)]}


def _build_ten() -> Any:
    builder = StateGraph(State)
    previous = START
    for number in range(NODES):
        builder.add_node(f"node_{number}", _make_node(number))
        builder.add_edge(previous, f"node_{number}")
        previous = f"node_{number}"
    return builder.compile()


def _build_hold() -> Any:
    builder = StateGraph(State)
    builder.add_node("before", _make_node(0))
    builder.add_node("ask", ask)
    builder.add_node("after", _make_node(1))
    builder.add_edge(START, "before")
    builder.add_edge("before", "ask")
    builder.add_edge("ask", "after")
    return builder.compile()


class Weight(TypedDict, total=False):
    """What is carried all the way: so many records of a kilobyte, for so many steps."""

    steps: int
    kilobytes: int
    done: int
    records: list[dict[str, Any]]


async def fill(state: Weight) -> Weight:
    """Put the records into the state, of the form that messages have."""
    made = [{"id": f"m{n}", "role": "user", "text": "x" * 1000} for n in range(state["kilobytes"])]
    return {"records": made, "done": 0}


async def go(state: Weight) -> Weight:
    """Make one step."""
    return {"done": state["done"] + 1}


def choose(state: Weight) -> str:
    """Go on until the end of the way."""
    return "go" if state["done"] < state["steps"] else END


def _build_long() -> Any:
    builder = StateGraph(Weight)
    builder.add_node("fill", fill)
    builder.add_node("go", go)
    builder.add_edge(START, "fill")
    builder.add_edge("fill", "go")
    builder.add_conditional_edges("go", choose, ["go", END])
    return builder.compile()


async def release(state: Weight) -> Weight:
    """Ask whether to go on, with all of the weight in the state."""
    interrupt({"question": "Go on?", "records": len(state["records"])})
    return {}


def _build_heavy() -> Any:
    builder = StateGraph(Weight)
    builder.add_node("fill", fill)
    builder.add_node("release", release)
    builder.add_node("go", go)
    builder.add_edge(START, "fill")
    builder.add_edge("fill", "release")
    builder.add_conditional_edges("release", choose, ["go", END])
    builder.add_conditional_edges("go", choose, ["go", END])
    return builder.compile()


ten = _build_ten()
hold = _build_hold()
long = _build_long()
heavy = _build_heavy()
