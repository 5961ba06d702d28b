"""
One writer for all runs of a worker: what they produce queues up here and is written in batches.

The queue is bounded: while it is full, `put` waits and the graph behind it goes no further (law 5).
Whatever is waiting when a write begins goes into one transaction, so twenty runs that end together
cost one commit.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from interlock.core.errors import InterlockError, StoreUnavailable
from interlock.core.model.nodes import NodeRun, RunEvent
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.services import recording
from interlock.core.services.context import App
from interlock.core.services.recording import Batch, Ending
from interlock.core.types import RunId
from interlock.core.worker import telling

logger = logging.getLogger(__name__)

MAX_BATCH = 2000  # records in one transaction; more would hold the database's only writer too long
PAUSE_S = 0.05  # between two writes that end no run
GATHER_S = 0.1  # from one write to the next that ends a run: many that end share one
RETRY_S = 1.0  # between two tries while the database does not answer

Call = Callable[..., Awaitable[Any]]
Record = NodeRun | RunEvent
Waiting = tuple[Ending, "asyncio.Future[RunStatus]"]


class Recorder:
    """Takes records of runs, in order; `serve` writes them until it is told to stop."""

    def __init__(
        self,
        app: App,
        *,
        call: Call,
        limit: int,
        on_outage: Callable[[StoreUnavailable], None] = lambda _: None,
    ) -> None:
        self._app = app
        self._call = call
        self._limit = limit
        self._on_outage = on_outage
        self._records: deque[Record] = deque()
        self._endings: deque[Waiting] = deque()
        self._news = asyncio.Event()
        self._ended = asyncio.Event()  # something is waited for: do not pause
        self._room = asyncio.Event()
        self._room.set()
        self._is_stopping = False
        self._written_at = -GATHER_S  # time.monotonic()
        self._teller = telling.Teller()

    async def put(self, records: Sequence[Record]) -> None:
        """Queue records; waits while the queue is full."""
        self.add(records)
        await self._room.wait()

    def add(self, records: Sequence[Record]) -> None:
        """Queue records without waiting, in the order of the calls."""
        self._records.extend(records)
        self._news.set()
        if len(self._records) >= self._limit:
            self._room.clear()

    @property
    def waiting_count(self) -> int:
        """How many records wait to be written."""
        return len(self._records)

    async def end(self, ending: Ending) -> RunStatus:
        """Queue the end of a run behind its records and wait until it is written."""
        written: asyncio.Future[RunStatus] = asyncio.get_running_loop().create_future()
        self._endings.append((ending, written))
        self._news.set()
        self._ended.set()
        return await written

    def stop(self) -> None:
        """Write what is left, then let `serve` return."""
        self._is_stopping = True
        self._news.set()
        self._ended.set()

    async def serve(self) -> None:
        """Write batches until stopped."""
        while True:
            await self._news.wait()
            if not self._endings and not self._is_stopping:
                await self._pause()
            await self._gather()
            self._ended.clear()
            records, endings = self._take()
            if records or endings:
                await self._write(records, endings)
            elif self._is_stopping:
                self._teller.tell_rest()
                return

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._ended.wait(), PAUSE_S)
        except TimeoutError:
            return

    async def _gather(self) -> None:
        """A run that ends alone is written at once; of many, those of a moment together."""
        missing = self._written_at + GATHER_S - time.monotonic()
        if missing > 0 and not self._is_stopping:
            await asyncio.sleep(missing)

    def _take(self) -> tuple[list[Record], list[Waiting]]:
        count = min(len(self._records), MAX_BATCH)
        records = [self._records.popleft() for _ in range(count)]
        endings: list[Waiting] = []
        if not self._records:  # an end must not overtake its run's records
            endings, self._endings = list(self._endings), deque()
            if not self._is_stopping:
                self._news.clear()
        if len(self._records) < self._limit:
            self._room.set()
        return records, endings

    async def _write(self, records: list[Record], endings: list[Waiting]) -> None:
        if endings:
            self._written_at = time.monotonic()
        try:
            ended = await self._record(_batch(records, endings))
        except Exception:
            logger.exception("batch_not_recorded")
            await self._write_apart(records, endings)
        else:
            _answer(endings, ended)

    async def _record(self, batch: Batch) -> dict[RunId, RunStatus]:
        """Write a batch, however long the database does not answer."""
        again = False
        while True:
            try:
                ended: dict[RunId, RunStatus] = await self._call(
                    self._record_now, batch, again=again
                )
            except StoreUnavailable as exc:
                self._on_outage(exc)
                again = True  # the commit may have gone through
                await asyncio.sleep(RETRY_S)
            else:
                return ended

    def _record_now(self, batch: Batch, *, again: bool) -> dict[RunId, RunStatus]:
        ended = recording.record(self._app, batch, again=again)
        self._teller.tell_batch(batch)
        return ended

    async def _write_apart(self, records: list[Record], endings: list[Waiting]) -> None:
        """One broken record must not take others with it: write run by run, then end by end."""
        for run_id in dict.fromkeys(r.run_id for r in records):
            own = [r for r in records if r.run_id == run_id]
            try:
                await self._record(_batch(own, []))
            except Exception:
                logger.exception("records_lost", extra={"run_id": run_id, "count": len(own)})
        for waiting in endings:
            await self._end_alone(waiting)

    async def _end_alone(self, waiting: Waiting) -> None:
        ending, written = waiting
        try:
            ended = await self._record(_batch([], [waiting]))
        except Exception as exc:
            logger.exception("end_not_recorded", extra={"run_id": ending.run.run_id})
            await self._end_bare(ending, written, exc)
        else:
            _answer([waiting], ended)

    async def _end_bare(
        self, ending: Ending, written: asyncio.Future[RunStatus], error: Exception
    ) -> None:
        """Fail a run whose end cannot be written as it was, so that it does not run for ever."""
        reason = str(error) if isinstance(error, InterlockError) else repr(error)
        failure = Failure(type="NotRecorded", message=f"The end could not be recorded: {reason}")
        bare = Ending(
            run=ending.run,
            job=ending.job,
            status=RunStatus.FAILED,
            failure=failure,
            keeps_lock=ending.keeps_lock,
            newest=ending.stands_at,
        )
        try:
            ended = await self._record(Batch(endings=[bare]))
        except Exception as exc:
            logger.exception("end_lost", extra={"run_id": ending.run.run_id})
            if not written.done():  # the writer lives on for the other runs
                written.set_exception(exc)
        else:
            _answer([(ending, written)], ended)


def _batch(records: Sequence[Record], endings: Sequence[Waiting]) -> Batch:
    return Batch(
        nodes=[r for r in records if isinstance(r, NodeRun)],
        events=[r for r in records if isinstance(r, RunEvent)],
        endings=[ending for ending, _ in endings],
    )


def _answer(endings: Sequence[Waiting], ended: dict[RunId, RunStatus]) -> None:
    for ending, written in endings:
        if not written.done():
            written.set_result(ended[ending.run.run_id])
