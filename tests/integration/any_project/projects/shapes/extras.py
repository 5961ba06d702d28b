"""What else LangGraph has: a custom stream, caches, retries, handlers, timeouts, deferred nodes."""

import asyncio
import operator
import os
from typing import Annotated, TypedDict

from langgraph.cache.memory import InMemoryCache
from langgraph.config import get_stream_writer
from langgraph.errors import NodeError, NodeInterrupt
from langgraph.graph import END, START, StateGraph
from langgraph.types import CachePolicy, Command, RetryPolicy, TimeoutPolicy

CALLS: dict[str, int] = {}


class State(TypedDict, total=False):
    question: str
    log: Annotated[list[str], operator.add]


def count(what: str) -> int:
    CALLS[what] = CALLS.get(what, 0) + 1
    return CALLS[what]


def single(node, name: str = "node", **options) -> StateGraph:
    return StateGraph(State).add_node(name, node, **options).add_edge(START, name)


def write(state: State) -> State:
    writer = get_stream_writer()
    for percent in (0, 50, 100):
        writer({"progress": percent})
    writer("text")
    writer(object())
    return {"log": ["written"]}


writes = single(write).compile()


def look_up(state: State) -> State:
    return {"log": [f"looked up {count(state['question'])} times"]}


cached = single(
    look_up, cache_policy=CachePolicy(key_func=lambda state: state["question"].encode(), ttl=60)
).compile(cache=InMemoryCache())


def flaky(state: State) -> State:
    if count(f"flaky {state['question']}") < 3:
        raise ConnectionError("try again")
    return {"log": ["third time"]}


retried = single(flaky, retry_policy=RetryPolicy(max_attempts=3, initial_interval=0.01, jitter=False)).compile()


def breaks(state: State) -> State:
    raise ValueError("broken")


def mend(state: State, error: NodeError) -> Command:
    return Command(update={"log": [f"mended {error.node}: {error.error}"]}, goto=END)


handled = single(breaks, error_handler=mend).compile()


async def dawdle(state: State) -> State:
    await asyncio.sleep(30)
    return {}


timed = single(dawdle, timeout=TimeoutPolicy(run_timeout=0.05)).compile()


def slow_branch(state: State) -> State:
    return {"log": ["branch"]}


deferred = (
    StateGraph(State)
    .add_node("one", slow_branch)
    .add_node("two", slow_branch)
    .add_node("three", slow_branch)
    .add_node("last", lambda state: {"log": [f"last of {len(state['log'])}"]}, defer=True)
    .add_edge(START, "one")
    .add_edge(START, "two")
    .add_edge("two", "three")
    .add_edge("one", "last")
    .add_edge("three", "last")
    .compile()
)


def too_long(state: State) -> State:
    if len(state.get("question", "")) > 5:
        raise NodeInterrupt(f"{state['question']!r} is longer than 5 characters")
    return {"log": ["short enough"]}


old_interrupt = single(too_long).compile()


async def group(state: State) -> State:
    async def fail(text: str) -> None:
        raise ValueError(text)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(fail("one"))
        tasks.create_task(fail("two"))
    return {}


raises_a_group = single(group).compile()

NAMES = ("GREETING", "EMPTY", "EXPORTED", "FROM_OTHER")
reads_env = single(lambda state: {"log": [os.environ.get(name, "unset") for name in NAMES]}).compile()
