"""The agent loop by hand with the prebuilt ToolNode, and the prebuilt agent itself."""

import warnings
from collections.abc import Sequence
from typing import Annotated, Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode, create_react_agent, tools_condition
from langgraph.types import Command, interrupt

from model import Scripted, call


@tool
def divide(a: float, b: float) -> float:
    """Divide."""
    return a / b


@tool
def count_messages(state: Annotated[dict, InjectedState]) -> int:
    """Count what was said."""
    return len(state["messages"])


@tool
def human_assistance(query: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command:
    """Request assistance from a human."""
    answer: Any = interrupt({"query": query})
    return Command(update={"messages": [ToolMessage(f"human: {answer['data']}", tool_call_id=tool_call_id)]})


TOOLS = [divide, count_messages, human_assistance]


def act(messages: Sequence[BaseMessage]) -> AIMessage:
    results = [str(m.content) for m in messages if isinstance(m, ToolMessage)]
    if results:
        return AIMessage(f"I have: {sorted(results)}")
    return AIMessage(
        "",
        tool_calls=[
            call("divide", 1, a=1, b=0),
            call("count_messages", 2),
            call("human_assistance", 3, query="How?"),
        ],
    )


llm = Scripted(script=act).bind_tools(TOOLS)


def chatbot(state: MessagesState) -> dict:
    return {"messages": [llm.invoke(state["messages"])]}


builder = StateGraph(MessagesState)
builder.add_node("chatbot", chatbot)
builder.add_node("tools", ToolNode(TOOLS, handle_tool_errors=True))
builder.add_conditional_edges("chatbot", tools_condition)
builder.add_edge("tools", "chatbot")
builder.add_edge(START, "chatbot")
graph = builder.compile()


def make_prebuilt(config: RunnableConfig):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return create_react_agent(
            Scripted(script=act),
            ToolNode(TOOLS, handle_tool_errors=True),
            prompt="You are careful.",
            interrupt_before=["tools"],
            version="v2",
        )
