"""Graphs with steps that take as long as a test wants, and that hold where they are told."""

from __future__ import annotations

import asyncio
import operator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import book
from langchain_core.messages import AnyMessage
from langgraph.cache.memory import InMemoryCache
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import CachePolicy, interrupt
from langgraph_sdk.runtime import ServerRuntime
from pydantic import BaseModel, model_validator
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    book: str
    question: str
    log: Annotated[list[str], operator.add]


async def slow(state: State) -> dict[str, Any]:
    book.note(state["book"], "slow")
    await book.wait_for(state["book"], "slow")
    book.die_if_told(state["book"], "slow")
    return {"log": ["slow"]}


def slow_in_thread(state: State) -> dict[str, Any]:
    book.note(state["book"], "slow")
    book.block_at(state["book"], "slow")
    book.note(state["book"], "slow ended")
    return {"log": ["slow"]}


def _step(name: str) -> Any:
    def step(state: State) -> dict[str, Any]:
        book.note(state["book"], name)
        book.die_if_told(state["book"], name)
        book.fail_if_told(state["book"], name)
        return {"log": [name]}

    return step


def _line(*names: str, **nodes: Any) -> StateGraph[Any, Any, Any, Any]:
    builder = StateGraph(State)
    for name in names:
        builder.add_node(name, nodes.get(name) or _step(name))
    for one, other in zip((START, *names), (*names, END), strict=True):
        builder.add_edge(one, other)
    return builder


steps = _line("a", "b", "c", "d").compile()
_team = _line("b", "c").compile(interrupt_before=["b", "c"])
inner = _line("a", "team", "d", team=_team).compile()
held = _line("a", "b", "c").compile(interrupt_before=["b"], interrupt_after=["b"])
working = _line("a", "slow", "z", slow=slow).compile()
working_in_thread = _line("a", "slow", "z", slow=slow_in_thread).compile()

joined = (
    StateGraph(State)
    .add_node("a", _step("a"))
    .add_node("b", _step("b"))
    .add_node("c", _step("c"))
    .add_node("d", _step("d"))
    .add_edge(START, "a")
    .add_edge(START, "b")
    .add_edge("a", "c")
    .add_edge("b", "d")
    .compile()
)


async def fails_beside(state: State) -> dict[str, Any]:
    while not (Path(state["book"]) / "at slow.done").exists():
        await asyncio.sleep(book.STEP_S)
    book.fail_if_told(state["book"], "beside")
    return {"log": ["beside"]}


beside = (
    StateGraph(State)
    .add_node("slow", slow_in_thread)
    .add_node("fails_beside", fails_beside)
    .add_edge(START, "slow")
    .add_edge(START, "fails_beside")
    .compile()
)


# --- a state of more than JSON ---------------------------------------------------------------------


class Typed(TypedDict, total=False):
    book: str
    due: date
    notes: Annotated[list[AnyMessage], add_messages]
    tags: Annotated[set[str], operator.or_]
    told: str


def tell(state: Typed) -> dict[str, Any]:
    kinds = (state["due"], state["notes"][0], state["tags"])
    return {"told": " ".join(type(kind).__name__ for kind in kinds)}


typed = (
    StateGraph(Typed)
    .add_node("tell", tell)
    .add_edge(START, "tell")
    .add_edge("tell", END)
    .compile(interrupt_before=["tell"])
)


# --- a graph made for each run -------------------------------------------------------------------


class Where(TypedDict, total=False):
    book: str


def opened(runtime: ServerRuntime) -> Any:
    """A factory that may be the end of its worker."""
    execution = runtime.execution_runtime
    context = execution.context if execution else None
    if context:
        book.die_if_told(context["book"], "opening")
    return StateGraph(State, context_schema=Where).add_node("a", _step("a")).add_edge(START, "a")


# --- a state that may be the end of whoever reads it ------------------------------------------------


class Fragile(BaseModel):
    book: str
    log: list[str] = []

    @model_validator(mode="after")
    def _read(self) -> Fragile:
        book.die_if_told(self.book, "reading")
        book.stop_if_told(self.book, "reading")
        return self


async def look_at(state: Fragile) -> dict[str, Any]:
    book.note(state.book, "looked")
    return {"log": ["looked"]}


fragile = StateGraph(State).add_node("look_at", look_at).add_edge(START, "look_at").compile()


# --- cached nodes --------------------------------------------------------------------------------


def look_up(state: State) -> dict[str, Any]:
    book.note(state["book"], "look_up")
    return {"log": [f"found {state['question']}"]}


def ask(state: State) -> dict[str, Any]:
    book.note(state["book"], "asking")
    return {"log": [interrupt({"question": state["question"]})]}


def side(state: State) -> dict[str, Any]:
    book.note(state["book"], "side")
    return {"log": ["side"]}


caching = (
    StateGraph(State)
    .add_node(
        "look_up", look_up, cache_policy=CachePolicy(key_func=lambda s: s.get("question", ""))
    )
    .add_node("ask", ask)
    .add_node("side", side, cache_policy=CachePolicy(key_func=lambda s: s.get("book", "")))
    .add_edge(START, "look_up")
    .add_edge("look_up", "ask")
    .add_edge("look_up", "side")
    .add_edge("ask", END)
    .compile(cache=InMemoryCache())
)
