"""
Another application, for the attach rows: it runs a graph on its own database and knows nothing of ours.

Run as `python outsider.py DATABASE_OR_FILE`: for each line `FIRST COUNT` it brings so many threads to
their question, for each line `answer FIRST COUNT` it answers them; it prints the seconds that took.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"

import aiosqlite
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

sys.path.insert(0, str(Path(__file__).parent / "project"))

from graphs import hold

IN_FLIGHT = 20


async def main(where: str) -> None:
    """Do what stdin says, a line at a time."""
    async with AsyncExitStack() as stack:
        graph = hold.copy({"checkpointer": await _open(stack, where)})
        loop = asyncio.get_running_loop()
        while line := (await loop.run_in_executor(None, sys.stdin.readline)).split():
            begun = time.perf_counter()
            given: Any = {"parts": ["start"], "count": 0}
            if line[0] == "answer":
                given = Command(resume=True)
            first, count = int(line[-2]), int(line[-1])
            await _run(graph, given, range(first, first + count))
            print(time.perf_counter() - begun, flush=True)


async def _run(graph: Any, given: Any, numbers: range) -> None:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def run(number: int) -> None:
        async with gate:
            config = {"configurable": {"thread_id": f"outside-{number:06}"}}
            await graph.ainvoke(given, config, durability="sync")

    await asyncio.gather(*(run(number) for number in numbers))


async def _open(stack: AsyncExitStack, where: str) -> Any:
    if where.startswith("postgresql://"):
        options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        pool: Any = await stack.enter_async_context(
            AsyncConnectionPool(where, min_size=4, max_size=IN_FLIGHT + 2, kwargs=options)
        )
        saver: Any = AsyncPostgresSaver(pool)
    else:
        conn = await stack.enter_async_context(aiosqlite.connect(where))
        await conn.execute("PRAGMA synchronous = NORMAL")
        saver = AsyncSqliteSaver(conn)
    await saver.setup()
    return saver


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
