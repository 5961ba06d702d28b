"""Awaits things while it is imported, as projects with MCP tools do."""

import asyncio

from exports import build


async def fetch_tools() -> list[str]:
    await asyncio.sleep(0)
    return ["a tool"]


TOOLS = asyncio.run(fetch_tools())
graph = build(f"with {TOOLS[0]}")
