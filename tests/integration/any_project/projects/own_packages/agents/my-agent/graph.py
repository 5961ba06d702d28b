from typing import TypedDict

from helpers import say
from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    text: str


graph = StateGraph(State).add_node("tell", lambda state: {"text": say()}).add_edge(START, "tell")
