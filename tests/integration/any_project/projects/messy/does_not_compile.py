from typing import TypedDict

from langgraph.graph import StateGraph


class State(TypedDict):
    text: str


builder = StateGraph(State)
builder.add_node("alone", lambda state: state)
builder.add_edge("alone", "nowhere")
