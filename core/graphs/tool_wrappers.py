"""A sync wrapper around the calls of a tool node, in an event loop that it does not hold up."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any


def in_thread(
    wrapper: Callable[[Any, Callable[[Any], Any]], Any],
) -> Callable[[Any, Callable[[Any], Awaitable[Any]]], Awaitable[Any]]:
    """
    Make a `wrap_tool_call` what an `awrap_tool_call` is, so that its calls go through the loop.

    LangGraph calls a sync wrapper in the loop and lets it call tools past all that stands around
    async calls. Here it has a thread of its own, not one of the loop's: those are for the tools
    that it waits for.
    """

    async def around(request: Any, execute: Callable[[Any], Awaitable[Any]]) -> Any:
        loop = asyncio.get_running_loop()
        calls: list[Future[Any]] = []
        is_over = False

        async def call_tool(given: Any) -> Any:
            return await execute(given)

        def call(given: Any) -> Any:
            if is_over:
                raise CancelledError  # nobody waits for it any more
            calls.append(asyncio.run_coroutine_threadsafe(call_tool(given), loop))
            return calls[-1].result()

        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tool-wrapper")
        run = contextvars.copy_context().run
        try:
            return await loop.run_in_executor(thread, run, wrapper, request, call)
        finally:
            is_over = True
            for each in calls:
                each.cancel()
            thread.shutdown(wait=False)

    return around
