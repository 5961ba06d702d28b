"""Graphs as programs of elsewhere drive them: one question, two at once, agent-inbox's, slow, failing."""

from __future__ import annotations

import asyncio
import operator
from typing import Annotated, Any

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    text: str
    log: Annotated[list[Any], operator.add]


def read(state: State) -> State:
    get_stream_writer()({"read": state["text"]})
    return {"log": ["read"]}


def review(state: State) -> State:
    return {"log": [interrupt({"question": f"Pay {state['text']}?"})]}


def pay(_state: State) -> State:
    return {"log": ["paid"]}


def ask(name: str) -> Any:
    return lambda _state: {"log": [[name, interrupt(f"{name}?")]]}


def request(state: State) -> State:
    asked = {
        "action_request": {"action": "pay", "args": {"to": state["text"]}},
        "config": {
            "allow_accept": True,
            "allow_edit": True,
            "allow_respond": True,
            "allow_ignore": True,
        },
        "description": "Pay?",
    }
    return {"log": interrupt(asked)}


async def sleep(_state: State) -> State:
    await asyncio.sleep(600)
    return {"log": ["slept"]}


def fail(_state: State) -> State:
    raise ValueError("No ink.")


def make(**nodes: Any) -> Any:
    builder = StateGraph(State)
    before = START
    for name, node in nodes.items():
        builder.add_node(name, node)
        builder.add_edge(before, name)
        before = name
    builder.add_edge(before, END)
    return builder


desk = make(read=read, review=review, pay=pay).compile()
inbox = make(request=request, pay=pay).compile()
slow = make(sleep=sleep).compile()
failing = make(fail=fail).compile()
pair = (
    StateGraph(State)
    .add_node("one", ask("one"))
    .add_node("two", ask("two"))
    .add_edge(START, "one")
    .add_edge(START, "two")
    .compile()
)
