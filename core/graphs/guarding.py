"""
Where policies of other parts stand around nodes and tools: guards, tool hooks and the cache's slot.

Ports only. A worker builds what implements them and gives it to its `Workshop` as `Hooks`;
`supervising` calls it. Each is asked once, when a graph is opened, what it covers: what nobody
covers is not wrapped and costs nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from langchain_core.runnables import RunnableConfig
from langgraph.cache.base import BaseCache
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.types import CachePolicy

from interlock.core.graphs.notes import Notes
from interlock.core.model.policies import NodePolicy, ToolPolicy, WorkflowPolicy
from interlock.core.model.runs import Run


@dataclass(frozen=True, kw_only=True)
class Place:
    """
    A node with its policy, or one tool of a tool node with its own.

    `path` is the node's ("team/researcher"); `tool` is empty for the node itself. The policy may be
    an empty one.
    """

    workflow: str
    path: str
    tool: str = ""
    policy: NodePolicy | ToolPolicy = field(default_factory=NodePolicy)

    @property
    def node(self) -> str:
        """The node's name, which is the last part of its path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Call:
    """
    One attempt of a node, or one call of a tool.

    `task_id` is the node's task, also for a tool; `notes.tell(call.task_id, ...)` says something of
    the node's attempt (not for tools: several of them run in one attempt). `attempt` counts from 1,
    0 for tools. `arguments` are those of a tool as the model gave them, empty for nodes.
    """

    run: Run
    place: Place
    task_id: str
    notes: Notes
    attempt: int = 1
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Guard(Protocol):
    """
    Stands around every attempt of a node and every call of a tool that it covers.

    A context is entered before the attempt and left after it, outside of its time limit, so that a
    time-out comes as `langgraph.errors.NodeTimeoutError` (a tool's as TimeoutError). It is left
    with the exception of the attempt; `model.failure_kinds.kind_of(exception)` tells what it is, and
    None for what is neither a failure nor a success (an interrupt, a cancellation, a jump to the
    parent graph). It must not swallow one.

    To refuse, raise `errors.CallRefused` (`BreakerOpen`) on entering: nothing of the node runs, its
    attempt is recorded as short-circuited with that error, it is not tried again and goes to the
    fallback where there is one; an agent is told by a message that its tool is unavailable.
    Anything else raised on entering fails the attempt.

    Every call comes in the worker's event loop, where nothing may block, also those of sync nodes and
    sync tools: their function alone runs in a thread.
    """

    def covers(self, place: Place) -> bool:
        """Whether it has anything to do there."""
        ...

    def around_async(self, call: Call) -> AbstractAsyncContextManager[object]:
        """The context of one attempt or call."""
        ...


class ToolHook(Protocol):
    """
    Stands around the calls of a tool and may answer in its place (a cache, a sandbox).

    `proceed()` runs the guards and the tool and gives what the tool gave: nearly always a `ToolMessage`,
    else a `Command` or a list of both. Whatever is returned goes to the agent; a `ToolMessage` gets
    the id of the present call, so that a stored one may be returned as it is. Errors of the tool
    pass through.
    """

    def covers(self, place: Place) -> bool:
        """Whether it has anything to do at a tool; `place.tool` is its name."""
        ...

    async def call_async(self, call: Call, proceed: Callable[[], Awaitable[Any]]) -> Any:
        """One call; what it returns is the tool's answer."""
        ...


class CacheSlot(Protocol):
    """
    What gives nodes their cache policy, and the graph of a run its cache.

    LangGraph asks the cache before a node's attempts and gives it what a node wrote, outside of guards
    and retries. Its namespaces hold no workflow and for async nodes nothing but the node's name
    (`("__pregel_ns_writes", "__dynamic__", name)`), so a key function must bring workflow and path
    into the key. The tier of a hit: `notes.tell_hit(node, origin)`.
    """

    def policy_for(self, place: Place, run: Run) -> CachePolicy[Any] | None:
        """The policy of a node of a run; None leaves the node's own."""
        ...

    def open(
        self, workflow: WorkflowPolicy, run: Run, notes: Notes, own: BaseCache[Any] | None
    ) -> BaseCache[Any] | None:
        """
        The cache of one run, asked only if a node has a policy of it.

        `own` is the graph's, for the nodes that the user cached himself: a graph has one cache only.
        """
        ...

    def around(
        self, run: Run, notes: Notes, serde: SerializerProtocol
    ) -> AbstractAsyncContextManager[None]:
        """Entered before a run's graph is opened under its policies, left after it: then all is written."""
        ...

    def begin(self, run: Run, task_id: str, writes: object) -> None:
        """A task of a cached node begins: `writes` is the very object that is given to be kept."""
        ...

    async def clear_told(self, run: Run) -> None:
        """Clear what `notes.tell_cache_event` was told of; what cannot be is told in the run's log."""
        ...

    def leave_out(self, run: Run, config: RunnableConfig) -> None:
        """
        Something else served in this task, given by its config, or in a tool of it.

        What LangGraph will store for it, and for the nodes whose graphs it is in, is not theirs.
        """
        ...


@dataclass(frozen=True)
class Hooks:
    """All that stands around a worker's nodes beside the policies themselves; guards from the outside in."""

    guards: tuple[Guard, ...] = ()
    tools: tuple[ToolHook, ...] = ()
    caches: CacheSlot | None = None
