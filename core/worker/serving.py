"""The worker's loop: claim what is due, carry it, notice cancellations, stop in good order."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from interlock.core.errors import StoreUnavailable
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.holds import Hold, find_hold
from interlock.core.model.runs import RunStatus
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.queue.port import SERVES_ALL, Serves
from interlock.core.services import claiming, presence, publishing, watching
from interlock.core.services.claiming import Claimed
from interlock.core.services.context import App
from interlock.core.types import RunId
from interlock.core.worker import clearing, figuring, outage
from interlock.core.worker.carrying import Carrier, Tools
from interlock.core.worker.errands import Errands
from interlock.core.worker.holding import Place
from interlock.core.worker.memory import Memory
from interlock.core.worker.outage import Outage, patient
from interlock.core.worker.publishing import Desk
from interlock.core.worker.recorder import Recorder
from interlock.core.worker.tool_counting import ToolBook

logger = logging.getLogger(__name__)

STORE_THREADS = 4  # one writes, the others read; SQLite has one writer anyway
GATHER_S = 0.05  # from one claim to the next: slots that come free in a moment are filled by one
CANCEL_S = 0.2  # the longest a cancellation is not looked for while runs are claimed
LOOK_S = 1.0  # the longest the worker goes without looking, should a wake-up be missed
LEAVE_S = 3.0  # for all that is written after the drain, while the database answers
PULSE_S = 0.1  # what a run did is on its way to the screens after this
MAX_ERRANDS = 4  # states and steps that are read beside a full load of runs, at each claim


class Server:
    """One worker at work. `stop` may be called from a signal handler of the loop."""

    def __init__(
        self,
        app: App,
        workshop: Workshop,
        worker: Worker,
        *,
        on_change: Callable[[], None] = lambda: None,
        place: Place | None = None,
        desk: Desk | None = None,
    ) -> None:
        """
        Make it; nothing is begun yet.

        Args:
            app: The parts.
            workshop: The project's graphs.
            worker: What it says of itself.
            on_change: Called, from a thread, whenever something in the database may have changed.
            place: Its place among the workers, which it may lose while the database is away.
            desk: Knows of which workflows it takes runs; without one it takes all.
        """
        self._app = app
        self._desk = desk
        self._on_change = on_change
        self._worker = worker
        self._pool = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="store")
        self._place = place
        if place is not None:
            place.on_loss = self._tell_loss
        self._outage = Outage(self._tell_all, on_begin=self._tell_outage)
        self._recorder = Recorder(
            app, call=self.call, limit=app.settings.queue_events, on_outage=self._outage.suffer
        )
        self._news = asyncio.Event()
        self._tools = Tools(
            app=app,
            workshop=workshop,
            recorder=self._recorder,
            call=patient(self.call, self._outage),
            make_room=self._news.set,
            come_back_to=self._come_back_to,
            is_sure=self._find_sureness(),
            is_away=lambda: self._outage.is_on,
        )
        self._carriers: dict[asyncio.Task[Any], Carrier] = {}
        self._errands = Errands(self._tools, call=self.call, on_end=self._on_errand)
        self._suspects: deque[Claimed] = deque()
        self._is_alone = False  # a suspect is carried
        self._stopping = asyncio.Event()
        self._memory = Memory(app.settings.max_memory_mb)
        self._claimed_at = -GATHER_S  # time.monotonic()
        self._looked_at = -CANCEL_S  # time.monotonic()
        self._is_more = False  # the last claim brought runs, so there may be others

    async def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a store function on the store's own threads (law 5)."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def _serves(self) -> Serves:
        return SERVES_ALL if self._desk is None else self._desk.serves

    def stop(self) -> None:
        """Take no more jobs; `serve` returns when all runs are handed over."""
        self._stopping.set()
        self._news.set()

    def count(self) -> Mapping[str, float]:
        """What goes on, in numbers; may be called from any thread."""
        return {
            "runs": len(self._carriers),
            "room": self._free,
            "records_waiting": self._recorder.waiting_count,
            "records_limit": self._app.settings.queue_events,
            "is_draining": float(self._stopping.is_set()),
            "is_over_memory": float(self._memory.is_over()),
        }

    async def serve(self) -> None:
        """Work until stopped."""
        loop = asyncio.get_running_loop()
        watch = watching.Watch(self._app, is_for_work=True)
        watcher = threading.Thread(
            target=self._watch, args=(loop, watch), name="watch", daemon=True
        )
        watcher.start()
        writing = asyncio.create_task(self._recorder.serve(), name="recorder")
        clear = clearing.keep(self._app, self.call, on_outage=self._outage.suffer)
        clears = asyncio.create_task(clear, name="clear")
        rolling = asyncio.create_task(figuring.keep(self._app, self.call), name="figures")
        pulsing = asyncio.create_task(self._pulse(), name="pulse")
        tools = ToolBook(self._app, self.call)
        counting = asyncio.create_task(tools.keep(), name="tools")
        try:
            while not self._stopping.is_set():
                try:
                    await self._look()
                except StoreUnavailable as exc:  # what runs holds by itself
                    self._outage.suffer(exc)
                    await self._wait_for_store()
                except Exception:  # what is carried goes on; it may get through the next time
                    logger.exception("not_looked")
                    await self._wait_for_store()
                else:
                    await self._sleep()
        finally:
            self._stopping.set()
            giving_up = asyncio.create_task(self._give_up_late(), name="give up")
            await self._drain()  # whatever ended it: nothing carried is given away
            clears.cancel()
            rolling.cancel()
            pulsing.cancel()
            watch.stop()
            self._recorder.stop()
            tools.stop()
            await asyncio.gather(writing, counting)
            await self._leave()
            watcher.join(timeout=LOOK_S * 2)
            self._pool.shutdown(wait=True)
            giving_up.cancel()

    async def _give_up_late(self) -> None:
        """Who has to leave while the database is away can hand nothing over, however long it waits."""
        await asyncio.sleep(self._app.settings.drain_s + LEAVE_S)
        while True:
            if self._outage.is_on and self._place is not None:
                self._place.give_up()
            await asyncio.sleep(LOOK_S)

    def _watch(self, loop: asyncio.AbstractEventLoop, watch: watching.Watch) -> None:
        while not self._stopping.is_set():
            if watch.wait(timeout_s=LOOK_S):
                self._on_change()
                try:
                    loop.call_soon_threadsafe(self._news.set)
                except RuntimeError:  # the loop is closed: the process ends
                    break
        watch.close()

    async def _sleep(self) -> None:
        try:
            # A claim that brought something puts off the look for cancellations.
            await asyncio.wait_for(self._news.wait(), CANCEL_S if self._is_more else LOOK_S)
        except TimeoutError:
            return
        finally:
            missing = self._claimed_at + GATHER_S - time.monotonic()
            if missing > 0 and not self._stopping.is_set():
                await asyncio.sleep(missing)
            self._news.clear()

    async def _wait_for_store(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), outage.RETRY_S)

    async def _come_back(self) -> None:
        """
        After an outage: hand back what was claimed without our hearing of it.

        A commit that was cut off may have happened or not.
        """
        carried = [c.claimed.job.job_id for c in self._carriers.values()]
        carried += [claimed.job.job_id for claimed in self._suspects]
        carried += [job.job_id for job in self._errands.jobs]
        count = await self.call(
            claiming.put_back_unheard, self._app, self._worker.worker_id, carried
        )
        if count:
            logger.warning("claims_put_back", extra={"count": count})
        self._outage.end()

    async def _come_back_to(self, claimed: Claimed, steps: int) -> bool:
        """
        Whether a run that went on in memory is still this worker's; it is marked then.

        Raises:
            StoreUnavailable: Nobody can know yet.
        """

        def look() -> bool:
            if self._place is not None:
                self._place.keep()
            worker_id = self._worker.worker_id
            return claiming.come_back(self._app, worker_id, claimed, steps=steps)

        found: bool = await self.call(look)
        return found

    def _find_sureness(self) -> Callable[[], bool]:
        """How to know that nobody has taken over; from who works alone nobody does."""
        if self._place is None or self._app.settings.is_embedded:
            return lambda: True
        return self._place.is_sure

    def _tell_loss(self) -> None:
        """Log, from any thread, which runs' kept steps end with this process."""
        for carrier in tuple(self._carriers.values()):
            carrier.tell_loss()

    def _tell_outage(self) -> None:
        for carrier in self._carriers.values():
            carrier.warn(outage.GOES_ON if carrier.goes_on else outage.HOLDS)

    def _tell_all(self, text: str) -> None:
        for carrier in self._carriers.values():
            carrier.warn(text)

    async def _look(self) -> None:
        """See to cancellations and due jobs; while claims bring something, claim without asking."""
        if self._outage.is_on:
            await self._come_back()
        is_blocked = bool(self._suspects) or self._is_alone
        free = 0 if is_blocked else self._free
        is_any_due = self._is_more and free > 0
        if not self._is_more or time.monotonic() - self._looked_at >= CANCEL_S:
            self._looked_at = time.monotonic()
            ids = [c.claimed.run.run_id for c in self._carriers.values()]
            seen = await self.call(
                claiming.look, self._app, ids, only_errands=not free, serves=self._serves()
            )
            self._cancel(seen.cancelled)
            self._hold(seen.holds)
            is_any_due = seen.is_any_due
        if is_any_due and not self._is_held:
            await self._claim(free)
        self._try_suspect()

    @property
    def _is_held(self) -> bool:
        """Whether nothing at all is taken: what dies beside a suspect would be laid at its door."""
        return self._is_alone or (bool(self._suspects) and not self._carriers)

    @property
    def _free(self) -> int:
        """How many more runs there is room for."""
        busy = sum(not carrier.is_over for carrier in tuple(self._carriers.values()))
        places = 1 if self._memory.is_over() else self._app.settings.concurrency
        return max(0, places - busy)

    async def _claim(self, free: int) -> None:
        """Take runs as there is room for them, and what somebody waits for on a screen in any case."""
        self._claimed_at = time.monotonic()
        claim = await self.call(
            claiming.claim_jobs,
            self._app,
            self._worker.worker_id,
            limit=free or MAX_ERRANDS,
            only_errands=not free,
            serves=self._serves(),
        )
        if claim.has_left and self._desk is not None:
            await self.call(self._desk.look)
        if free:
            self._is_more = bool(claim.runs)
        for claimed in claim.runs:
            if claimed.is_suspect:
                self._suspects.append(claimed)
            else:
                self._carry(claimed)
        for job in claim.errands:
            self._errands.run(job)

    def _try_suspect(self) -> None:
        """Carry what may kill this worker with nothing beside it that would die, too."""
        if self._suspects and not self._carriers and not self._errands.tasks:
            claimed = self._suspects.popleft()
            logger.warning("suspect_carried_alone", extra={"run_id": claimed.run.run_id})
            self._is_alone = True
            self._carry(claimed)

    def _carry(self, claimed: Claimed) -> None:
        carrier = Carrier(claimed, self._tools)
        task = asyncio.create_task(carrier.carry(), name=f"run {claimed.run.run_id}")
        self._carriers[task] = carrier
        task.add_done_callback(self._on_carried)

    def _on_carried(self, task: asyncio.Task[RunStatus]) -> None:
        carrier = self._carriers.pop(task)
        self._is_alone = False  # if it was, nothing else was carried
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error(
                "run_not_recorded", exc_info=error, extra={"run_id": carrier.claimed.run.run_id}
            )
        self._news.set()

    def _on_errand(self) -> None:
        if self._suspects:
            self._news.set()

    def _cancel(self, run_ids: Collection[RunId]) -> None:
        for task, carrier in self._carriers.items():
            if carrier.claimed.run.run_id in run_ids:
                carrier.cancel(task)

    def _hold(self, holds: Sequence[Hold]) -> None:
        for carrier in self._carriers.values() if holds else ():
            found = find_hold(holds, carrier.claimed.run.workflow)
            if found is not None:
                carrier.hold(found)

    async def _drain(self) -> None:
        """Let supersteps end; what takes longer than the drain is cancelled and handed over."""
        draining = replace(self._worker, status=WorkerStatus.DRAINING)
        try:
            await self.call(presence.change, self._app, draining)
            await self.call(publishing.withdraw, self._app, self._worker.worker_id)
        except StoreUnavailable:  # nobody is there to read it
            pass
        except Exception:  # the runs are to be handed over all the same
            logger.exception("draining_not_told")
        for carrier in self._carriers.values():
            carrier.drain()
        carriers = dict(self._carriers)
        tasks = {*carriers, *self._errands.tasks}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._app.settings.drain_s)
            for task in late:
                if task in carriers:
                    carriers[task].hand_over(task)
                else:
                    task.cancel("the worker stops")
            if late:
                await asyncio.wait(late)

    async def _pulse(self) -> None:
        while True:
            await asyncio.sleep(PULSE_S)
            for carrier in self._carriers.values():
                carrier.pulse()

    async def _leave(self) -> None:
        if self._place is not None:
            if any(not task.done() for task in self._carriers):  # by no way that is known
                self._place.give_up()
            self._place.leave()
        try:
            await self.call(presence.leave, self._app, self._worker.worker_id)
        except StoreUnavailable as exc:  # whoever comes next takes over what is left
            logger.warning("not_signed_off", extra={"reason": str(exc)})
