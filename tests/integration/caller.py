"""Run in a process of its own by test_breakers: a worker's guard, and a service that does as it is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime

from interlock.core.clock import FrozenClock
from interlock.core.errors import BreakerOpen
from interlock.core.graphs.guarding import Call, Place
from interlock.core.graphs.notes import Notes
from interlock.core.model.policies import BreakerRules, NodePolicy
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import tripping
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store.engine import open_engine
from interlock.core.worker.breaking import Breakers

given = globals()["given"]  # by the test that runs this file
pipe = given["pipe"]
clock = FrozenClock(datetime.fromisoformat(given["now"]))
app = App(Settings(), open_engine(given["url"]), LocalQueue(), clock)
guard = Breakers(app)
run = Run(
    run_id=given["run_id"],
    thread_id="t1",
    workflow="refunds",
    kind=RunKind.START,
    status=RunStatus.RUNNING,
    input=None,
    context=None,
    options=RunOptions(),
    priority=0,
    created_at=clock.now(),
    created_by="ann",
)
rules = BreakerRules(name="payments", failures=3, reset_s=60)
place = Place(workflow="refunds", path="charge", policy=NodePolicy(breaker=rules))


class Service:
    """Is called, and answers when and as it is told."""

    def __init__(self) -> None:
        self.is_up = True
        self.inside = 0
        self.answers = asyncio.Event()
        self.told: Counter[str] = Counter()
        self.moved = asyncio.Event()

    async def call(self, number: int) -> None:
        try:
            own = replace(run, run_id=f"{run.run_id}-{number}")  # those of one run take turns
            async with guard.around_async(
                Call(run=own, place=place, task_id=f"task{number}", notes=Notes())
            ):
                self.inside += 1
                self.moved.set()
                await self.answers.wait()
                if not self.is_up:
                    raise ConnectionError("the service is gone")
            self.told["ok"] += 1
        except BreakerOpen:
            self.told["refused"] += 1
        except ConnectionError:
            self.told["failed"] += 1
        self.moved.set()


async def main() -> None:
    loop = asyncio.get_running_loop()
    service = Service()
    calls: list[asyncio.Task[None]] = []
    while (order := await loop.run_in_executor(None, pipe.recv)) is not None:
        what, value = order
        if what == "call":  # and answer once each is either refused or inside
            service.told.clear()
            service.inside = 0
            service.answers.clear()
            calls = [asyncio.create_task(service.call(number)) for number in range(value)]
            while service.inside + service.told["refused"] < value:
                service.moved.clear()
                await service.moved.wait()
            pipe.send({"inside": service.inside, "refused": service.told["refused"]})
        elif what == "answer":
            service.is_up = value
            service.answers.set()
            await asyncio.gather(*calls)
            pipe.send(dict(service.told))
        elif what == "advance":
            clock.advance(seconds=value)
            pipe.send(None)
        else:
            (found,) = await loop.run_in_executor(None, tripping.list_breakers, app)
            known = guard._board._known.get("payments")  # what this process knows by itself
            pipe.send((found.state.value, known.state.value if known else None))
    guard.stop()


asyncio.run(main())
app.engine.dispose()
