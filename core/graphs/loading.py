"""
Load the graphs of a project: every kind of export LangGraph accepts, each opened once per run.

A graph that cannot be loaded is listed with its reason; the others work.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from langgraph.store.base import BaseStore

from interlock.core.errors import WorkflowNotLoaded
from interlock.core.graphs.explaining import explain_factory_failure, explain_import_failure
from interlock.core.graphs.factories import Access, Factory, read_factory
from interlock.core.graphs.modules import import_target
from interlock.core.graphs.project import ExportProblem, GraphSpec, Project

logger = logging.getLogger(__name__)

Exported = Pregel[Any, Any, Any, Any] | Factory


@dataclass(frozen=True, kw_only=True)
class LoadedGraph:
    """
    One graph of the project, ready to be opened, or the reason why it is not.

    `exported` is a compiled graph shared by all runs, or a factory called for each.
    """

    name: str
    description: str
    spec: GraphSpec
    exported: Exported | None
    error: str | None = None

    @asynccontextmanager
    async def open(
        self,
        config: RunnableConfig,
        *,
        store: BaseStore | None = None,
        context: Any = None,
        access: Access = "threads.create_run",
    ) -> AsyncIterator[Pregel[Any, Any, Any, Any]]:
        """
        Give the graph for one use; a factory is called with `config` and closed afterwards.

        Raises:
            WorkflowNotLoaded: It did not load, or its factory failed or gave no graph.
        """
        if self.exported is None:
            raise WorkflowNotLoaded(self.error or f"The graph {self.name!r} is not loaded.")
        if isinstance(self.exported, Pregel):
            yield self.exported
            return
        # As `langgraph dev`: a factory may rely on the key, if not on what is under it.
        given = RunnableConfig(**{"configurable": {}, **config})
        stack = AsyncExitStack()
        try:
            try:
                value = await self.exported.call(
                    stack, config=given, store=store, context=context, access=access
                )
                graph = as_graph(value)
            except BaseException as exc:
                if _is_ours(exc):
                    raise
                raise WorkflowNotLoaded(explain_factory_failure(self.spec, exc)) from exc
            yield graph
        finally:
            await _leave(stack, self.name)


def load_all(project: Project) -> list[LoadedGraph]:
    """Import every graph of a project that has been entered; runs the user's module code."""
    return [load_one(spec, project) for spec in project.graphs]


def load_one(spec: GraphSpec, project: Project) -> LoadedGraph:
    """Import one graph; what goes wrong becomes its `error`."""
    exported: Exported | None = None
    description = spec.description
    error = project.policies.problems.get(spec.name)
    if error is not None:
        return LoadedGraph(
            name=spec.name, description=description, spec=spec, exported=None, error=error
        )
    try:
        module = import_target(spec, project)
        exported = _read_export(spec, module)
        description = description or find_description(exported, module)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:
        error = explain_import_failure(spec, project, exc)
        stack = None if isinstance(exc, ExportProblem) else exc
        logger.warning("graph_not_loaded", exc_info=stack, extra={"graph": spec.name})
    return LoadedGraph(
        name=spec.name, description=description, spec=spec, exported=exported, error=error
    )


def _is_ours(exc: BaseException) -> bool:
    """Whether an exception stops this task or process, rather than coming from a factory."""
    current = asyncio.current_task()
    return isinstance(exc, KeyboardInterrupt) or (
        isinstance(exc, asyncio.CancelledError) and bool(current and current.cancelling())
    )


async def _leave(stack: AsyncExitStack, name: str) -> None:
    """Leave a factory's context managers; what they raise does not undo what was done within."""
    raised = sys.exc_info()
    try:
        await stack.__aexit__(*raised)
    except BaseException as exc:
        if exc is raised[1] or _is_ours(exc):
            raise
        logger.exception("factory_not_left", extra={"workflow": name})


def as_graph(value: Any) -> Pregel[Any, Any, Any, Any]:
    """
    Make what a module exports or a factory returns a compiled graph.

    Raises:
        ExportProblem: It is neither a graph nor a builder.
    """
    if isinstance(value, Pregel):
        return value
    if isinstance(value, StateGraph):
        return _compile(value)
    raise ExportProblem(f"is {_describe(value)}, not a graph")


def _compile(builder: StateGraph[Any, Any, Any, Any]) -> Pregel[Any, Any, Any, Any]:
    # compile() writes into the builder, and a second one with a default error handler then fails;
    # a factory may well return the same builder each time.
    own = copy.copy(builder)
    own.nodes = {name: copy.copy(node) for name, node in builder.nodes.items()}
    return own.compile()


def find_description(exported: Exported, module: ModuleType) -> str:
    """The first paragraph of the docstring nearest to a graph: its function's, else its module's."""
    functions: list[Any] = []
    if isinstance(exported, Factory):
        functions.append(exported.function)
    elif not isinstance(
        exported, CompiledStateGraph
    ):  # an entrypoint: its one node is its function
        for node in exported.nodes.values():
            functions += [getattr(node.bound, name, None) for name in ("func", "afunc")]
    docs = [_find_doc(f) for f in functions if f is not None]
    text = next((doc for doc in docs if doc), None) or inspect.cleandoc(module.__doc__ or "")
    return " ".join(text.strip().split("\n\n")[0].split())


def _find_doc(function: Any) -> str | None:
    function = getattr(function, "func", function)  # functools.partial has a docstring of its own
    if inspect.isroutine(function):
        return inspect.getdoc(function)
    cls = function if inspect.isclass(function) else type(function)
    # Not an inherited one: a subclass of StateGraph is not described by how StateGraph is used.
    return inspect.cleandoc(cls.__dict__.get("__doc__") or "")


def _read_export(spec: GraphSpec, module: ModuleType) -> Exported:
    try:
        value = getattr(module, spec.variable)
    except AttributeError:
        raise ExportProblem(f"{spec.module} has no variable {spec.variable!r}") from None
    if isinstance(value, (Pregel, StateGraph)):
        return as_graph(value)
    if callable(value):
        return read_factory(value)
    raise ExportProblem(f"{spec.variable!r} is {_describe(value)}, not a graph")


def _describe(value: Any) -> str:
    if value is None:
        return "None"
    kind = type(value).__qualname__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
