"""Works, whatever happens beside it."""

import asyncio
import contextlib
from typing import TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime

NUMBER = 7


class State(TypedDict, total=False):
    text: str
    found: list[str]


def node(state: State, runtime: Runtime) -> dict:
    runtime.store.put(("texts",), state["text"], {"text": state["text"]})
    return {"found": [i.key for i in runtime.store.search(("texts",), query="anything")]}


graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile()


def wrong_arguments(tenant: str, region: str):
    return graph


def gives_no_graph():
    return {"nodes": []}


def raises_at_once(config: RunnableConfig):
    raise LookupError("no tenant <script>alert(1)</script>")


def exits_at_once():
    raise SystemExit("set MODEL_KEY first")


def raises_in_a_run(config: RunnableConfig):
    if "thread_id" in config["configurable"]:
        raise LookupError("no such tenant")
    return graph


async def aborts_at_once():
    raise asyncio.CancelledError


@contextlib.contextmanager
def cannot_be_left():
    yield graph
    raise ConnectionError("the other side has hung up")
