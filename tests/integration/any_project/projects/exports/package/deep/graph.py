"""Lies deep in a package and imports its neighbours."""

from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from package.deep.state import State

from . import state as neighbour


def ask(state: State) -> dict:
    made = "module" if neighbour.State is State else "two modules of one file"
    return {"made": made, "answer": interrupt("Send it?")}


graph = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()
