"""
The other side of the throughput row: bare LangGraph in a process of its own.

Run as `python bare.py DATABASE_OR_FOLDER`: reads a count per line, prints the rate of that many runs.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"

import aiosqlite
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

sys.path.insert(0, str(Path(__file__).parent / "project"))

from graphs import ten

IN_FLIGHT = 20


async def main(where: str) -> None:
    """Answer counts on stdin with rates on stdout."""
    async with AsyncExitStack() as stack:
        make_saver = await open_savers(stack, where)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(await _measure(make_saver, int(line)), flush=True)


async def _measure(make_saver: Any, count: int) -> float:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def run() -> None:
        async with gate:
            graph = ten.copy({"checkpointer": make_saver()})
            config = {"configurable": {"thread_id": str(uuid4())}}
            await graph.ainvoke({"parts": ["start"], "count": 0}, config, durability="sync")

    begun = time.perf_counter()
    await asyncio.gather(*(run() for _ in range(count)))
    return count / (time.perf_counter() - begun)


async def open_savers(stack: AsyncExitStack, where: str) -> Any:
    if where.startswith("postgresql://"):
        options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        pool: Any = await stack.enter_async_context(
            AsyncConnectionPool(where, min_size=4, max_size=IN_FLIGHT + 2, kwargs=options)
        )
        await AsyncPostgresSaver(pool).setup()
        return lambda: AsyncPostgresSaver(pool)
    conn = await stack.enter_async_context(aiosqlite.connect(Path(where) / "bare.db"))
    await conn.execute("PRAGMA synchronous = NORMAL")
    saver = AsyncSqliteSaver(conn)
    await saver.setup()
    return lambda: saver


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
