"""A node that is called twice, and a tool that is called twice."""

from __future__ import annotations

import operator
from typing import Annotated

from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    book: str
    log: Annotated[list[str], operator.add]
    messages: Annotated[list[AnyMessage], add_messages]


@tool
def search(question: str) -> str:
    """Look it up."""
    return f"found {question}"


def call(state: State) -> State:
    return {"log": ["called"]}


def ask(state: State) -> State:
    calls = [
        {"name": "search", "args": {"question": word}, "id": word, "type": "tool_call"}
        for word in ("bees", "wasps")
    ]
    return {"messages": [AIMessage(content="", tool_calls=calls)]}


limited = (
    StateGraph(State)
    .add_node("call", call)
    .add_node("ask", ask)
    .add_node("tools", ToolNode([search]))
    .add_edge(START, "call")
    .add_conditional_edges("call", lambda state: "call" if len(state["log"]) < 2 else "ask")
    .add_edge("ask", "tools")
    .add_edge("tools", END)
    .compile()
)
