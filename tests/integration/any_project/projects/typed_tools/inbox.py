"""A node that asks about a tool of its own in the words of the agent inbox, and then calls it."""

from typing import Any, Literal, TypedDict

from langchain_core.tools import tool
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt


class State(TypedDict, total=False):
    action: str
    result: Any


@tool
def book(room: Literal["small", "large"], days: int) -> str:
    """Book a room."""
    return f"{room} for {days!r} days"


TOOLS = {"book": book}


def review(state: State) -> State:
    request = {
        "action_request": {"action": state["action"], "args": {"room": "small", "days": 3}},
        "config": {
            "allow_ignore": True,
            "allow_respond": True,
            "allow_edit": True,
            "allow_accept": True,
        },
    }
    response = interrupt([request])[0]
    if response["type"] not in ("accept", "edit"):
        return {"result": response}
    return {"result": TOOLS["book"].invoke(response["args"]["args"])}


graph = StateGraph(State).add_node("review", review).add_edge(START, "review").compile()
