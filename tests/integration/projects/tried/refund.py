"""Graphs whose nodes note what they do: some of it is done outside, some is only thought."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Annotated, Any

from langgraph.config import get_store
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    book: str
    amount: int
    items: list[str]
    log: Annotated[list[str], operator.add]
    receipt: str


def _note(state: State, what: str) -> None:
    with (Path(state["book"]) / f"{what}.done").open("a") as file:
        file.write("done\n")


def review(state: State) -> dict[str, Any]:
    _note(state, "review")
    answer = interrupt({"question": "Pay it?", "amount": state.get("amount", 1)})
    return {"log": [f"answered {answer}"], "amount": answer if isinstance(answer, int) else 0}


def route(state: State) -> str:
    return "charge" if state["amount"] > 0 else "refuse"


def charge(state: State) -> dict[str, Any]:
    _note(state, "charge")
    return {"log": ["charged"], "receipt": f"no {state['amount']}"}


def notify(state: State) -> dict[str, Any]:
    _note(state, "notify")
    if state["receipt"] == "no 13":
        raise ValueError("an unlucky receipt")
    return {"log": [f"notified of {state['receipt']}"]}


def refuse(state: State) -> dict[str, Any]:
    _note(state, "refuse")
    get_store().put(("refused",), "last", {"amount": state["amount"]})
    return {"log": ["refused"]}


builder = StateGraph(State)
builder.add_node("review", review)
builder.add_node("charge", charge)
builder.add_node("notify", notify)
builder.add_node("refuse", refuse)
builder.add_edge(START, "review")
builder.add_conditional_edges("review", route, ["charge", "refuse"])
builder.add_edge("charge", "notify")
builder.add_edge("notify", END)
builder.add_edge("refuse", END)
refund = builder.compile()


class Part(TypedDict, total=False):
    book: str
    item: str
    log: Annotated[list[str], operator.add]


def ask(state: Part) -> dict[str, Any]:
    _note(state, f"ask {state['item']}")
    return {"log": [f"{state['item']} {interrupt({'item': state['item']})}"]}


def send(state: Part) -> dict[str, Any]:
    _note(state, f"send {state['item']}")
    return {"log": [f"sent {state['item']}"]}


class Told(TypedDict):
    log: Annotated[list[str], operator.add]


inner = StateGraph(Part, output_schema=Told)
inner.add_node("ask", ask)
inner.add_node("send", send)
inner.add_edge(START, "ask")
inner.add_edge("ask", "send")


def team(state: State) -> list[Send]:
    return [Send("team", {"book": state["book"], "item": item}) for item in state["items"]]


outer = StateGraph(State)
outer.add_node("team", inner.compile())
outer.add_conditional_edges(START, team, ["team"])
outer.add_edge("team", END)
parts = outer.compile()
