"""Loaded by its path: the folder's name has a space, so no import statement finds this file."""

from dataclasses import dataclass
from typing import Any, TypedDict

import shapes
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt


@dataclass
class Local:
    text: str


class State(TypedDict):
    made: Any
    seen: str


def make(state: State) -> dict:
    import late  # only this node needs it

    order = shapes.Order(number=1, colour=shapes.Colour.RED)
    box = shapes.Box(inside=[order, shapes.Point(1, 2)], tags={"a"})
    return {"made": {"box": box, "local": Local("here"), "late": late.Late(text="later")}}


def ask(state: State) -> dict:
    interrupt("go on?")
    return {"seen": repr(state["made"])}


graph = (
    StateGraph(State)
    .add_node("make", make)
    .add_node("ask", ask)
    .add_edge(START, "make")
    .add_edge("make", "ask")
    .compile()
)
