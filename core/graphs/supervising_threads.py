"""What of a node runs in threads, which nothing can stop: a time limit ends the wait for it alone."""

from __future__ import annotations

import inspect
from typing import Any

from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.tools import BaseTool, StructuredTool, Tool
from langgraph._internal._runnable import RunnableCallable
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from langgraph.pregel._utils import _runnable_has_native_async

INTERNAL = "__"  # nodes of LangGraph's own
MAX_DEPTH = 20  # graphs within graphs


def ends_in_time(bound: Runnable[Any, Any]) -> bool:
    """
    Whether an attempt that runs out of time has surely ended: a plain coroutine function only.

    A graph, a tool node or any other runnable may have begun something in a thread.
    """
    if isinstance(bound, RunnableCallable):
        return bound.func is None and inspect.iscoroutinefunction(bound.afunc)
    if isinstance(bound, RunnableLambda):
        function = getattr(bound, "afunc", None)
        return not hasattr(bound, "func") and inspect.iscoroutinefunction(function)
    return False


def leaves_threads(bound: Runnable[Any, Any], depth: int = 0) -> bool:
    """Whether an attempt that runs out of time may leave a thread at work, as far as can be seen."""
    while isinstance(bound, RunnableBindingBase):
        bound = bound.bound
    if isinstance(bound, Pregel):
        found = {} if depth >= MAX_DEPTH else bound.nodes
        nodes = [node.bound for name, node in found.items() if not name.startswith(INTERNAL)]
        return any(leaves_threads(each, depth + 1) for each in nodes)
    if isinstance(bound, ToolNode):
        return any(is_sync(tool) for tool in bound.tools_by_name.values())
    return not _runnable_has_native_async(bound)


def is_sync(tool: BaseTool) -> bool:
    """Whether a tool runs in a thread."""
    if isinstance(tool, StructuredTool | Tool):
        return tool.coroutine is None
    return type(tool)._arun is BaseTool._arun  # noqa: SLF001  how a tool says that it is async
