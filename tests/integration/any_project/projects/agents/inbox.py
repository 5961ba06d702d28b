"""The agent inbox's request, as its README shows it."""

from typing import Any, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.prebuilt.interrupt import HumanInterrupt, HumanResponse
from langgraph.types import interrupt


class State(TypedDict, total=False):
    action: str
    response: Any


def review(state: State) -> State:
    request: HumanInterrupt = {
        "action_request": {"action": state["action"], "args": {"to": "ann", "days": 3}},
        "config": {
            "allow_ignore": True,
            "allow_respond": True,
            "allow_edit": True,
            "allow_accept": True,
        },
        "description": "# A request\n\n![x](http://127.0.0.1:9/leak.png)",
    }
    response: HumanResponse = interrupt([request])[0]
    return {"response": response}


graph = StateGraph(State).add_node("review", review).add_edge(START, "review").compile()
