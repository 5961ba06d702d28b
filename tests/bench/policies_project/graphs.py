"""The graphs that policies are measured on: many equal nodes in a row, and one tool node."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

NODES = 20  # of each run; what else a run costs counts the less


class State(TypedDict, total=False):
    """A counter, and a text that stays as it is: what caches go by."""

    count: Annotated[int, operator.add]
    question: str


async def step(state: State) -> State:
    """A node of nothing but what LangGraph and we do around it."""
    return {"count": len(state["question"])}


def sync_step(state: State) -> State:
    """The same in a thread."""
    return {"count": len(state["question"])}


@tool
def double(number: int) -> int:
    """Twice a number."""
    return 2 * number


def ask(state: MessagesState) -> dict[str, Any]:
    """The model's part: one call of the tool."""
    call = {"name": "double", "args": {"number": 21}, "id": f"call-{len(state['messages'])}"}
    return {"messages": [AIMessage("", tool_calls=[call])]}


def _build_row(node: Any) -> Any:
    builder = StateGraph(State)
    previous = START
    for number in range(NODES):
        builder.add_node(f"node_{number}", node)
        builder.add_edge(previous, f"node_{number}")
        previous = f"node_{number}"
    return builder.compile()


def _build_tool() -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("ask", ask)
    builder.add_node("tools", ToolNode([double]))
    builder.add_edge(START, "ask")
    builder.add_edge("ask", "tools")
    return builder.compile()


row = _build_row(step)
sync_row = _build_row(sync_step)
agent = _build_tool()
