"""Graphs that ask in every way and note each side effect, so that what ran again is seen afterwards."""

from __future__ import annotations

import asyncio
import itertools
import operator
import time
from collections.abc import Callable
from typing import Annotated, Any

import journal
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict

ENOUGH = 3  # members of a panel


class State(TypedDict, total=False):
    """`done` are the places that ended, in order; `answers` what each was told."""

    pace_s: float
    done: Annotated[list[str], operator.add]
    answers: Annotated[list[list[str]], operator.add]


class Part(TypedDict):
    """What one member of a panel is given."""

    pace_s: float
    place: str


Node = Callable[..., Any]


def working(place: str) -> Node:
    """A node that begins, takes its time, and has its effect."""

    async def work(state: State, runtime: Runtime[Any]) -> dict[str, Any]:
        journal.note("begin", place, runtime)
        await asyncio.sleep(state["pace_s"])
        journal.note("end", place, runtime)
        return {"done": [place]}

    return work


def working_in_thread(place: str) -> Node:
    """The same without a loop: nothing can cut it off."""

    def work(state: State, runtime: Runtime[Any]) -> dict[str, Any]:
        journal.note("begin", place, runtime)
        time.sleep(state["pace_s"])
        journal.note("end", place, runtime)
        return {"done": [place]}

    return work


def asking(place: str, *, times: int = 1) -> Node:
    """A node that asks, once or in turn, and then works on what it was told."""

    async def ask(state: State, runtime: Runtime[Any]) -> dict[str, Any]:
        return await _ask(place, state["pace_s"], runtime, times)

    return ask


async def _ask(place: str, pace_s: float, runtime: Runtime[Any], times: int) -> dict[str, Any]:
    journal.note("begin", place, runtime)
    answers = []
    for number in range(times):
        journal.note(f"ask {number}", place, runtime)
        answer = interrupt({"question": f"{place} {number}?"})
        journal.note(f"answered {number}", place, runtime, answer)
        answers.append([f"{place} {number}", answer])
    await asyncio.sleep(pace_s)
    journal.note("end", place, runtime)
    return {"done": [place], "answers": answers}


class Pace(TypedDict):
    """What a graph is given."""

    pace_s: float


def chain(*nodes: tuple[str, Any]) -> StateGraph[Any, Any, Any, Any]:
    """One node after the other; it takes nothing but its pace, and gives what it did itself."""
    builder = StateGraph(State, input_schema=Pace)
    for name, node in nodes:
        builder.add_node(name, node)
    names = [START, *(name for name, _ in nodes), END]
    for before, after in itertools.pairwise(names):
        builder.add_edge(before, after)
    return builder


refund = chain(
    ("prepare", working("prepare")),
    ("review", asking("review")),
    ("charge", working_in_thread("charge")),
    ("notify", working("notify")),
).compile()

interview = chain(
    ("open", working("open")),
    ("interview", asking("interview", times=2)),
    ("close", working("close")),
).compile()

# --- questions side by side, and beside them a node that only works -------------------------------


async def member(part: Part, runtime: Runtime[Any]) -> dict[str, Any]:
    return await _ask(part["place"], part["pace_s"], runtime, times=1)


def invite(state: State) -> list[Send | str]:
    places = [f"member {number}" for number in range(ENOUGH)]
    return [*(Send("member", Part(pace_s=state["pace_s"], place=p)) for p in places), "index"]


panel = (
    StateGraph(State, input_schema=Pace)
    .add_node("split", working("split"))
    .add_node("member", member)
    .add_node("index", working("index"))
    .add_node("gather", working("gather"))
    .add_edge(START, "split")
    .add_conditional_edges("split", invite, ["member", "index"])
    .add_edge(["member", "index"], "gather")
    .add_edge("gather", END)
    .compile()
)

# --- a question inside a subgraph -----------------------------------------------------------------

desk = chain(
    ("unfold", working("unfold")),
    ("sign", asking("sign")),
    ("file", working("file")),
).compile()

office = chain(
    ("receive", working("receive")), ("desk", desk), ("archive", working("archive"))
).compile()

# --- no question: only work, side by side ---------------------------------------------------------

report = (
    StateGraph(State, input_schema=Pace)
    .add_node("plan", working("plan"))
    .add_node("left", working("left"))
    .add_node("middle", working_in_thread("middle"))
    .add_node("right", working("right"))
    .add_node("bind", working("bind"))
    .add_edge(START, "plan")
    .add_edge("plan", "left")
    .add_edge("plan", "middle")
    .add_edge("plan", "right")
    .add_edge(["left", "middle", "right"], "bind")
    .add_edge("bind", END)
    .compile()
)
