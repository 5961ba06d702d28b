from typing import TypedDict

from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    text: str


graph = StateGraph(State).add_node("tell", lambda state: {"text": "libs/other/app"}).add_edge(START, "tell")
