"""
The attempts of one node: guards around each, waits between them, a fallback after the last.

It takes the place of what LangGraph runs for a task (`PregelNode.node`), around the node and its
writers. So each attempt calls back by itself, waits are in none of them, a guard sees a time-out as
a time-out, and whoever looks at what a node is made of (`bound`) finds what the user put there. One
attempt is LangGraph's own `arun_with_retry` without a retry: its time limits, its way to clear
what a failed attempt wrote and its jumps to a parent graph are what they are without us.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NoReturn

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph._internal._config import patch_configurable
from langgraph._internal._runnable import RunnableCallable
from langgraph.errors import NodeTimeoutError, ParentCommand
from langgraph.pregel._read import PregelNode
from langgraph.pregel._retry import _reset_interrupt_counter, arun_with_retry
from langgraph.runtime import Runtime
from langgraph.types import PregelExecutableTask, RetryPolicy, TimeoutPolicy

from interlock.core.errors import CallRefused
from interlock.core.graphs import failing
from interlock.core.graphs.guarding import Call, Guard, Hooks, Place
from interlock.core.graphs.notes import Notes
from interlock.core.graphs.supervising_fallbacks import Entry, Stand, without_answers
from interlock.core.graphs.supervising_threads import ends_in_time, leaves_threads
from interlock.core.graphs.supervising_tries import Tries
from interlock.core.model.failure_kinds import FailureKind, kind_of
from interlock.core.model.nodes import FALLBACK, THREAD_LEFT, NodeStatus
from interlock.core.model.policies import NodePolicy, WorkflowPolicy
from interlock.core.model.runs import Run

TASK_ID = "__pregel_task_id"
SEND = "__pregel_send"
RUNTIME = "__pregel_runtime"
RESUMING = "__pregel_resuming"
LANGGRAPHS_NOTE = "During task with name"

NEVER = (RetryPolicy(max_attempts=1, retry_on=()),)  # for LangGraph: the tries are ours

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Supervision:
    """What all supervised nodes of one run share."""

    run: Run
    policy: WorkflowPolicy
    notes: Notes = field(default_factory=Notes)
    hooks: Hooks = field(default_factory=Hooks)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Supervised:
    """
    A node and all that stands around it.

    `own_retry` and `own_timeout` are LangGraph's of the user's node; they hold where its policy says
    nothing. `node` is our copy of it, without them. `asks`: a human decides whether the fallback serves.
    `has_effects`: it, a tool of it or a node in it does something outside.
    """

    node: PregelNode
    place: Place
    policy: NodePolicy
    shared: Supervision
    guards: Sequence[Guard]
    fallbacks: Sequence[Entry]
    own_retry: Sequence[RetryPolicy]
    own_timeout: TimeoutPolicy | None
    asks: bool = False
    has_effects: bool = False

    @cached_property
    def may_repeat(self) -> bool:
        """Whether it may be tried again when an attempt ran out of time."""
        return not self.has_effects or ends_in_time(self.node.bound)


class SupervisedNode(Runnable[Any, Any]):
    """What LangGraph runs for a task of a supervised node: the node and its writers, under its policy."""

    def __init__(self, inner: Runnable[Any, Any], of: Supervised) -> None:
        self._inner = inner
        self._of = of

    @property
    def has_fallback(self) -> bool:
        """Whether something serves in its place."""
        return bool(self._of.fallbacks)

    def order_fallback(self, task_ids: Collection[str]) -> None:
        """A human has decided: for these tasks the fallback serves, and the node is not tried."""
        self._of.shared.notes.order_fallback(task_ids)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> NoReturn:  # noqa: ARG002
        """Nothing: a worker's graphs run in its event loop."""
        raise TypeError("A supervised node runs in an event loop only; use ainvoke.")

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> Any:
        """Run the node, as often as its policy says."""
        return await _Task(self._inner, self._of, input, config or {}, streams=False).run()

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **_: Any
    ) -> AsyncIterator[Any]:
        """The same for who wants to hear the node's parts, which come by callbacks."""
        yield await _Task(self._inner, self._of, input, config or {}, streams=True).run()


class _Task:
    """One task of a supervised node."""

    def __init__(
        self,
        inner: Runnable[Any, Any],
        of: Supervised,
        given: Any,
        config: RunnableConfig,
        *,
        streams: bool,
    ) -> None:
        self._inner = inner
        self._of = of
        self._given = given
        self._config = config
        self._streams = streams
        self._id = str(config["configurable"][TASK_ID])
        self._path = of.place.path
        self._notes = of.shared.notes
        self._attempt = 0

    async def run(self) -> Any:
        of = self._of
        caches = of.shared.hooks.caches
        if caches is not None and of.node.cache_policy is not None:
            caches.begin(of.shared.run, self._id, self._find_writes())
        tries = Tries(
            of.policy,
            own=of.own_retry,
            own_timeout=of.own_timeout,
            may_repeat=of.may_repeat,
            now=of.shared.now,
        )
        permanent = of.policy.retry.permanent if of.policy.retry else ()
        if of.fallbacks and self._notes.take_fallback(self._id):
            return await self._fall_back(None)
        while True:
            if permanent:
                self._notes.tell(self._id, permanent=permanent)
            try:
                return await self._guarded(tries.limit)
            except ParentCommand:
                raise
            except Exception as exc:
                if kind_of(exc) is None:
                    raise
                wait_s = tries.wait_s(exc)
                self._tell_failed(exc, wait_s)
                if wait_s is None:
                    if of.asks and not isinstance(exc, CallRefused):
                        raise
                    return await self._fall_back(exc)
            self._notes.tell(self._id, retry_wait_ms=wait_s * 1000)
            await asyncio.sleep(wait_s)
            self._start_anew()

    def _start_anew(self) -> None:
        """As LangGraph does before it tries again: questions count from the first, subgraphs go on."""
        config = patch_configurable(self._config, {RESUMING: True})
        self._config = _reset_interrupt_counter(config)

    async def _guarded(self, limit: TimeoutPolicy | None) -> Any:
        self._attempt += 1
        of = self._of
        stand = Stand(node=of.node, place=of.place, guards=of.guards, limit=limit)
        return await self._call_within(stand, self._inner, self._given)

    async def _call_within(self, stand: Stand, proc: Runnable[Any, Any], given: Any) -> Any:
        """One attempt, if the guards let it through."""
        if not stand.guards:
            return await self._call(stand, proc, given)
        call = Call(
            run=self._of.shared.run,
            place=stand.place,
            task_id=self._id,
            notes=self._notes,
            attempt=self._attempt,
        )
        async with AsyncExitStack() as stack:
            for guard in stand.guards:
                try:
                    await stack.enter_async_context(guard.around_async(call))
                except CallRefused as refusal:
                    await self._record_refusal(refusal)
                    raise
            return await self._call(stand, proc, given)

    async def _record_refusal(self, refusal: CallRefused) -> None:
        """Nothing ran that would call back, so something that only fails does."""
        self._notes.tell(self._id, status=NodeStatus.SHORT_CIRCUITED)

        async def refuse(_: Any) -> NoReturn:
            raise refusal

        with suppress(CallRefused):
            await RunnableCallable(None, refuse).ainvoke(self._given, self._config)

    async def _call(self, stand: Stand, proc: Runnable[Any, Any], given: Any) -> Any:
        """One attempt, by LangGraph."""
        task = PregelExecutableTask(
            name=stand.place.node,
            input=given,
            proc=_Numbered(proc, self._attempt) if self._attempt > 1 else proc,
            writes=self._find_writes(),
            config=self._config,
            triggers=(),
            retry_policy=(),
            cache_key=None,
            id=self._id,
            path=(),
            writers=self._of.node.flat_writers,
            timeout=stand.limit,
        )
        try:
            return await arun_with_retry(task, None, stream=self._streams)
        except NodeTimeoutError:
            if leaves_threads(stand.node.bound):
                self._tell_left(stand.place.path)
            raise
        except Exception as exc:
            _drop_note(exc)  # LangGraph adds it once more when it gets the error
            raise

    def _find_writes(self) -> deque[tuple[str, Any]]:
        """What the task has written so far, for LangGraph to clear; it hands out only how to add to it."""
        writes = getattr(self._config["configurable"].get(SEND), "__self__", None)
        return writes if isinstance(writes, deque) else deque()

    def _tell_failed(self, error: Exception, wait_s: float | None) -> None:
        kind = kind_of(error)
        about = {
            "path": self._path,
            "run_id": self._of.shared.run.run_id,
            "attempt": self._attempt,
            "error_type": type(error).__name__,
            "error_kind": str(kind),
        }
        if wait_s is not None:
            logger.info("node_tried_again", extra={**about, "wait_s": round(wait_s, 3)})
        elif kind is FailureKind.UNKNOWN:
            logger.warning("failure_of_unknown_kind", extra=about)

    def _tell_left(self, path: str) -> None:
        """A thread cannot be stopped: what a sync node began goes on, and its result is dropped."""
        logger.warning(
            "thread_left_running",
            extra={"path": path, "run_id": self._of.shared.run.run_id},
        )
        self._notes.warn(THREAD_LEFT, path)

    async def _fall_back(self, error: Exception | None) -> Any:
        """
        Use the first thing that serves in the node's place; else the error, with theirs attached.

        Without an error, as a human wanted the fallback at once, the first one's own stands for it.
        """
        failed: list[str] = []
        self._config = without_answers(self._config)
        for fallback in self._of.fallbacks:
            self._attempt += 1
            self._notes.tell(self._id, origin=f"{FALLBACK}{fallback.label}")
            self._start_anew()
            try:
                given = fallback.read(self._given, self._config)
                stand = fallback.stand or Stand(node=self._of.node, place=self._of.place)
                result = await self._call_within(stand, fallback.proc, given)
            except ParentCommand:
                self._degrade()
                raise
            except Exception as exc:
                if kind_of(exc) is None:
                    raise
                if error is None:
                    error = exc
                    continue
                text = failing.message_of(exc)
                failed.append(
                    f"The fallback {fallback.label} failed, too: {type(exc).__name__}: {text}"
                )
                continue
            self._degrade()
            return result
        assert error is not None  # there is a fallback, and each failed
        for line in failed:
            error.add_note(line)
        raise error

    def _degrade(self) -> None:
        self._notes.mark_degraded()
        caches = self._of.shared.hooks.caches
        if caches is not None:
            caches.leave_out(self._of.shared.run, self._config)


class _Numbered(Runnable[Any, Any]):
    """Tells a node the number of its attempt, which LangGraph counts from 1 for each of ours."""

    def __init__(self, inner: Runnable[Any, Any], attempt: int) -> None:
        self._inner = inner
        self._attempt = attempt

    def _number(self, config: RunnableConfig | None) -> RunnableConfig:
        config = config or {}
        runtime: Any = config.get("configurable", {}).get(RUNTIME)
        if not isinstance(runtime, Runtime) or runtime.execution_info is None:
            return config
        numbered = runtime.patch_execution_info(node_attempt=self._attempt)
        return patch_configurable(config, {RUNTIME: numbered})

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return self._inner.invoke(input, self._number(config), **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return await self._inner.ainvoke(input, self._number(config), **kwargs)

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        async for part in self._inner.astream(input, self._number(config), **kwargs):
            yield part


def _drop_note(error: Exception) -> None:
    notes = getattr(error, "__notes__", None)
    if notes and notes[-1].startswith(LANGGRAPHS_NOTE):
        notes.pop()
