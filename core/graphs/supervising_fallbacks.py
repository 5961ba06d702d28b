"""What serves in a failed node's place: another node of its graph, or a state update."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph._internal._config import patch_configurable
from langgraph._internal._runnable import RunnableCallable, RunnableSeq
from langgraph.errors import GraphInterrupt
from langgraph.pregel._read import ChannelRead, PregelNode
from langgraph.types import TimeoutPolicy

from interlock.core.errors import FallbackAsked
from interlock.core.graphs.guarding import Guard, Place
from interlock.core.graphs.places import AnyGraph
from interlock.core.model.policies import Fallback
from interlock.core.types import Json

MAX_LABEL_CHARS = 80
SCRATCHPAD = "__pregel_scratchpad"
RESUME_MAP = "__pregel_resume_map"


@dataclass(frozen=True, kw_only=True)
class Stand:
    """
    What stands around a node wherever it runs, also in another one's place.

    `node` is as its task would run it: the tools and the nodes within it under their policies.
    """

    node: PregelNode
    place: Place
    guards: Sequence[Guard] = ()
    limit: TimeoutPolicy | None = None


@dataclass(frozen=True)
class Entry:
    """
    One fallback, ready to run: its own part, then the writers of the node it stands for.

    So the graph goes on from that node, whatever follows the other one.
    """

    label: str
    proc: Runnable[Any, Any]
    source: PregelNode | None = None  # read its input from the state as this node does
    stand: Stand | None = None  # of another node: a value has none

    def read(self, given: Any, config: RunnableConfig) -> Any:
        """Its input: the failed node's, in the shape that the other node takes."""
        if self.source is None:
            return given
        channels = self.source.channels
        selected = channels if isinstance(channels, str) else list(channels)
        return ChannelRead.do_read(config, select=selected, mapper=self.source.mapper)


def without_answers(config: RunnableConfig) -> RunnableConfig:
    """A task's config for its fallbacks: what humans answered, they answered to the node itself."""
    update: dict[str, Any] = {RESUME_MAP: None}
    pad: Any = config["configurable"].get(SCRATCHPAD)
    if pad is not None:
        update[SCRATCHPAD] = replace(pad, resume=[], get_null_resume=lambda _consume=False: None)
    return patch_configurable(config, update)


def build_fallbacks(
    graph: AnyGraph,
    node: PregelNode,
    chain: Sequence[Fallback],
    stand_of: Callable[[str, PregelNode], Stand],
) -> tuple[Entry, ...]:
    """
    The chain of a node; what names a node that the graph has not is left out (`core.policy` refuses it).

    Args:
        graph: The graph of the node.
        node: The node that they stand for.
        chain: What its policy says.
        stand_of: What stands around another node of the graph, by its name.
    """
    entries = [_build(graph, node, each, stand_of) for each in chain]
    return tuple(entry for entry in entries if entry is not None)


def _build(
    graph: AnyGraph,
    node: PregelNode,
    fallback: Fallback,
    stand_of: Callable[[str, PregelNode], Stand],
) -> Entry | None:
    if fallback.node is None:
        return Entry(_name_value(fallback.value), _join(_value(fallback.value), node))
    other = graph.nodes.get(fallback.node)
    if other is None:
        return None
    is_same = other.input_cache_key == node.input_cache_key
    stand = stand_of(fallback.node, other)
    proc = _join(_Mute(stand.node.bound, fallback.node), node)
    return Entry(fallback.node, proc, None if is_same else other, stand)


def _join(first: Runnable[Any, Any], node: PregelNode) -> Runnable[Any, Any]:
    writers = node.flat_writers
    return RunnableSeq(first, *writers) if writers else first


class _Mute(Runnable[Any, Any]):
    """
    A node that serves as a fallback: it cannot ask.

    Its question would be under the id of the task, and going on runs the node it stands for first:
    that one would get the answer.
    """

    def __init__(self, inner: Runnable[Any, Any], name: str) -> None:
        self._inner = inner
        self._name = name

    def invoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> NoReturn:  # noqa: ARG002
        """Nothing: a worker's graphs run in its event loop."""
        raise TypeError("A fallback runs in an event loop only; use ainvoke.")

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Run the node."""
        try:
            return await self._inner.ainvoke(input, config, **kwargs)
        except GraphInterrupt:
            # Not from it: an interrupt among the causes would be one to whoever looks.
            raise FallbackAsked(
                f"The node {self._name} asked a human, which no node can do that serves as a fallback.",
                hint='Use one that does not ask, or on_failure = "ask".',
            ) from None


def _value(value: Json) -> Runnable[Any, Any]:
    async def give(_: Any) -> Json:
        return copy.deepcopy(value)  # reducers may keep what they are given

    return RunnableCallable(None, give, recurse=False)


def _name_value(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_LABEL_CHARS else f"{text[:MAX_LABEL_CHARS]}…"
