"""Graphs in graphs, the innermost asks."""

import operator
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt


class State(TypedDict, total=False):
    topic: str
    log: Annotated[list[str], operator.add]


class Own(TypedDict, total=False):
    topic: str
    secret: str
    log: Annotated[list[str], operator.add]


def note(text: str):
    def node(state):
        return {"log": [text]}

    return node


def ask(state: Own) -> dict:
    answer = interrupt({"question": f"About {state['topic']}?", "secret": state.get("secret")})
    return {"log": [f"answered {answer}"]}


def hand_over(state: Own) -> Command:
    return Command(graph=Command.PARENT, goto="closing", update={"log": ["handed over"]})


innermost = (
    StateGraph(Own)
    .add_node("ask", ask)
    .add_node("hand over", hand_over)
    .add_edge(START, "ask")
    .add_edge("ask", "hand over")
    .compile()
)
team = (
    StateGraph(Own)
    .add_node("prepare", lambda state: {"secret": "inside", "log": ["prepared"]})
    .add_node("writer", innermost)
    .add_node("closing", note("team closed"))
    .add_edge(START, "prepare")
    .add_edge("prepare", "writer")
    .add_edge("closing", END)
)


def main(nested) -> StateGraph:
    builder = StateGraph(State)
    builder.add_node("open", note("opened"))
    builder.add_node("team", nested)
    builder.add_node("close", note("closed"))
    builder.add_edge(START, "open")
    builder.add_edge("open", "team")
    builder.add_edge("team", "close")
    builder.add_edge("close", END)
    return builder


graph = main(team.compile()).compile()
with_own_saver = main(team.compile(checkpointer=True)).compile(checkpointer=InMemorySaver())

simple = StateGraph(Own).add_node("ask", ask).add_edge(START, "ask").compile()


async def call_simple(state: State) -> dict:
    result = await simple.ainvoke({"topic": state["topic"], "secret": "called"})
    return {"log": ["called", *result["log"]]}


calls_inside = (
    StateGraph(State).add_node("call simple", call_simple).add_edge(START, "call simple").compile()
)
