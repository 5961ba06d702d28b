"""Map and reduce with Send, each part asks for itself."""

import operator
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict


class State(TypedDict):
    items: list[str]
    done: Annotated[list[Any], operator.add]


class Part(TypedDict):
    item: str


def split(state: State) -> list[Send]:
    return [Send("review", {"item": item}) for item in state["items"]]


def review(part: Part) -> dict:
    return {"done": [(part["item"], interrupt({"question": f"Release {part['item']}?"}))]}


def gather(state: State) -> dict:
    return {"done": [len(state["done"])]}


builder = StateGraph(State)
builder.add_node("review", review)
builder.add_node("gather", gather)
builder.add_conditional_edges(START, split, ["review"])
builder.add_edge("review", "gather")
builder.add_edge("gather", END)
graph = builder.compile()


class Team(TypedDict):
    item: str
    done: Annotated[list[Any], operator.add]


def check(state: Team) -> dict:
    return {"done": [interrupt(f"Check {state['item']}?")]}


team = StateGraph(Team).add_node("check", check).add_edge(START, "check").compile()
to_teams = (
    StateGraph(State)
    .add_node("team", team)
    .add_conditional_edges(
        START, lambda state: [Send("team", {"item": i, "done": []}) for i in state["items"]], ["team"]
    )
    .compile()
)
