"""
Hearing a run as a parent graph hears a subgraph: told at once, by a call.

The public stream of custom values and messages makes LangGraph run each node as a task of its own
with another that waits beside it, which cost a fifth of a run's time on short nodes (measured). What
is used here instead are LangGraph's own means between a graph and its subgraphs.
Source: langgraph 1.2 `pregel.main.astream`, `DuplexStream`; tests hold it against the library.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.errors import GraphBubbleUp
from langgraph.pregel._messages import StreamMessagesHandler
from langgraph.pregel.protocol import StreamProtocol
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.types import StreamMode

from interlock.core.graphs import model_limits, tool_calls
from interlock.core.graphs.notes import Notes
from interlock.core.graphs.usage import Meter

KINDS: Final[tuple[StreamMode, ...]] = ("tasks", "custom", "messages")
UNSURE_S = 0.05  # between two looks whether something may begin
STREAM = "__pregel_stream"  # keys of a config's `configurable`
RUNTIME = "__pregel_runtime"

About = Mapping[str, Any]  # the metadata of a callback


class Listener(Protocol):
    """Who is told. Nothing here may block or raise. `meter` is told of model calls, `notes` by policies."""

    meter: Meter
    notes: Notes

    def may_begin(self) -> bool:
        """Whether nobody can have taken the run over (law 3); a look at the clock, from any thread."""

    def on_event(self, namespace: Sequence[str], kind: str, data: Any) -> None:
        """A task started or ended, something was written or streamed; in the event loop's thread."""

    def on_attempt_start(self, run_id: UUID, name: str, tags: Sequence[str], about: About) -> None:
        """Something started, perhaps an attempt of a node; in any thread."""

    def on_attempt_end(self, run_id: UUID, error: BaseException | None) -> None:
        """It ended, well or not."""


class _Callbacks(StreamMessagesHandler):
    """One handler for attempts and messages: asking each of two costs twice the time."""

    def __init__(self, put: Callable[[Any], None], listener: Listener) -> None:
        super().__init__(put, subgraphs=True)
        self.listener = listener

    @property
    def on_chain_start(self) -> Callable[..., Any]:
        """
        What is called before the first line of a node, looked up each time.

        langchain awaits what is a coroutine function, from the node's own task: so a node waits
        here that may not begin, and holds up nothing else.
        """
        return self._begin if self.listener.may_begin() else self._begin_when_sure

    async def _begin_when_sure(self, *args: Any, **kwargs: Any) -> None:
        while not self.listener.may_begin():  # noqa: ASYNC110  known to another thread
            await asyncio.sleep(UNSURE_S)
        self._begin(*args, **kwargs)

    def _begin(self, serialized: Any, inputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        about, tags = kwargs.get("metadata"), kwargs.get("tags")
        if about and "langgraph_node" in about:
            self.listener.on_attempt_start(run_id, str(kwargs.get("name")), tags or (), about)
        super().on_chain_start(serialized, inputs, run_id=run_id, **kwargs)

    def on_chain_end(  # type: ignore[override]  # langchain's base and LangGraph's differ in a name
        self, response: Any, *, run_id: UUID, **kwargs: Any
    ) -> None:
        self.listener.on_attempt_end(run_id, None)
        super().on_chain_end(response, run_id=run_id, **kwargs)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self.listener.on_attempt_end(run_id, error)
        super().on_chain_error(error, run_id=run_id, **kwargs)

    def on_chat_model_start(
        self, serialized: Any, messages: Any, *, run_id: UUID, **kwargs: Any
    ) -> None:
        model_limits.begin(run_id)
        self.listener.meter.begin(run_id, kwargs.get("metadata"))
        super().on_chat_model_start(serialized, messages, run_id=run_id, **kwargs)

    def on_llm_start(self, serialized: Any, prompts: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self.listener.meter.begin(run_id, kwargs.get("metadata"))
        super().on_llm_start(serialized, prompts, run_id=run_id, **kwargs)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        model_limits.end(run_id)
        self.listener.meter.end(run_id, response)
        super().on_llm_end(response, run_id=run_id, **kwargs)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        model_limits.end(run_id)
        self.listener.meter.end(run_id, None)
        super().on_llm_error(error, run_id=run_id, **kwargs)

    def on_tool_start(
        self, serialized: Any, input_str: str, *, run_id: UUID, **kwargs: Any
    ) -> None:
        name = (serialized or {}).get("name") or kwargs.get("name") or "?"
        tool_calls.begin(run_id, str(name), kwargs.get("metadata"))
        super().on_tool_start(serialized, input_str, run_id=run_id, **kwargs)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        # A tool node hands what its tool raised to the agent, as a message with this status.
        tool_calls.end(run_id, has_failed=getattr(output, "status", "") == "error")
        super().on_tool_end(output, run_id=run_id, **kwargs)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        tool_calls.end(run_id, has_failed=True, has_asked=isinstance(error, GraphBubbleUp))
        super().on_tool_error(error, run_id=run_id, **kwargs)


def find_listener(config: RunnableConfig) -> Listener | None:
    """Who hears the run that something is called within, by the config of the call."""
    callbacks: Any = config.get("callbacks")
    handlers = callbacks if isinstance(callbacks, list) else getattr(callbacks, "handlers", ())
    ours = (each for each in handlers if isinstance(each, _Callbacks))
    return next((each.listener for each in ours), None)


def listen(
    config: RunnableConfig, listener: Listener, *, store: BaseStore | None
) -> RunnableConfig:
    """
    Make a config whose run tells what its nodes do, write and stream, subgraphs included.

    Call it within the loop that runs the graph. `store` is the graph's: a graph that has a parent
    takes its parent's.
    """
    loop, home = asyncio.get_running_loop(), threading.get_ident()

    def put(chunk: tuple[tuple[str, ...], str, Any]) -> None:
        if threading.get_ident() == home:
            listener.on_event(*chunk)
        else:
            loop.call_soon_threadsafe(listener.on_event, *chunk)

    def write(value: Any) -> None:
        namespace = str(get_config()["configurable"]["checkpoint_ns"])
        put((tuple(namespace.split("|")[:-1]), "custom", value))

    callbacks: Any = config.get("callbacks") or []
    return {
        **config,
        "callbacks": [*callbacks, _Callbacks(put, listener)],
        "configurable": {
            **config.get("configurable", {}),
            STREAM: StreamProtocol(put, set(KINDS)),
            RUNTIME: Runtime(stream_writer=write, store=store),
        },
    }
