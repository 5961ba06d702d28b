"""Graphs that ask: once, twice in one node, side by side, deep inside, and in plain functions."""

from __future__ import annotations

import operator
from typing import Annotated, Any

import book
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt
from pydantic import BaseModel, field_validator
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    book: str
    items: list[str]
    answers: Annotated[list[Any], operator.add]


class Part(TypedDict):
    book: str
    item: str


class Amount(BaseModel):
    """An answer whose rule is not in its JSON Schema."""

    amount: int

    @field_validator("amount")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value


# --- one question, with a step before and a step after -------------------------------------------


def before(state: State) -> dict[str, Any]:
    book.note(state["book"], "before")
    book.die_if_told(state["book"], "before")
    return {"answers": ["before"]}


async def ask(state: State) -> dict[str, Any]:
    book.note(state["book"], "asking")
    book.die_if_told(state["book"], "asking")
    answer = interrupt({"question": "Go on?"})
    book.note(state["book"], "answered")
    await book.wait_for(state["book"], "answered")
    book.die_if_told(state["book"], "answered")
    book.fail_if_told(state["book"], "answered")
    return {"answers": [answer]}


def after(state: State) -> dict[str, Any]:
    book.note(state["book"], "after")
    book.die_if_told(state["book"], "after")
    book.fail_if_told(state["book"], "after")
    return {"answers": ["after"]}


def _one() -> StateGraph[Any, Any, Any, Any]:
    builder = StateGraph(State)
    builder.add_node("before", before)
    builder.add_node("ask", ask)
    builder.add_node("after", after)
    builder.add_edge(START, "before")
    builder.add_edge("before", "ask")
    builder.add_edge("ask", "after")
    builder.add_edge("after", END)
    return builder


one = _one().compile()


# --- two questions in one node -------------------------------------------------------------------


def ask_twice(state: State) -> dict[str, Any]:
    book.note(state["book"], "asking")
    small = interrupt({"question": "Pay 10?"})
    book.note(state["book"], "small")
    book.die_if_told(state["book"], "small")
    book.fail_if_told(state["book"], "small")
    large = interrupt({"question": "Pay 1000000?"})
    book.note(state["book"], "large")
    return {"answers": [small, large]}


two = (
    StateGraph(State)
    .add_node("ask_twice", ask_twice)
    .add_edge(START, "ask_twice")
    .add_edge("ask_twice", END)
    .compile()
)


# --- several at once -----------------------------------------------------------------------------


def fan_out(state: State) -> list[Send]:
    return [Send("review", Part(book=state["book"], item=item)) for item in state["items"]]


def review(part: Part) -> dict[str, Any]:
    item = part["item"]
    book.note(part["book"], f"asking {item}")
    answer = interrupt({"question": f"Release {item}?"})
    book.note(part["book"], f"released {item}")
    book.block_at(part["book"], f"released {item}")
    book.die_if_told(part["book"], f"released {item}")
    book.fail_if_told(part["book"], f"released {item}")
    return {"answers": [[item, answer]]}


def gather(state: State) -> dict[str, Any]:
    book.note(state["book"], "gather")
    return {}


fan = (
    StateGraph(State)
    .add_node("review", review)
    .add_node("gather", gather)
    .add_conditional_edges(START, fan_out, ["review"])
    .add_edge("review", "gather")
    .add_edge("gather", END)
    .compile()
)


def check(part: Part) -> dict[str, Any]:
    item = part["item"]
    book.note(part["book"], f"asking {item}")
    answer = interrupt({"question": f"How many {item}?"}, response_schema=Amount)
    book.note(part["book"], f"checked {item}")
    return {"answers": [[item, answer.amount]]}


def fan_out_checked(state: State) -> list[Send]:
    return [Send("check", Part(book=state["book"], item=item)) for item in state["items"]]


checked = (
    StateGraph(State)
    .add_node("check", check)
    .add_conditional_edges(START, fan_out_checked, ["check"])
    .add_edge("check", END)
    .compile()
)


def weigh(part: Part) -> dict[str, Any]:
    item = part["item"]
    stock = book.count(part["book"], "stock")
    answer = interrupt({"question": f"Release {item}?", "stock": stock})
    book.note(part["book"], f"released {item}")
    book.block_at(part["book"], f"released {item}")
    return {"answers": [[item, answer, stock]]}


def fan_out_weighed(state: State) -> list[Send]:
    return [Send("weigh", Part(book=state["book"], item=item)) for item in state["items"]]


changing = (
    StateGraph(State)
    .add_node("weigh", weigh)
    .add_conditional_edges(START, fan_out_weighed, ["weigh"])
    .add_edge("weigh", END)
    .compile()
)


# --- a graph in a graph, two branches of which one asks ------------------------------------------


def quick(state: State) -> dict[str, Any]:
    book.note(state["book"], "quick")
    return {"answers": ["quick"]}


_inner = (
    StateGraph(State)
    .add_node("quick", quick)
    .add_node("ask", ask)
    .add_node("after", after)
    .add_edge(START, "quick")
    .add_edge(START, "ask")
    .add_edge("ask", "after")
    .add_edge("after", END)
    .compile()
)

nested = (
    StateGraph(State)
    .add_node("before", before)
    .add_node("team", _inner)
    .add_edge(START, "before")
    .add_edge("before", "team")
    .add_edge("team", END)
    .compile()
)


# --- plain functions -----------------------------------------------------------------------------


@task
def measure(folder: str) -> int:
    book.note(folder, "measured")
    return 42


@task
def ask_both(folder: str) -> list[Any]:
    book.note(folder, "asking")
    small = interrupt({"question": "Pay 10?"})
    book.note(folder, "small")
    book.fail_if_told(folder, "small")
    large = interrupt({"question": "Pay 1000000?"})
    book.note(folder, "large")
    return [small, large]


@entrypoint()
def functions(state: dict[str, Any]) -> dict[str, Any]:
    """Measure once, ask twice."""
    book.note(state["book"], "entered")
    length = measure(state["book"]).result()
    return {"length": length, "answers": ask_both(state["book"]).result()}
