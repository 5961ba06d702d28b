"""An agent whose tool says exactly what it takes, alone, within a graph, and called by another agent."""

import json
from collections.abc import Sequence
from typing import Annotated, Literal

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolRuntime
from pydantic import BaseModel, Field

from model import Scripted, call


class Place(BaseModel):
    street: str
    number: int = Field(ge=1)


class Parcel(BaseModel):
    sku: str
    count: int = Field(ge=1, le=9)


@tool
def ship(
    to: Place,
    parcels: list[Parcel],
    speed: Literal["slow", "fast"],
    weight: float,
    state: Annotated[dict, InjectedState],
    runtime: ToolRuntime,
    insured: bool = False,
    note: str | None = None,
) -> str:
    """Ship parcels."""
    said = [to.street, to.number, [[p.sku, p.count] for p in parcels], speed, weight, insured, note]
    return json.dumps([*said, len(state["messages"]) > 0, bool(runtime.tool_call_id)])


ARGS = {
    "to": {"street": "Ring", "number": 1},
    "parcels": [{"sku": "a", "count": 2}],
    "speed": "slow",
    "weight": 3,
}


def act(messages: Sequence[BaseMessage]) -> AIMessage:
    if isinstance(messages[-1], ToolMessage):
        return AIMessage("Done.")
    return AIMessage("I ship it.", tool_calls=[call("ship", 1, **ARGS), call("ship", 2, **ARGS)])


def agent(mode: str):
    review = HumanInTheLoopMiddleware(interrupt_on={"ship": True}, interrupt_mode=mode)
    return create_agent(Scripted(script=act), [ship], middleware=[review])


batched = agent("batched")
per_call = agent("per_call")
nested = (
    StateGraph(MessagesState).add_node("team", agent("batched")).add_edge(START, "team").compile()
)


@tool
def delegate(task: str) -> str:
    """Let the shipping agent do it."""
    done = batched.invoke({"messages": [("user", task)]})
    return str([m.content for m in done["messages"] if isinstance(m, ToolMessage)])


def delegating(messages: Sequence[BaseMessage]) -> AIMessage:
    if isinstance(messages[-1], ToolMessage):
        return AIMessage("Done.")
    return AIMessage("", tool_calls=[call("delegate", 1, task="ship it")])


called = create_agent(Scripted(script=delegating), [delegate])
