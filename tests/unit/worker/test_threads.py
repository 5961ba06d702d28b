"""Threads of sync nodes that go on unheard are counted until they end."""

from __future__ import annotations

import asyncio
import threading

from interlock.core.worker.threads import NodeThreads, left


async def test_a_thread_whose_waiter_gave_up_is_counted_until_it_ends():
    begun, leave, ended = threading.Event(), threading.Event(), threading.Event()

    def node() -> None:
        begun.set()
        leave.wait(30)

    executor, loop = NodeThreads(1), asyncio.get_running_loop()
    try:
        waiter = loop.run_in_executor(executor, node)
        behind = loop.run_in_executor(executor, ended.set)  # the only thread is taken
        assert await asyncio.to_thread(begun.wait, 30)
        assert left.count == 0
        behind.cancel()
        waiter.cancel()
        await asyncio.gather(waiter, behind, return_exceptions=True)
        await asyncio.sleep(0)  # asyncio tells the executor in the loop's next turn
        assert left.count == 1  # what never began is not left
    finally:
        leave.set()
        executor.shutdown()
    assert left.count == 0
    assert not ended.is_set()


async def test_a_thread_that_is_waited_for_is_not_left():
    executor = NodeThreads(1)
    try:
        assert await asyncio.get_running_loop().run_in_executor(executor, lambda: 7) == 7
        assert left.count == 0
    finally:
        executor.shutdown()
