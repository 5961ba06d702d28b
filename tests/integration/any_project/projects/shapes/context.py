"""Graphs that are given a context beside their input."""

from dataclasses import dataclass
from typing import Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from pydantic import BaseModel, Field


class Context(BaseModel):
    tenant: str = Field(min_length=1)
    limit: int = 10


class State(TypedDict, total=False):
    told: str
    answer: Any


def tell(state: State, runtime: Runtime[Context]) -> State:
    return {"told": f"{type(runtime.context).__name__} {runtime.context.tenant} {runtime.context.limit}"}


def ask(state: State, runtime: Runtime[Context]) -> State:
    return {"answer": [runtime.context.tenant, interrupt("Go on?")]}


graph = (
    StateGraph(State, context_schema=Context).add_sequence([tell, ask]).add_edge(START, "tell").compile()
)


@dataclass
class Optional:
    tenant: str = "nobody"


def tell_optional(state: State, runtime: Runtime[Optional]) -> State:
    return {"told": "no context" if runtime.context is None else runtime.context.tenant}


optional = (
    StateGraph(State, context_schema=Optional)
    .add_node("tell", tell_optional)
    .add_edge(START, "tell")
    .compile()
)


def read_config(state: State, config: RunnableConfig) -> State:
    return {"told": config["configurable"].get("tenant", "nobody")}


old_style = StateGraph(State).add_node("read", read_config).add_edge(START, "read").compile()
