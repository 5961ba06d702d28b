"""Nodes of every kind."""

import asyncio
import operator
import threading
import time
from typing import Annotated

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime, get_runtime
from langgraph.store.base import BaseStore
from langgraph.types import Command, StreamWriter, interrupt
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


def blocks(state: State) -> State:
    time.sleep(0.01)
    return {"log": [f"main thread: {threading.current_thread() is threading.main_thread()}"]}


def asks(state: State) -> State:
    return {"log": [interrupt("Go on?")]}


async def waits(state: State) -> State:
    await asyncio.sleep(0.01)
    return {"log": [f"loop: {asyncio.get_running_loop().is_running()}"]}


async def asks_async(state: State) -> State:
    return {"log": [interrupt("Go on?")]}


def line(*nodes) -> StateGraph:
    return StateGraph(State).add_sequence(nodes).add_edge(START, nodes[0].__name__)


sync_only = line(blocks, asks).compile()
async_only = line(waits, asks_async).compile()


class Stateful:
    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, state: State) -> State:
        return {"log": [self.name]}

    async def method(self, state: State) -> State:
        return {"log": [f"{self.name}, a method"]}


def with_everything(
    state: State, config: RunnableConfig, writer: StreamWriter, store: BaseStore, runtime: Runtime
) -> State:
    writer("by writer")
    assert runtime.store is store
    assert get_runtime().store is store
    return {"log": ["everything" if config["configurable"]["thread_id"] else "no thread"]}


def goes(state: State) -> Command:
    return Command(goto="gone to", update={"log": ["goes"]})


def two_updates(state: State) -> list:
    return [Command(update={"log": ["two"]}), {"log": ["updates"]}]


one = Stateful("one")
builder = StateGraph(State)
builder.add_node("object", one)
builder.add_node("method", one.method)
builder.add_node("lambda", lambda state: {"log": ["lambda"]})
builder.add_node("runnable", RunnableLambda(lambda state: {"log": ["runnable"]}))
builder.add_node("everything", with_everything)
builder.add_node("goes", goes, destinations=("gone to",))
builder.add_node("gone to", two_updates)
builder.add_node("nothing", lambda state: None)
builder.add_edge(START, "object")
builder.add_edge("object", "method")
builder.add_edge("method", "lambda")
builder.add_edge("lambda", "runnable")
builder.add_edge("runnable", "everything")
builder.add_edge("everything", "goes")
builder.add_conditional_edges("gone to", lambda state: "yes", {"yes": "nothing", "no": END})
all_kinds = builder.compile()
