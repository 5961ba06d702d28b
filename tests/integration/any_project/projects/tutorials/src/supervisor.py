"""Multi-agent supervisor: the supervisor routes by Command(goto), the workers report back."""

import warnings
from typing import Annotated, Literal

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import create_react_agent
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from chat import RuleModel, tool_call

members = ["researcher", "coder"]
options = members + ["FINISH"]


class Router(TypedDict):
    """Worker to route to next. If no workers needed, route to FINISH."""

    next: Literal[*options]


def route(messages: list):
    names = [getattr(m, "name", None) for m in messages]
    if "researcher" not in names:
        return {"next": "researcher"}
    if "coder" not in names:
        return {"next": "coder"}
    return {"next": "FINISH"}


llm = RuleModel(rule=route)


class State(MessagesState):
    next: str


def supervisor_node(state: State) -> Command[Literal[*members, "__end__"]]:
    messages = [("system", "You are a supervisor.")] + state["messages"]
    response = llm.with_structured_output(Router).invoke(state["messages"])
    goto = response["next"]
    if goto == "FINISH":
        goto = END
    return Command(goto=goto, update={"next": goto})


@tool
def search(query: Annotated[str, "what to look for"]) -> str:
    """Search the web."""
    return f"GDP by {query}"


@tool
def python_repl_tool(code: Annotated[str, "The python code to execute"]):
    """Use this to execute python code, after a human has read it."""
    if not interrupt({"question": "Run this code?", "code": code}):
        return "The human refused."
    return f"Successfully executed:\n```python\n{code}\n```"


def research(messages: list):
    if messages[-1].type == "tool":
        return f"Found: {messages[-1].content}"
    return tool_call("search", query="state")


def code(messages: list):
    if messages[-1].type == "tool":
        return f"Coded: {messages[-1].content}"
    return tool_call("python_repl_tool", code="print(42)")


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    research_agent = create_react_agent(
        RuleModel(rule=research), tools=[search], prompt="You are a researcher. DO NOT do any math."
    )
    code_agent = create_react_agent(RuleModel(rule=code), tools=[python_repl_tool])


def research_node(state: State) -> Command[Literal["supervisor"]]:
    result = research_agent.invoke(state)
    return Command(
        update={"messages": [HumanMessage(content=result["messages"][-1].content, name="researcher")]},
        goto="supervisor",
    )


async def code_node(state: State) -> Command[Literal["supervisor"]]:
    result = await code_agent.ainvoke(state)
    return Command(
        update={"messages": [HumanMessage(content=result["messages"][-1].content, name="coder")]},
        goto="supervisor",
    )


builder = StateGraph(State)
builder.add_edge(START, "supervisor")
builder.add_node("supervisor", supervisor_node)
builder.add_node("researcher", research_node)
builder.add_node("coder", code_node)
graph = builder.compile()
