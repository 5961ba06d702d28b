"""Workflows that go on only when a test puts a file into their place."""

import asyncio
from pathlib import Path

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict


class Work(TypedDict, total=False):
    gate: str
    done: str


async def first(state: Work) -> Work:
    return {"done": "first"}


async def second(state: Work) -> Work:
    while not Path(state["gate"]).exists():
        await asyncio.sleep(0.05)
    return {"done": "second"}


async def third(state: Work) -> Work:
    return {"done": "third"}


builder = StateGraph(Work)
for node in (first, second, third):
    builder.add_node(node)
builder.add_edge(START, "first")
builder.add_edge("first", "second")
builder.add_edge("second", "third")
builder.add_edge("third", END)
stages = builder.compile()


async def hurdle(state: Work) -> Work:
    if not Path(state["gate"]).exists():
        raise RuntimeError("The gate is shut.")
    return {"done": "hurdle"}


failing = StateGraph(Work)
failing.add_node("first", first)
failing.add_node("hurdle", hurdle)
failing.add_edge(START, "first")
failing.add_edge("first", "hurdle")
failing.add_edge("hurdle", END)
fragile = failing.compile()
