"""A graph whose interlock.toml retries, falls back and asks; which node fails, the book says."""

from __future__ import annotations

import operator
from typing import Annotated, Any

import book
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    book: str
    log: Annotated[list[str], operator.add]


def approve(state: State) -> dict[str, Any]:
    answer = interrupt({"question": "Pay?"})
    book.note(state["book"], "pay")
    book.fail_if_told(state["book"], "pay")
    return {"log": [f"paid: {answer}"]}


async def quote(state: State) -> dict[str, Any]:
    book.note(state["book"], "quote")
    book.fail_if_told(state["book"], "quote")
    return {"log": ["quoted"]}


def offline(_: State) -> dict[str, Any]:
    return {"log": ["quoted offline"]}


def send(state: State) -> dict[str, Any]:
    book.note(state["book"], "send")
    book.fail_if_told(state["book"], "send")
    return {"log": ["sent"]}


guarded = (
    StateGraph(State)
    .add_node("approve", approve)
    .add_node("quote", quote)
    .add_node("offline", offline)
    .add_node("send", send)
    .add_edge(START, "quote")
    .add_edge("quote", "approve")
    .add_edge("approve", "send")
    .add_edge("send", END)
    .compile()
)


def look(state: State) -> dict[str, Any]:
    book.note(state["book"], "look")
    return {"log": [f"looked {len(state['log'])}"]}


def change(_: State) -> dict[str, Any]:
    write = get_stream_writer()
    for event in ("prices", "nothing"):
        write({"interlock": {"cache_event": event}})
    return {"log": ["changed"]}


repricing = (
    StateGraph(State)
    .add_node("look", look)
    .add_node("change", change)
    .add_edge(START, "look")
    .add_conditional_edges("look", lambda state: END if "changed" in state["log"] else "change")
    .add_edge("change", "look")
    .compile()
)
