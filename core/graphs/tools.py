"""
The tools of a graph, and what arguments each takes: so that a form can be typed where the interrupt says
nothing of types.

Found by looking at what the nodes hold, without running any of them. Injected arguments are left out,
as they are for the model. A tool that cannot be described is left out, too.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from langchain_core.runnables import Runnable, RunnableLambda, RunnableSequence
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.tools import BaseTool
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel

from interlock.core.graphs.projection import to_json
from interlock.core.graphs.schemas import lift_root
from interlock.core.model.json_values import find_cuts
from interlock.core.types import Json

AnyGraph = Pregel[Any, Any, Any, Any]
Schemas = dict[str, Json]

MAX_TOOL_BYTES = 100_000  # a tool with more arguments than that is edited as JSON
MAX_TOOLS_BYTES = 500_000  # of a workflow; what goes beyond is left out
_MAX_DEPTH = 20  # graphs within graphs, and wrappers around a runnable
_MAX_ITEMS = 1_000  # of a list or table of tools; a longer one is data
_CONTAINERS = (list, tuple, set, frozenset)

logger = logging.getLogger(__name__)


def describe_tools(graph: AnyGraph) -> dict[str, Schemas] | None:
    """
    The JSON Schemas of the arguments of all tools that a graph and those nested in it hold.

    Returns:
        {path of the graph ("" at the root, "team/writer"): {tool name: schema}}, or None where there
        are none. Of two tools with the same name in one graph neither is there: nobody could tell
        which one a question is about.
    """
    found: dict[str, dict[str, list[BaseTool]]] = {}
    for path, tool in _walk(graph, "", frozenset()):
        same_name = found.setdefault(path, {}).setdefault(tool.name, [])
        if all(known is not tool for known in same_name):
            same_name.append(tool)
    left = MAX_TOOLS_BYTES
    described: dict[str, Schemas] = {}
    for path, tools in found.items():
        for name, same_name in tools.items():
            schema = _describe(same_name[0]) if len(same_name) == 1 else None
            left -= 0 if schema is None else len(json.dumps(schema))
            if schema is not None and left >= 0:
                described.setdefault(path, {})[name] = schema
    return described or None


def _describe(tool: BaseTool) -> Json:
    try:
        given: Any = tool.tool_call_schema
        if not isinstance(given, dict):  # pydantic's, of either generation
            given = given.model_json_schema() if hasattr(given, "model_fields") else given.schema()
        schema = to_json(lift_root(given), max_bytes=MAX_TOOL_BYTES)
    except Exception as exc:  # noqa: BLE001 - describing runs code of the user's, and of pydantic
        logger.info("tool_not_described", extra={"tool": tool.name, "reason": str(exc)})
        return None
    return None if find_cuts(schema) else schema


def _walk(graph: AnyGraph, path: str, around: frozenset[int]) -> Iterator[tuple[str, BaseTool]]:
    """Each tool with the path of the graph that holds it; a graph that holds itself ends there."""
    if id(graph) in around or len(around) > _MAX_DEPTH:
        return
    around |= {id(graph)}
    at_nodes = [node.bound for node in graph.nodes.values() if isinstance(node.bound, ToolNode)]
    run_there = {id(tool) for bound in at_nodes for tool in bound.tools_by_name.values()}
    for name, node in graph.nodes.items():
        inside = f"{path}/{name}" if path else name
        for part in node.subgraphs:
            if isinstance(part, Pregel):
                yield from _walk(part, inside, around)
        for tool in _tools_of(node.bound, 0):
            yield path, tool
            if id(tool) in run_there and not isinstance(node.bound, ToolNode):
                continue  # this one only tells the model of it
            # An agent that a tool calls asks from within the node that runs the tool.
            for held in _held_by(getattr(tool, "func", None), getattr(tool, "coroutine", None)):
                if isinstance(held, Pregel):
                    yield from _walk(held, inside, around)


def _tools_of(bound: object, depth: int) -> Iterator[BaseTool]:
    """The tools that a node's runnable holds, or that its function uses."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(bound, ToolNode):
        yield from bound.tools_by_name.values()
    elif isinstance(bound, BaseTool):
        yield bound
    elif isinstance(bound, RunnableBindingBase):
        yield from _tools_of(bound.bound, depth + 1)
    elif isinstance(bound, RunnableSequence) or hasattr(bound, "steps"):
        for step in _items(bound.steps):
            yield from _tools_of(step, depth + 1)
    elif isinstance(bound, Runnable) and not isinstance(bound, Pregel):
        for held in _held_by(*_functions_of(bound)):
            yield from _tools_in(held)


def _functions_of(bound: Runnable[Any, Any]) -> Iterable[object]:
    """What a node's runnable calls; LangGraph wraps a function so that it has one or both."""
    if isinstance(bound, RunnableLambda):
        return [vars(bound).get("func"), vars(bound).get("afunc")]
    return [getattr(bound, "func", None), getattr(bound, "afunc", None)]


def _tools_in(held: object) -> Iterator[BaseTool]:
    if isinstance(held, ToolNode):
        yield from held.tools_by_name.values()
    for item in [held, *_items(held)]:
        if isinstance(item, BaseTool):
            yield item


def _items(held: object) -> list[object]:
    """What a list or a table holds; nothing for whatever else it is."""
    if isinstance(held, Mapping):
        held = list(held.values()) if len(held) <= _MAX_ITEMS else []
    if not isinstance(held, _CONTAINERS) or len(held) > _MAX_ITEMS:
        return []
    return list(held)


def _held_by(*functions: object) -> list[object]:
    """The values from outside that functions use: their closures, and the globals they name."""
    held: list[object] = []
    for function in functions:
        called = inspect.unwrap(function) if callable(function) else None
        called = getattr(called, "func", called)  # functools.partial
        called = getattr(called, "__func__", called)  # a method
        if not inspect.isfunction(called):
            continue
        try:
            names = inspect.getclosurevars(called)
        except ValueError:  # a name of the closure that is not bound yet
            continue
        held += [*names.nonlocals.values(), *names.globals.values()]
    return held
