"""Graphs that another application runs as well."""

from __future__ import annotations

import operator
from typing import Annotated, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt


class Refund(TypedDict):
    amount: int
    log: Annotated[list[str], operator.add]


def look(state: Refund) -> dict:
    if state["amount"] < 0:
        raise ValueError("a negative amount")
    return {"log": ["looked"]}


def review(state: Refund) -> dict:
    answer = interrupt({"question": "refund?", "amount": state["amount"]})
    return {"log": [f"review {answer}"]}


def sign(state: Refund) -> dict:
    if state["amount"] < 1000:
        return {"log": ["signed"]}
    return {"log": [f"sign {interrupt('first?')} {interrupt('second?')}"]}


def pay(_state: Refund) -> dict:
    return {"log": ["paid"]}


refund = (
    StateGraph(Refund)
    .add_node("look", look)
    .add_node("review", review)
    .add_node("sign", sign)
    .add_node("pay", pay)
    .add_edge(START, "look")
    .add_edge("look", "review")
    .add_edge("review", "sign")
    .add_edge("sign", "pay")
    .compile()
)


class Report(TypedDict):
    topic: str
    parts: Annotated[list[str], operator.add]


def outline(state: Report) -> list[Send]:
    return [Send("part", {"topic": state["topic"], "parts": []}) for _ in range(2)]


def part(state: Report) -> dict:
    return {"parts": [f"{state['topic']} part"]}


def ask_inside(state: Report) -> dict:
    return {"parts": [f"edited {interrupt('good?')}"]}


editor = StateGraph(Report).add_node("ask", ask_inside).add_edge(START, "ask").compile()

report = (
    StateGraph(Report)
    .add_node("part", part)
    .add_node("edit", editor)
    .add_conditional_edges(START, outline, ["part"])
    .add_edge("part", "edit")
    .compile()
)


class Secret(TypedDict):
    hidden: str


def whisper(_state: Secret) -> dict:
    return {"hidden": interrupt("who is there?")}


secret = StateGraph(Secret).add_node("whisper", whisper).add_edge(START, "whisper").compile()
