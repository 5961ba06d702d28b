"""How to review tool calls: continue, update or give feedback, by Command(goto)."""

from typing import Literal

from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import MemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from chat import RuleModel, tool_call


@tool
def weather_search(city: str):
    """Search for the weather"""
    return f"Sunny in {city}!"


def rule(messages: list):
    last = messages[-1]
    if last.type == "human" and "weather" in last.content:
        return tool_call("weather_search", city="sf")
    if last.type == "tool" and last.content.startswith("User requested"):
        return tool_call("weather_search", city="San Francisco, USA")
    return f"It says: {last.content}"


model = RuleModel(rule=rule).bind_tools([weather_search])


class State(MessagesState):
    """Simple state."""


def call_llm(state):
    return {"messages": [model.invoke(state["messages"])]}


def human_review_node(state) -> Command[Literal["call_llm", "run_tool"]]:
    last_message = state["messages"][-1]
    tool_call = last_message.tool_calls[-1]
    human_review = interrupt({"question": "Is this correct?", "tool_call": tool_call})
    review_action = human_review["action"]
    review_data = human_review.get("data")
    if review_action == "continue":
        return Command(goto="run_tool")
    elif review_action == "update":
        updated_message = {
            "role": "ai",
            "content": last_message.content,
            "tool_calls": [{"id": tool_call["id"], "name": tool_call["name"], "args": review_data}],
            "id": last_message.id,
        }
        return Command(goto="run_tool", update={"messages": [updated_message]})
    elif review_action == "feedback":
        tool_message = {
            "role": "tool",
            "content": review_data,
            "name": tool_call["name"],
            "tool_call_id": tool_call["id"],
        }
        return Command(goto="call_llm", update={"messages": [tool_message]})
    raise ValueError(f"unknown action {review_action!r}")


def run_tool(state):
    new_messages = []
    tools = {"weather_search": weather_search}
    for tool_call in state["messages"][-1].tool_calls:
        result = tools[tool_call["name"]].invoke(tool_call["args"])
        new_messages.append(
            {"role": "tool", "name": tool_call["name"], "content": result, "tool_call_id": tool_call["id"]}
        )
    return {"messages": new_messages}


def route_after_llm(state) -> Literal[END, "human_review_node"]:
    if len(state["messages"][-1].tool_calls) == 0:
        return END
    else:
        return "human_review_node"


builder = StateGraph(State)
builder.add_node(call_llm)
builder.add_node(run_tool)
builder.add_node(human_review_node)
builder.add_edge(START, "call_llm")
builder.add_conditional_edges("call_llm", route_after_llm)
builder.add_edge("run_tool", "call_llm")
memory = MemorySaver()
graph = builder.compile(checkpointer=memory)
