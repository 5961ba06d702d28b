"""
Policies of single tools of a tool node: guards, hooks and time limits around each call.

Around the tool itself, so that a guard sees its error before the tool node makes a message of it.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.prebuilt import ToolNode

from interlock.core.errors import CallRefused
from interlock.core.graphs import sandboxing
from interlock.core.graphs.guarding import Call, Guard, Place, ToolHook
from interlock.core.graphs.sandboxing import ToolStopped
from interlock.core.graphs.supervising_attempts import TASK_ID, Supervision
from interlock.core.graphs.supervising_threads import is_sync
from interlock.core.graphs.tool_wrappers import in_thread
from interlock.core.model.nodes import THREAD_LEFT
from interlock.core.model.policies import SandboxRules, ToolPolicy

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Stand:
    """What stands around one tool."""

    place: Place
    guards: Sequence[Guard]
    hooks: Sequence[ToolHook]
    limit_s: float | None
    sandbox: SandboxRules | None
    supervision: Supervision


def supervise_tools(
    tools: ToolNode, path: str, policies: Mapping[str, ToolPolicy], supervision: Supervision
) -> ToolNode:
    """
    A tool node with policies around its tools; the same one where there is nothing to do.

    Args:
        tools: The user's, which is not changed.
        path: The path of its node.
        policies: By the tool's name.
        supervision: What all nodes of the run share.
    """
    stands = {
        name: stand
        for name in tools.tools_by_name
        if (stand := _stand(name, path, policies.get(name), supervision)) is not None
    }
    if not stands:
        return tools
    copied: Any = copy.copy(tools)
    copied.func, copied.afunc = copied._func, copied._afunc  # noqa: SLF001  were the original's
    inner = copied._execute_tool_async  # noqa: SLF001  the one place where a tool is called

    async def execute(request: Any, input_type: Any, config: RunnableConfig) -> Any:
        stand = stands.get(request.tool_call["name"])
        if stand is not None and request.tool is not None:
            guarded: Any = _GuardedTool(request.tool, request.tool_call, stand)
            request = request.override(tool=guarded)
        return await inner(request, input_type, config)

    copied._execute_tool_async = execute  # noqa: SLF001
    around = copied._wrap_tool_call  # noqa: SLF001  the user's, which calls tools in this thread
    if around is not None and copied._awrap_tool_call is None:  # noqa: SLF001
        copied._awrap_tool_call = in_thread(around)  # noqa: SLF001
    return copied  # type: ignore[no-any-return]


def _stand(
    name: str, path: str, policy: ToolPolicy | None, supervision: Supervision
) -> _Stand | None:
    place = Place(
        workflow=supervision.run.workflow, path=path, tool=name, policy=policy or ToolPolicy()
    )
    guards = [g for g in supervision.hooks.guards if g.covers(place)]
    hooks = [h for h in supervision.hooks.tools if h.covers(place)]
    limit_s = policy.timeout.run_s if policy and policy.timeout else None
    sandbox = policy.sandbox if policy else None
    if not guards and not hooks and limit_s is None and sandbox is None:
        return None
    return _Stand(place, guards, hooks, limit_s, sandbox, supervision)


class _GuardedTool:
    """A tool for one call; whatever else it is asked, the tool itself answers."""

    def __init__(self, tool: BaseTool, tool_call: Mapping[str, Any], stand: _Stand) -> None:
        self._tool = tool
        self._tool_call = tool_call
        self._stand = stand

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tool, name)

    async def ainvoke(self, given: Any, config: RunnableConfig) -> Any:
        """Call the tool, if it may be called."""
        shared = self._stand.supervision
        call = Call(
            run=shared.run,
            place=self._stand.place,
            task_id=str(config["configurable"].get(TASK_ID, "")),
            notes=shared.notes,
            attempt=0,
            arguments=self._tool_call["args"],
        )

        async def proceed() -> Any:
            async with AsyncExitStack() as stack:
                for guard in self._stand.guards:
                    await stack.enter_async_context(guard.around_async(call))
                return await self._call(given, config)

        for hook in reversed(self._stand.hooks):
            proceed = partial(hook.call_async, call, proceed)
        try:
            return self._address(await proceed())
        except CallRefused as refusal:
            self._leave_out(config)
            return self._tell_unavailable(refusal)
        except ToolStopped as stopped:
            self._leave_out(config)
            return self._tell_stopped(stopped)

    async def _call(self, given: Any, config: RunnableConfig) -> Any:
        limit_s, tool, sandbox = self._stand.limit_s, self._tool, self._stand.sandbox
        if sandbox is not None:
            tool = sandboxing.shut_in(tool, sandbox, self._warn)
        if limit_s is None:
            return await tool.ainvoke(given, config)
        limit = asyncio.timeout(limit_s)
        try:
            async with limit:
                return await tool.ainvoke(given, config)
        except TimeoutError as exc:
            if not limit.expired():
                raise
            if sandbox is None and is_sync(self._tool):
                path = self._stand.place.path
                self._stand.supervision.notes.warn(THREAD_LEFT, path)
                logger.warning("thread_left_running", extra={"path": path, "tool": tool.name})
            raise TimeoutError(
                f"The tool {self._tool.name} took longer than {limit_s:g} s."
            ) from exc

    def _leave_out(self, config: RunnableConfig) -> None:
        """What the node makes of this answer is no result that a cache should keep."""
        shared = self._stand.supervision
        if shared.hooks.caches is not None:
            shared.hooks.caches.leave_out(shared.run, config)

    def _warn(self, text: str) -> None:
        self._stand.supervision.notes.warn(f"{self._tool.name}: {text}", self._stand.place.path)

    def _address(self, answer: Any) -> Any:
        """A stored message is an answer to an earlier call."""
        call_id = self._tool_call["id"]
        if isinstance(answer, ToolMessage) and answer.tool_call_id != call_id:
            return answer.model_copy(update={"tool_call_id": call_id, "id": None})
        return answer

    def _tell_stopped(self, stopped: ToolStopped) -> ToolMessage:
        """What the agent is told of a tool that a bound of its sandbox ended."""
        name, place = self._tool_call["name"], self._stand.place
        self._stand.supervision.notes.warn(f"The tool {name} was stopped: {stopped}", place.path)
        logger.warning("tool_stopped", extra={"path": place.path, "tool": name})
        return ToolMessage(
            content=f"The tool {name} was stopped: {stopped}",
            name=name,
            tool_call_id=self._tool_call["id"],
            status="error",
        )

    def _tell_unavailable(self, refusal: CallRefused) -> ToolMessage:
        """What the agent is told, so that it does something else."""
        name, place = self._tool_call["name"], self._stand.place
        until = f" until {refusal.retry_at:%H:%M:%S} UTC" if refusal.retry_at else " for now"
        self._stand.supervision.notes.warn(f"The tool {name} was not called: {refusal}", place.path)
        logger.info("tool_refused", extra={"path": place.path, "tool": name})
        return ToolMessage(
            content=f"The tool {name} is unavailable{until}; go on without it. ({refusal.message})",
            name=name,
            tool_call_id=self._tool_call["id"],
            status="error",
        )
