"""
One program for two servers: `langgraph_sdk` against `langgraph dev`, and against Interlock's Agent Server API.

Both carry the same graphs, twenty runs at a time. What only one of them has a way to ask is asked in its own
way: `pending` and `points`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from langgraph_sdk import get_client

IN_FLIGHT = 20
INPUT = {"parts": ["start"], "count": 0}
POLL_S = 0.2
LONGEST_S = 600.0
PAGE = 200  # the most that Interlock's API gives at once

Ask = Callable[[str, Any, int], Awaitable[int]]


@dataclass(frozen=True)
class Server:
    """A server under test, and how one asks it what waits, and what a thread's points are."""

    url: str
    pending: Ask
    points: Ask

    def hold(self, count: int) -> tuple[float, float]:
        """Runs a second from start to question, and from answer to end, twenty in flight."""
        return asyncio.run(_hold(self.url, count))

    def trips(self, count: int) -> list[float]:
        """Milliseconds of start, question, answer and end, one thread after the other."""
        return asyncio.run(_trips(self.url, count))

    def fill(self, count: int) -> None:
        """Let so many more questions wait."""
        asyncio.run(_fill(self.url, count))

    def time_pending(self, count: int, looks: int) -> list[float]:
        """Milliseconds for a list of so many that wait, over and over."""
        return asyncio.run(_time(self.url, self.pending, None, count, looks))

    def make_long(self, points: int, kilobytes: int) -> str:
        """A thread of so many points; its id."""
        return asyncio.run(_make_long(self.url, points, kilobytes))

    def time_points(self, thread_id: str, count: int, looks: int) -> list[float]:
        """Milliseconds to read that a thread has so many points, over and over."""
        return asyncio.run(_time(self.url, self.points, thread_id, count, looks))


def langgraph_dev(url: str) -> Server:
    """As its SDK asks it."""

    async def pending(url: str, _given: Any, count: int) -> int:
        return len(await get_client(url=url).threads.search(status="interrupted", limit=count))

    async def points(url: str, thread_id: Any, count: int) -> int:
        return len(await get_client(url=url).threads.get_history(thread_id, limit=count))

    return Server(url, pending, points)


def interlock(url: str) -> Server:
    """The same program, by the Agent Server API; cards and points by the API of its own."""

    async def pending(url: str, _given: Any, count: int) -> int:
        return await _page(url, "/approvals", {"status": "pending"}, count)

    async def points(url: str, thread_id: Any, count: int) -> int:
        return await _page(url, f"/threads/{thread_id}/history", {}, count)

    return Server(f"{url}/agent-server", pending, points)


async def _page(url: str, path: str, query: Mapping[str, str], count: int) -> int:
    base = f"{url.removesuffix('/agent-server')}/api/v1"
    found, cursor = 0, None
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        while found < count:
            given = {**query, "limit": str(min(PAGE, count - found))}
            told = await client.get(path, params=given | ({"cursor": cursor} if cursor else {}))
            told.raise_for_status()
            document = told.json()
            found += len(document["items"])
            cursor = document["next"]
            if cursor is None:
                break
    return found


async def _hold(url: str, count: int) -> tuple[float, float]:
    client = get_client(url=url)
    gate = asyncio.Semaphore(IN_FLIGHT)
    made = await asyncio.gather(*(client.threads.create() for _ in range(count)))
    threads = [thread["thread_id"] for thread in made]

    async def wait(thread_id: str, **given: Any) -> Any:
        async with gate:
            return await client.runs.wait(thread_id, "hold", **given)

    begun = time.perf_counter()
    held = await asyncio.gather(*(wait(t, input=INPUT) for t in threads))
    to_card = count / (time.perf_counter() - begun)
    assert all("__interrupt__" in each for each in held)
    begun = time.perf_counter()
    ended = await asyncio.gather(*(wait(t, command={"resume": True}) for t in threads))
    to_done = count / (time.perf_counter() - begun)
    assert all("__interrupt__" not in each and len(each["parts"]) == 4 for each in ended)
    return to_card, to_done


async def _trips(url: str, count: int) -> list[float]:
    client = get_client(url=url)
    spent: list[float] = []
    for _ in range(count):
        thread_id = (await client.threads.create())["thread_id"]
        begun = time.perf_counter()
        held = await client.runs.wait(thread_id, "hold", input=INPUT)
        ended = await client.runs.wait(thread_id, "hold", command={"resume": True})
        spent.append((time.perf_counter() - begun) * 1000)
        assert "__interrupt__" in held
        assert len(ended["parts"]) == 4
    return spent


async def _fill(url: str, count: int) -> None:
    client = get_client(url=url)
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def ask() -> None:
        async with gate:
            thread_id = (await client.threads.create())["thread_id"]
            held = await client.runs.wait(thread_id, "hold", input=INPUT)
            assert "__interrupt__" in held

    await asyncio.gather(*(ask() for _ in range(count)))


async def _make_long(url: str, points: int, kilobytes: int) -> str:
    client = get_client(url=url)
    thread_id = str((await client.threads.create())["thread_id"])
    run = await client.runs.create(
        thread_id,
        "long",
        input={"steps": points - 3, "kilobytes": kilobytes},
        config={"recursion_limit": points + 10},
    )
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        status = (await client.runs.get(thread_id, run["run_id"]))["status"]
        if status == "success":
            return thread_id
        assert status in {"pending", "running"}, status
        await asyncio.sleep(POLL_S)
    raise TimeoutError("The long thread did not come to its end.")


async def _time(url: str, ask: Ask, given: Any, count: int, looks: int) -> list[float]:
    spent: list[float] = []
    for _ in range(looks):
        begun = time.perf_counter()
        found = await ask(url, given, count)
        spent.append((time.perf_counter() - begun) * 1000)
        assert found == count, f"{found} of {count}"
    return spent
