"""
Call a project's graph factories: plain, async, generators wrapped as context managers, with the
run's config, the server runtime, both or neither.

Sync factories run in a thread, so that a slow one never holds up the event loop.
"""

from __future__ import annotations

import asyncio
import inspect
import typing
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore
from langgraph_sdk import runtime as server_runtime

from interlock.core.graphs.project import ExportProblem

Access = Literal["threads.create_run", "threads.update", "threads.read", "assistants.read"]
Role = Literal["config", "runtime"]


@dataclass(frozen=True)
class Factory:
    """A callable that makes a graph, and which of its parameters takes what."""

    function: Callable[..., Any]
    roles: Mapping[str, Role]

    async def call(
        self,
        stack: AsyncExitStack,
        *,
        config: RunnableConfig,
        store: BaseStore | None,
        context: Any,
        access: Access,
    ) -> Any:
        """Call it, await what it returns and enter it if it is a context manager, onto `stack`."""
        arguments = {
            name: config if role == "config" else _make_runtime(access, store, context)
            for name, role in self.roles.items()
        }
        if inspect.iscoroutinefunction(inspect.unwrap(self.function)):
            value = self.function(**arguments)
        else:
            value = await asyncio.to_thread(self.function, **arguments)
        if inspect.isawaitable(value):
            value = await value
        return await _enter(value, stack)


def read_factory(function: Callable[..., Any]) -> Factory:
    """
    Decide what each parameter of a factory is given.

    Raises:
        ExportProblem: A parameter without a default is neither a config nor a server runtime.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as exc:
        raise ExportProblem(f"{_name(function)} cannot be called: {exc}") from exc
    hints = _read_hints(function)
    roles: dict[str, Role] = {}
    for parameter in signature.parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        role = _find_role(parameter, hints.get(parameter.name), taken=set(roles.values()))
        if role is not None and parameter.kind is not parameter.POSITIONAL_ONLY:
            roles[parameter.name] = role
        elif parameter.default is parameter.empty:
            raise ExportProblem(
                f"the factory {_name(function)} has a parameter {parameter.name!r} that nothing "
                "can be given for; a factory takes a RunnableConfig, a ServerRuntime, both or neither"
            )
    return Factory(function, roles)


def _find_role(parameter: inspect.Parameter, hint: Any, *, taken: set[Role]) -> Role | None:
    text = str(hint) if hint is not None else ""
    if "RunnableConfig" in text and "config" not in taken:
        return "config"
    if "Runtime" in text and "runtime" not in taken:
        return "runtime"
    named = {"config": "config", "runtime": "runtime"}.get(parameter.name)
    if named is not None and named not in taken:
        return typing.cast("Role", named)
    # As `langgraph dev`: one parameter of no or of a mapping type is the config.
    is_untyped = hint is None or hint in {dict, Any} or text.startswith(("dict", "typing.Dict"))
    if is_untyped and parameter.default is parameter.empty and "config" not in taken:
        return "config"
    return None


def _read_hints(function: Callable[..., Any]) -> dict[str, Any]:
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        return typing.get_type_hints(inspect.unwrap(target))
    except Exception:  # noqa: BLE001 - an annotation that does not resolve is still readable as text
        return dict(getattr(target, "__annotations__", {}))


def _make_runtime(access: Access, store: BaseStore | None, context: Any) -> Any:
    common: dict[str, Any] = {"access_context": access, "store": store}
    if access == "threads.create_run":
        return server_runtime._ExecutionRuntime(**common, context=context)  # noqa: SLF001
    return server_runtime._ReadRuntime(**common)  # noqa: SLF001


async def _enter(value: Any, stack: AsyncExitStack) -> Any:
    if hasattr(type(value), "__aenter__"):
        return await stack.enter_async_context(value)
    if hasattr(type(value), "__enter__"):
        entered = await asyncio.to_thread(value.__enter__)
        stack.push_async_exit(_Leave(value))
        return entered
    return value


class _Leave:
    """Leave a sync context manager in a thread."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    async def __aenter__(self) -> None:
        """Entered already."""

    async def __aexit__(self, *exc_info: object) -> Any:
        return await asyncio.to_thread(self._manager.__exit__, *exc_info)


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)
