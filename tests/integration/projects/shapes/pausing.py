"""Graphs of three steps that hold where they are told, in the graph or for one run."""

import operator
from datetime import date
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from putting import typed


class State(TypedDict, total=False):
    count: int
    ratio: float
    day: date
    tags: list[str]
    seen: Annotated[list[Any], operator.add]


def _step(name: str) -> Any:
    def step(state: State) -> State:
        kept = {k: v for k, v in state.items() if k != "seen"}
        return {"seen": [[name, typed(kept)]]}

    return step


def _build() -> StateGraph[Any, Any, Any, Any]:
    builder = StateGraph(State)
    for name in ("a", "b", "c"):
        builder.add_node(name, _step(name))
    for one, other in zip((START, "a", "b", "c"), ("a", "b", "c", END), strict=True):
        builder.add_edge(one, other)
    return builder



def fail_below_five(state: State) -> State:
    if state["count"] < 5:
        raise ValueError(f"{state['count']} is too little")
    return _step("b")(state)


picky = (
    StateGraph(State)
    .add_node("a", _step("a"))
    .add_node("b", fail_below_five)
    .add_node("c", _step("c"))
    .add_edge(START, "a")
    .add_edge("a", "b")
    .add_edge("b", "c")
    .add_edge("c", END)
    .compile()
)
steps = _build().compile()
holds_before = _build().compile(interrupt_before=["b"])
holds_after = _build().compile(interrupt_after=["b"])
holds_inside = (
    StateGraph(State)
    .add_node("team", _build().compile(interrupt_before=["b"]))
    .add_edge(START, "team")
    .add_edge("team", END)
    .compile()
)
