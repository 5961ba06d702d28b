"""
The threads that sync nodes run in, counted by run.

A thread cannot be stopped: a cancelled sync node runs to its end. Until then its run's thread stays
locked, so that a retry never runs the node beside it (law 3).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")


class Work:
    """What is going on in threads for one run, or for all of a worker."""

    def __init__(self) -> None:
        self._futures: set[Future[Any]] = set()

    @property
    def is_going_on(self) -> bool:
        """Whether a thread is still busy."""
        return bool(self._futures)

    def add(self, future: Future[Any]) -> None:
        """Count one piece of work until it is done."""
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)

    async def wait(self) -> None:
        """Wait until all of it is done, however it ends."""
        while futures := [asyncio.wrap_future(future) for future in tuple(self._futures)]:
            done, _ = await asyncio.wait(futures)
            for future in done:
                if not future.cancelled():
                    future.exception()  # nobody is left who wants to know


class Left:
    """Work in threads that goes on though nobody waits for it: after a time-out or a cancellation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: set[Future[Any]] = set()

    @property
    def count(self) -> int:
        """How many pieces go on at this moment; from any thread."""
        with self._lock:
            return len(self._futures)

    def watch(self, future: Future[Any]) -> None:
        """Notice when whoever waits for a piece of work gives up: asyncio then cancels it, in vain."""

        def cancel() -> bool:
            is_cancelled = Future.cancel(future)
            if not is_cancelled:
                with self._lock:
                    if not future.done():
                        self._futures.add(future)
            return is_cancelled

        def forget(_: Future[Any]) -> None:
            vars(future).pop("cancel", None)
            with self._lock:
                self._futures.discard(future)

        vars(future)["cancel"] = cancel
        future.add_done_callback(forget)


left = Left()  # of this process: a worker has one executor for its nodes
_work: ContextVar[Work | None] = ContextVar("interlock_work", default=None)


@contextmanager
def counted(work: Work) -> Iterator[None]:
    """Count what the code inside hands to threads."""
    token = _work.set(work)
    try:
        yield
    finally:
        _work.reset(token)


class NodeThreads(ThreadPoolExecutor):
    """The default executor of a worker's loop, where LangGraph runs sync nodes."""

    def __init__(self, count: int) -> None:
        super().__init__(count, thread_name_prefix="node")
        self.work = Work()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Hand work to a thread; asyncio calls this in the context of the task that does so."""
        future = super().submit(fn, *args, **kwargs)
        self.work.add(future)
        left.watch(future)
        own = _work.get()
        if own is not None:
            own.add(future)
        return future
