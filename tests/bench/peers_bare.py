"""
Bare LangGraph in a process of its own: the same graphs, one saver a run on one pool, every step kept.

Run as `python peers_bare.py DATABASE_OR_FOLDER`: each line is a request `[what, arguments...]` in JSON and is
answered by one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"

from bare import IN_FLIGHT, open_savers
from graphs import hold as asking
from graphs import long
from langgraph.types import Command

INPUT = {"parts": ["start"], "count": 0}


class Bare:
    """The measured acts; a thread is a config."""

    def __init__(self, make_saver: Any) -> None:
        self._make_saver = make_saver

    async def hold(self, count: int) -> list[float]:
        """Runs a second to the question, and to the end."""
        configs = [_config() for _ in range(count)]
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def run(config: Any, given: Any) -> None:
            async with gate:
                await self._run(config, given)

        rates = []
        for given in (INPUT, Command(resume=True)):
            begun = time.perf_counter()
            await asyncio.gather(*(run(config, given) for config in configs))
            rates.append(count / (time.perf_counter() - begun))
        return rates

    async def trips(self, count: int) -> list[float]:
        """Milliseconds from start to end, one after the other."""
        spent = []
        for _ in range(count):
            config = _config()
            begun = time.perf_counter()
            await self._run(config, INPUT)
            await self._run(config, Command(resume=True))
            spent.append((time.perf_counter() - begun) * 1000)
        return spent

    async def fill(self, count: int) -> list[float]:
        """Questions that wait."""
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def ask() -> None:
            async with gate:
                await self._run(_config(), INPUT)

        await asyncio.gather(*(ask() for _ in range(count)))
        return []

    async def time_pending(self, count: int, looks: int) -> list[float]:
        """All threads are looked through for those that wait: there is no list of threads, nor of questions."""
        spent = []
        for _ in range(looks):
            begun = time.perf_counter()
            saver = self._make_saver()
            threads = {
                str(found.config["configurable"]["thread_id"]): None
                async for found in saver.alist(None)
            }
            graph = asking.copy({"checkpointer": saver})
            found = 0
            for thread_id in threads:
                state = await graph.aget_state(_config(thread_id))
                found += bool(state.interrupts)
                if found == count:
                    break
            spent.append((time.perf_counter() - begun) * 1000)
            assert found == count, f"{found} of {count}"
        return spent

    async def make_long(self, points: int, kilobytes: int) -> str:
        """A thread of so many points."""
        config = _config() | {"recursion_limit": points + 10}
        given = {"steps": points - 3, "kilobytes": kilobytes}
        await self._run(config, given, graph=long)
        return str(config["configurable"]["thread_id"])

    async def time_points(self, thread_id: str, count: int, looks: int) -> list[float]:
        """Its history, as the library gives it."""
        spent = []
        for _ in range(looks):
            graph = long.copy({"checkpointer": self._make_saver()})
            begun = time.perf_counter()
            found = [state async for state in graph.aget_state_history(_config(thread_id))]
            spent.append((time.perf_counter() - begun) * 1000)
            assert len(found) == count, len(found)
        return spent

    async def _run(self, config: Any, given: Any, *, graph: Any = asking) -> None:
        ready = graph.copy({"checkpointer": self._make_saver()})
        await ready.ainvoke(given, config, durability="sync")


def _config(thread_id: str | None = None) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread_id or str(uuid4())}}


async def main(where: str) -> None:
    """Answer requests until there are no more."""
    async with AsyncExitStack() as stack:
        bare = Bare(await open_savers(stack, where))
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            what, *arguments = json.loads(line)
            print(json.dumps(await getattr(bare, what)(*arguments)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
