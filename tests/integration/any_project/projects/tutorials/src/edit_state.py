"""How to edit graph state at a breakpoint."""

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict


class State(TypedDict):
    input: str
    steps: list[str]


def step_1(state):
    return {"steps": [*state.get("steps", []), f"1 {state['input']}"]}


def step_2(state):
    return {"steps": [*state["steps"], f"2 {state['input']}"]}


def step_3(state):
    return {"steps": [*state["steps"], f"3 {state['input']}"]}


builder = StateGraph(State)
builder.add_node("step_1", step_1)
builder.add_node("step_2", step_2)
builder.add_node("step_3", step_3)
builder.add_edge(START, "step_1")
builder.add_edge("step_1", "step_2")
builder.add_edge("step_2", "step_3")
builder.add_edge("step_3", END)
graph = builder.compile(checkpointer=InMemorySaver(), interrupt_before=["step_2"])
