"""
The other side of the hold rows: `langgraph dev` with the same graphs, in an environment of its own.

It is installed on demand and never beside ours: its server has another licence (docs/why.md).
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from langgraph_sdk import get_client

ROOT = Path(__file__).parents[2]
VENV = ROOT / "build" / "peer"
REQUIREMENT = "langgraph-cli[inmem]==0.4.40"
PROJECT = Path(__file__).parent / "project"
IN_FLIGHT = 20
START_S = 90.0


def install() -> Path:
    """Make the peer's environment if it is not there; the path of its command."""
    command = VENV / "bin" / "langgraph"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "-q", REQUIREMENT]
        subprocess.run(pip, check=True)
    return command


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Serve the measured graphs; the URL."""
    command = install()
    port = free_port()
    for name in ("langgraph.json", "graphs.py"):
        (folder / name).write_bytes((PROJECT / name).read_bytes())
    arguments = ["dev", "--no-browser", "--no-reload", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [str(command), *arguments, "--n-jobs-per-worker", str(IN_FLIGHT)],
        cwd=folder,
        env={**os.environ, "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_ready(url)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def measure_hold(url: str, count: int) -> tuple[float, float]:
    """Runs per second from start to interrupt, and from resume to done, twenty in flight."""
    return asyncio.run(_measure(url, count))


async def _measure(url: str, count: int) -> tuple[float, float]:
    client = get_client(url=url)
    gate = asyncio.Semaphore(IN_FLIGHT)
    threads = [
        t["thread_id"]
        for t in await asyncio.gather(*(client.threads.create() for _ in range(count)))
    ]

    async def wait(thread_id: str, **given: Any) -> Any:
        async with gate:
            return await client.runs.wait(thread_id, "hold", **given)

    begun = time.perf_counter()
    held = await asyncio.gather(*(wait(t, input={"parts": ["start"], "count": 0}) for t in threads))
    to_card = count / (time.perf_counter() - begun)
    assert all("__interrupt__" in h for h in held)
    begun = time.perf_counter()
    ended = await asyncio.gather(*(wait(t, command={"resume": True}) for t in threads))
    to_done = count / (time.perf_counter() - begun)
    assert all("__interrupt__" not in e for e in ended)
    return to_card, to_done


def _wait_ready(url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/ok", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise TimeoutError("`langgraph dev` did not become ready.")


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
