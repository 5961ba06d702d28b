"""One graph, exported in every way LangGraph accepts."""

import contextlib
import os
from typing import Annotated, TypedDict
import operator

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph_sdk.runtime import ServerRuntime

EVENTS: list[str] = []


class State(TypedDict):
    number: int
    notes: Annotated[list[str], operator.add]


def build(note: str = "plain") -> StateGraph:
    def add_one(state: State) -> dict:
        return {"number": state["number"] + 1, "notes": [note]}

    graph = StateGraph(State)
    graph.add_node("add one", add_one)
    graph.add_edge(START, "add one")
    graph.add_edge("add one", END)
    return graph


builder = build(os.environ.get("EVERY_EXPORT_GREETING", "no greeting"))
compiled = build().compile(checkpointer=InMemorySaver())


@task
def twice(number: int) -> int:
    return number * 2


@entrypoint()
def double(number: int) -> int:
    """Doubles a number."""
    return twice(number).result()


def make():
    """Makes a graph.

    Everything after the first paragraph is not for the overview.
    """
    return builder


async def make_async():
    return build("async").compile()


def make_from_config(config: RunnableConfig):
    return build(config["configurable"].get("note", "nothing given"))


def make_untyped(config):
    return build(config["configurable"].get("note", "nothing given"))


def make_from_runtime(runtime: ServerRuntime):
    note = "executing" if runtime.execution_runtime else runtime.access_context
    return build(f"{note} with {type(runtime.store).__name__}")


def make_from_both(runtime: "ServerRuntime", config: "RunnableConfig"):
    return build(f"{runtime.access_context} {config['configurable'].get('note')}")


@contextlib.contextmanager
def make_in_context():
    EVENTS.append("entered")
    yield build("context").compile()
    EVENTS.append("left")


@contextlib.asynccontextmanager
async def make_in_async_context(config: RunnableConfig):
    EVENTS.append("entered")
    try:
        yield build("async context")
    finally:
        EVENTS.append("left")


class Maker:
    def __call__(self, config: RunnableConfig):
        return build("object")


maker = Maker()
