"""The same small approval, exported in every way there is."""

import contextlib
import functools
import os
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import END, START, StateGraph
from langgraph.store.memory import InMemoryStore
from langgraph.types import interrupt
from langgraph_sdk.runtime import ServerRuntime
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    text: str
    made: str
    answer: Any


def build(made: str) -> StateGraph:
    def note(state: State) -> dict:
        return {"made": made}

    def ask(state: State) -> dict:
        return {"answer": interrupt({"question": f"Send {state['text']!r}?", "made": made})}

    builder = StateGraph(State)
    builder.add_node("note", note)
    builder.add_node("ask", ask)
    builder.add_edge(START, "note")
    builder.add_edge("note", "ask")
    builder.add_edge("ask", END)
    return builder


env = "/".join(os.environ.get(name, "-") for name in ("GREETING", "LIMIT", "VERBOSE"))

compiled = build("compiled").compile()
own_saver = InMemorySaver()
with_own_parts = build("own").compile(
    checkpointer=own_saver, store=InMemoryStore(), name="a name of its own"
)
with_config = build("with config").compile().with_config({"tags": ["mine"], "recursion_limit": 7})
builder = build(f"builder {env}")


@entrypoint()
def ask_in_words(text: str) -> dict:
    """Asks once, as a plain function."""
    return {"text": text, "made": "entrypoint", "answer": interrupt(f"Send {text!r}?")}


@entrypoint()
async def ask_in_words_async(given: State) -> State:
    """Asks once, without a thread."""
    return {**given, "made": "async entrypoint", "answer": interrupt("Send it?")}


@entrypoint(checkpointer=InMemorySaver(), store=InMemoryStore())
def with_own_saver(given: dict, *, previous: Any = None) -> dict:
    """Remembers what it gave the last time."""
    times = (previous or {}).get("times", 0) + 1
    return {"made": "own entrypoint", "times": times, "answer": interrupt("Send it?")}


def tell(config: Any = None, runtime: Any = None) -> str:
    told = []
    if config is not None:
        told.append("config" if "configurable" in config else "no configurable")
    if runtime is not None:
        told.append(f"{runtime.access_context} {type(runtime.store).__name__}")
    return ", ".join(told)


def make():
    return build("factory")


def make_from_config(config: RunnableConfig):
    return build(tell(config)).compile()


def make_from_runtime(runtime: ServerRuntime):
    return build(tell(None, runtime)).compile(checkpointer=InMemorySaver())


def make_from_both(config: RunnableConfig, runtime: ServerRuntime):
    return build(tell(config, runtime))


def make_from_dict(settings: dict):
    return build(tell(settings))


def make_untyped(config):
    return build(tell(config))


async def make_async():
    return build("async factory")


async def make_async_from_config(config: RunnableConfig):
    return build(tell(config))


async def make_async_from_runtime(runtime: ServerRuntime):
    return build(tell(None, runtime))


async def make_async_from_both(runtime: ServerRuntime, config: RunnableConfig):
    return build(tell(config, runtime))


@contextlib.contextmanager
def make_in_context():
    yield build("context")


@contextlib.contextmanager
def make_in_context_from_config(config: RunnableConfig):
    yield build(tell(config)).compile()


@contextlib.contextmanager
def make_in_context_from_runtime(runtime: ServerRuntime):
    yield build(tell(None, runtime))


@contextlib.contextmanager
def make_in_context_from_both(config: RunnableConfig, runtime: ServerRuntime):
    yield build(tell(config, runtime))


@contextlib.asynccontextmanager
async def make_in_async_context():
    yield build("async context")


@contextlib.asynccontextmanager
async def make_in_async_context_from_config(config: RunnableConfig):
    yield build(tell(config))


@contextlib.asynccontextmanager
async def make_in_async_context_from_runtime(runtime: ServerRuntime):
    yield build(tell(None, runtime))


@contextlib.asynccontextmanager
async def make_in_async_context_from_both(config: RunnableConfig, runtime: ServerRuntime):
    yield build(tell(config, runtime)).compile()


class Maker:
    def __call__(self, config: RunnableConfig):
        return build(f"object {tell(config)}")


class AsyncMaker:
    async def __call__(self):
        return build("async object")


maker = Maker()
async_maker = AsyncMaker()
partial_factory = functools.partial(build, "partial")


def logged(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        return function(*args, **kwargs)

    return call


@logged
def decorated(config: RunnableConfig):
    return build(f"decorated {tell(config)}")


class Shop(StateGraph):
    """A builder made by calling its class."""

    def __init__(self) -> None:
        super().__init__(State)
        for name, node in build("class").nodes.items():
            self.add_node(name, node.runnable)
        self.add_edge(START, "note")
        self.add_edge("note", "ask")
