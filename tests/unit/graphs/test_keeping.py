"""What runs keep in memory: how many steps their mark tells, and how much all of them may keep."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interlock.core.errors import StoreUnavailable
from interlock.core.graphs import keeping as keepings
from interlock.core.graphs import outages
from interlock.core.graphs.keeping import Keeping, Room, Told


class Owner:
    """Whoever carries the run; `answer` is what comes of asking whether it is back."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.marked: list[int] = []

    async def come_back(self, steps: int) -> bool:
        self.marked.append(steps)
        return await self.answer()

    def on_memory(self) -> None:
        pass

    def on_stored(self, steps: int, seconds: float) -> None:
        pass

    def on_lost(self, steps: int) -> None:
        pass


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nobody waits before going on, and the database is asked for often."""
    monkeypatch.setattr(keepings, "GRACE_S", 0.0)
    monkeypatch.setattr(keepings, "LOOK_S", 0.005)
    monkeypatch.setattr(outages, "FIRST_S", 0.005)


def write_of(size_bytes: int) -> Any:
    return (Told("", (), is_many=False, size_bytes=size_bytes),)


async def send(_: Any) -> None:
    await asyncio.sleep(0)


async def test_steps_that_are_kept_while_the_run_is_marked_are_in_its_mark():
    asked, is_back = asyncio.Event(), asyncio.Event()

    async def answer() -> bool:
        asked.set()
        await is_back.wait()
        return True

    owner = Owner(answer)
    keeping = Keeping(owner)
    await keeping.keep(write_of(1), send, is_step=True)
    await asked.wait()
    await keeping.keep(write_of(1), send, is_step=True)  # while it is being marked
    is_back.set()
    await keeping.settle()

    assert owner.marked == [1, 2]
    assert keeping.steps == 2


async def test_all_runs_of_a_worker_keep_no_more_than_it_has_room_for(monkeypatch):
    monkeypatch.setattr(keepings, "MAX_WORKER_BYTES", 100)
    is_away = True

    async def answer() -> bool:
        if is_away:
            raise StoreUnavailable("The database does not answer.")
        return True

    room = Room()
    first, second = Keeping(Owner(answer), room), Keeping(Owner(answer), room)
    await first.keep(write_of(40), send, is_step=True)
    first.keep_beside(40)  # of a subgraph, to be read from
    holding = asyncio.create_task(second.keep(write_of(30), send, is_step=True))
    done, _ = await asyncio.wait({holding}, timeout=0.03)
    assert (done, room.size_bytes, room.is_full) == (set(), 110, True)

    is_away = False
    await asyncio.gather(holding, first.settle(), second.settle())
    assert room.size_bytes == 40
    await first.close()
    assert room.size_bytes == 0


async def test_what_a_run_keeps_beside_counts_for_it_and_goes_with_it(monkeypatch):
    monkeypatch.setattr(keepings, "MAX_BYTES", 100)

    async def answer() -> bool:
        raise StoreUnavailable("The database does not answer.")

    room = Room()
    keeping = Keeping(Owner(answer), room)
    await keeping.keep(write_of(40), send, is_step=True)
    keeping.keep_beside(90)
    holding = asyncio.create_task(keeping.keep(write_of(1), send, is_step=False))
    done, _ = await asyncio.wait({holding}, timeout=0.03)
    assert not done
    await keeping.close()
    await holding
    assert room.size_bytes == 0
