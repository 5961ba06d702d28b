"""
The tools of a graph, and what arguments each takes: so that a form can be typed where the interrupt says
nothing of types.

Found by looking at what the nodes hold, without running any of it: a value of the user's may be opened
when it is first used. Injected arguments are left out, as they are for the model. Of a tool that cannot
be described the name alone is kept.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeGuard, TypeVar

from langchain_core.runnables import Runnable, RunnableLambda, RunnableSequence
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.tools import BaseTool
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from langgraph.pregel._read import PregelNode

from interlock.core.graphs.projection import to_json
from interlock.core.graphs.schemas import lift_root
from interlock.core.model.json_values import find_cuts
from interlock.core.types import Json

Kind = TypeVar("Kind")
AnyGraph = Pregel[Any, Any, Any, Any]
Schemas = dict[str, Json]
Found = tuple[str, BaseTool]  # a tool by its name

MAX_TOOL_BYTES = 100_000  # a tool with more arguments than that is edited as JSON
MAX_TOOLS_BYTES = 500_000  # of a workflow; what goes beyond is left out
_MAX_DEPTH = 20  # graphs within graphs, and wrappers around a runnable
_MAX_ITEMS = 1_000  # of a list or table of tools; a longer one is data
_CONTAINERS = (dict, list, tuple, set, frozenset)

logger = logging.getLogger(__name__)


def describe_tools(graph: AnyGraph) -> dict[str, Schemas] | None:
    """
    The JSON Schemas of the arguments of all tools that a graph and those nested in it hold.

    Returns:
        {path of the graph ("" at the root, "team/writer"): {tool name: schema}}, or None where there
        is no schema. None stands for the schema of a tool that cannot be described, or that is too
        large, and of two with the same name in one graph: nobody could tell which one a question is about.
    """
    found: dict[str, dict[str, list[BaseTool]]] = {}
    for path, (name, tool) in _walk(graph, "", frozenset()):
        same_name = found.setdefault(path, {}).setdefault(name, [])
        if all(known is not tool for known in same_name):
            same_name.append(tool)
    left = MAX_TOOLS_BYTES
    described: dict[str, Schemas] = {path: {} for path in found}
    for path, tools in found.items():
        for name, same_name in tools.items():
            schema = _describe(same_name[0]) if len(same_name) == 1 else None
            left -= 0 if schema is None else len(json.dumps(schema))
            described[path][name] = schema if left >= 0 else None
    has_any = any(schema is not None for each in described.values() for schema in each.values())
    return described if has_any else None


def name_tools(graph: AnyGraph) -> dict[str, frozenset[str]]:
    """The names of all tools that a graph and those nested in it hold, by the path of the graph."""
    found: dict[str, set[str]] = {}
    for path, (name, _) in _walk(graph, "", frozenset()):
        found.setdefault(path, set()).add(name)
    return {path: frozenset(names) for path, names in found.items()}


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


def _walk(graph: AnyGraph, path: str, around: frozenset[int]) -> Iterator[tuple[str, Found]]:
    """Each tool with the path of the graph that holds it; a graph that holds itself ends there."""
    if id(graph) in around or len(around) > _MAX_DEPTH:
        return
    around |= {id(graph)}
    for name, node in graph.nodes.items():
        inside = f"{path}/{name}" if path else name
        try:
            tools, nested = _look_at(node, graph)
        except Exception as exc:  # noqa: BLE001 - what a node is made of is the user's
            logger.info("tools_not_found", extra={"node": inside, "reason": repr(exc)})
            continue
        for tool in tools:
            yield path, tool
        for inner in nested:
            yield from _walk(inner, inside, around)


def _look_at(node: PregelNode, graph: AnyGraph) -> tuple[list[Found], list[AnyGraph]]:
    """The tools of a node, and the graphs that run within it."""
    nested: list[AnyGraph] = [part for part in node.subgraphs if _is(part, Pregel)]
    tools = list(_tools_of(node.bound, 0))
    for tool in tools:
        if not _is(node.bound, ToolNode) and _runs_elsewhere(tool, graph):
            continue  # this one only tells the model of it
        # An agent that a tool calls asks from within the node that runs the tool.
        held = _held_by(getattr(tool, "func", None), getattr(tool, "coroutine", None))
        nested += [value for value in held if _is(value, Pregel)]
    return [(tool.name, tool) for tool in tools], nested


def _runs_elsewhere(tool: BaseTool, graph: AnyGraph) -> bool:
    at_nodes = [node.bound for node in graph.nodes.values() if _is(node.bound, ToolNode)]
    return any(tool is known for bound in at_nodes for known in bound.tools_by_name.values())


def _tools_of(bound: object, depth: int) -> Iterator[BaseTool]:
    """The tools that a node's runnable holds, or that its function uses."""
    if depth > _MAX_DEPTH:
        return
    if _is(bound, ToolNode):
        yield from bound.tools_by_name.values()
    elif _is(bound, BaseTool):
        yield bound
    elif _is(bound, RunnableBindingBase):
        yield from _tools_of(bound.bound, depth + 1)
    elif _is(bound, RunnableSequence) or hasattr(bound, "steps"):
        for step in _items(bound.steps):
            yield from _tools_of(step, depth + 1)
    elif _is(bound, Runnable) and not _is(bound, Pregel):
        for held in _held_by(*_functions_of(bound)):
            yield from _tools_in(held)


def _functions_of(bound: Runnable[Any, Any]) -> Iterable[object]:
    """What a node's runnable calls; LangGraph wraps a function so that it has one or both."""
    if _is(bound, RunnableLambda):
        return [vars(bound).get("func"), vars(bound).get("afunc")]
    return [getattr(bound, "func", None), getattr(bound, "afunc", None)]


def _tools_in(held: object) -> Iterator[BaseTool]:
    if _is(held, ToolNode):
        yield from held.tools_by_name.values()
    for item in [held, *_items(held)]:
        if _is(item, BaseTool):
            yield item


def _is(held: object, kind: Callable[..., Kind]) -> TypeGuard[Kind]:
    """Like `isinstance`, which asks the value itself: one that stands for another would be opened."""
    return isinstance(kind, type) and issubclass(type(held), kind)


def _items(held: object) -> list[object]:
    """What a plain list or table holds; nothing for whatever else it is."""
    if type(held) not in _CONTAINERS:
        return []
    table: Any = held
    items = table.values() if type(held) is dict else table
    return list(items) if len(items) <= _MAX_ITEMS else []


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
