"""Side effects that a test can count: each is a line in a file of the folder `book` of the run."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

STEP_S = 0.01


def note(book: str, what: str) -> None:
    """Do the side effect `what` once more."""
    with (Path(book) / f"{what}.done").open("a") as file:
        file.write(f"{os.getpid()}\n")


def count(book: str, what: str) -> int:
    """How often a side effect was done."""
    path = Path(book) / f"{what}.done"
    return len(path.read_text().splitlines()) if path.exists() else 0


def die_if_told(book: str, where: str) -> None:
    """Kill the process as hard as can be, as often as the file says."""
    order = Path(book) / f"{where}.kill"
    if not order.exists():
        return
    left = int(order.read_text()) - 1
    order.unlink() if left == 0 else order.write_text(str(left))
    os.kill(os.getpid(), signal.SIGKILL)


def stop_if_told(book: str, where: str) -> None:
    """Stop the process in its tracks, once."""
    order = Path(book) / f"{where}.stop"
    if order.exists():
        order.unlink()
        os.kill(os.getpid(), signal.SIGSTOP)


def fail_if_told(book: str, where: str) -> None:
    """Fail as often as the file says."""
    order = Path(book) / f"{where}.fail"
    if not order.exists():
        return
    left = int(order.read_text()) - 1
    order.unlink() if left == 0 else order.write_text(str(left))
    raise RuntimeError(f"{where} was told to fail")


async def wait_for(book: str, gate: str) -> None:
    """Wait for a gate that is open unless the test has closed it."""
    note(book, f"at {gate}")
    while (Path(book) / f"{gate}.closed").exists():
        await asyncio.sleep(STEP_S)


def block_at(book: str, gate: str) -> None:
    """The same, holding a thread."""
    note(book, f"at {gate}")
    while (Path(book) / f"{gate}.closed").exists():
        time.sleep(STEP_S)
