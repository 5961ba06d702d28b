"""Graphs that fail until somebody mends them: beside others, inside others, and by what the state says."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Annotated, Any

import book
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    book: str
    how: str
    amount: int
    tries: int
    items: list[str]
    item: str
    seen: Annotated[list[str], operator.add]


def _step(name: str) -> Any:
    def step(state: State) -> dict[str, Any]:
        book.note(state["book"], name)
        book.die_if_told(state["book"], name)
        book.fail_if_told(state["book"], name)
        return {"seen": [name]}

    return step


def beside(state: State) -> dict[str, Any]:
    book.note(state["book"], "beside")
    return {"seen": ["beside"]}


async def picky_node(state: State) -> dict[str, Any]:
    book.note(state["book"], "picky")
    await book.wait_for(state["book"], "failing")
    book.die_if_told(state["book"], "picky")
    book.fail_if_told(state["book"], "picky")
    if state["amount"] < 5:
        raise ValueError(f"{state['amount']} is too little")
    return {"seen": ["picky"]}


picky = (
    StateGraph(State)
    .add_node("beside", beside)
    .add_node("picky", picky_node)
    .add_node("last", _step("last"))
    .add_edge(START, "beside")
    .add_edge(START, "picky")
    .add_edge(["beside", "picky"], "last")
    .add_edge("last", END)
    .compile()
)


def choose(state: State) -> str:
    return state["how"]


choosing = (
    StateGraph(State)
    .add_node("choosing", _step("choosing"))
    .add_node("one", _step("one"))
    .add_node("other", _step("other"))
    .add_edge(START, "choosing")
    .add_conditional_edges("choosing", choose, ["one", "other"])
    .compile()
)


async def part(state: State) -> dict[str, Any]:
    name = f"part {state['item']}"
    book.note(state["book"], name)
    if (Path(state["book"]) / f"{name}.fail").exists():
        await book.wait_for(state["book"], "failing")
        book.fail_if_told(state["book"], name)
    return {"seen": [state["item"]]}


def share(state: State) -> list[Send]:
    return [Send("part", {"book": state["book"], "item": item}) for item in state["items"]]


parts = (
    StateGraph(State)
    .add_node("part", part)
    .add_conditional_edges(START, share, ["part"])
    .add_edge("part", END)
    .compile()
)


_team = (
    StateGraph(State)
    .add_node("before", _step("before"))
    .add_node("deep", _step("deep"))
    .add_node("behind", _step("behind"))
    .add_edge(START, "before")
    .add_edge("before", "deep")
    .add_edge("deep", "behind")
    .compile()
)
deep = (
    StateGraph(State)
    .add_node("team", _team)
    .add_node("last", _step("last"))
    .add_edge(START, "team")
    .add_edge("team", "last")
    .compile()
)


# --- an approval is asked for beside a step that fails --------------------------------------------


async def charge(state: State) -> dict[str, Any]:
    amount = state["amount"]
    answer = interrupt({"question": f"Charge {amount}?"})
    await book.wait_for(state["book"], "charging")
    book.note(state["book"], f"charged {amount}")
    return {"seen": [f"charged {amount} on {answer}"]}


async def limit(state: State) -> dict[str, Any]:
    await book.wait_for(state["book"], "failing")
    if state["amount"] > 10:
        raise ValueError(f"{state['amount']} is too much")
    return {"seen": ["limit"]}


pair = (
    StateGraph(State)
    .add_node("charge", charge)
    .add_node("limit", limit)
    .add_node("beside", beside)
    .add_edge(START, "charge")
    .add_edge(START, "limit")
    .add_edge(START, "beside")
    .compile()
)
