"""The first version."""

import os
from typing import TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from parts import finish


class State(TypedDict, total=False):
    text: str


def ask(state: State) -> State:
    return {"text": finish(interrupt(f"Go on, {os.environ['WORD']}?"))}


graph = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()
