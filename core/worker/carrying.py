"""Carrying out one claimed run from its job to its recorded end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.core.graphs import failing
from interlock.core.graphs.heads import Reading
from interlock.core.graphs.keeping import Room
from interlock.core.graphs.outcomes import Outcome, snapshot_of
from interlock.core.graphs.run_log import Record
from interlock.core.graphs.running import Execution, Task, config_for, needs_head
from interlock.core.graphs.tracking import Tracker
from interlock.core.graphs.workshop import AnyGraph, Workshop
from interlock.core.model.delivery import (
    HANDED_OVER,
    MAX_DEATHS_AT_ONE_PLACE,
    Delivery,
    Tries,
    count_tries,
)
from interlock.core.model.holds import Hold
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import Failure, RunKind, RunStatus
from interlock.core.services import claiming, recording
from interlock.core.services.claiming import Claimed
from interlock.core.services.context import App
from interlock.core.services.recording import Ending
from interlock.core.types import CheckpointId
from interlock.core.worker import output, telling, threads
from interlock.core.worker.indexing import find_newest, has_own, list_own, read_entries
from interlock.core.worker.keeping import ComeBack, RunMemory
from interlock.core.worker.recorder import Call, Recorder
from interlock.core.worker.recovering import make_up, read_own_traces
from interlock.core.worker.threads import Work

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tools:
    """What every run of a worker shares."""

    app: App
    workshop: Workshop
    recorder: Recorder
    call: Call  # runs a store function outside the event loop
    make_room: Callable[[], None] = lambda: None  # a run left its graph: another may start
    come_back_to: ComeBack | None = None  # None: runs never go on in memory
    room: Room = field(default_factory=Room)  # for what they keep there
    is_sure: Callable[[], bool] = lambda: True  # whether nobody can have taken over from the worker
    is_away: Callable[[], bool] = lambda: False  # whether the database is known not to answer


class Carrier:
    """One run in flight. `cancel`, `drain` and `hand_over` may be called while `carry` runs."""

    def __init__(self, claimed: Claimed, tools: Tools) -> None:
        self._claimed = claimed
        self._run = claimed.run
        self._tools = tools
        self._is_cancelled = claimed.run.cancel_requested_at is not None
        self._is_draining = self._is_written = False
        self._hold: Hold | None = None
        self._is_over = False  # its outcome is known and only has to be written
        self._work = Work()
        self._execution: Execution | None = None
        self._tracker = Tracker(
            claimed.run,
            now=tools.app.clock.now,
            last_seq=claimed.last_seq,
            prices=tools.workshop.policies.prices,
            may_begin=self._may_begin,
        )
        self._memory = self._open_memory()

    @property
    def claimed(self) -> Claimed:
        """The job and its run."""
        return self._claimed

    @property
    def goes_on(self) -> bool:
        """Whether the run may go on in memory while the database is away."""
        return self._memory is not None

    @property
    def is_over(self) -> bool:
        """Whether only its record is left to be written."""
        return self._is_over

    def cancel(self, task: asyncio.Task[Any]) -> None:
        """An operator cancels the run; `task` is the one that runs `carry`."""
        if not self._is_cancelled and not self._is_over:
            self._is_cancelled = True
            task.cancel("cancelled by an operator")

    def drain(self) -> None:
        """Stop at the end of the superstep and hand the run over."""
        self._is_draining = True
        if self._execution is not None:
            self._execution.drain()

    def hold(self, hold: Hold) -> None:
        """Somebody holds the workflow: the run goes back to the queue at the end of its superstep."""
        if self._hold is None and not self._is_over:
            self._hold = hold
            text = f"Held by {hold.held_by}: it goes back to the queue when its superstep ends."
            self._tracker.emit("warning", {"text": text})
            self.drain()

    def warn(self, text: str) -> None:
        """Say something in the run's log."""
        if not self._is_over:
            self._tracker.emit("warning", {"text": text})

    def tell_loss(self) -> None:
        """Log that what is kept of the run ends with this process."""
        if self._memory is not None:
            self._memory.tell_loss()

    def hand_over(self, task: asyncio.Task[Any]) -> None:
        """Stop now: the superstep, or a node that was cancelled, takes too long to wait for."""
        if self._is_written or not self._is_over:
            task.cancel("the worker stops")

    def pulse(self) -> None:
        """Hand over what has piled up, so that a long node's run is seen while it works."""
        if not self._is_over:
            self._tools.recorder.add(self._tracker.take())

    async def carry(self) -> RunStatus:
        """Carry the run out; whatever happens, its end is recorded."""
        telling.bind(self._run)
        telling.tell_start(self._run)
        carried = self._carry_out()
        ending = await (carried if self._memory is None else self._memory.around(carried))
        self._is_over = True
        self._tools.make_room()
        if self._memory is not None and self._memory.keeping.is_lost:
            self._is_written = True
            return RunStatus.RUNNING  # elsewhere, where all of it is told
        await self._tools.recorder.put(self._tracker.take())
        if ending.head is None and self._claimed.delivery.fork is not None:
            ending = replace(ending, newest=await self._find_newest())
        ending = replace(ending, keeps_lock=self._work.is_going_on, last_seq=self._tracker.last_seq)
        status = await self._tools.recorder.end(ending)
        self._is_written = True
        telling.tell_end(status, ending)
        if ending.keeps_lock and status is not RunStatus.QUEUED:
            await self._work.wait()
            await self._tools.call(recording.release, self._tools.app, self._claimed.job)
        elif ending.keeps_lock and self._hold is not None:
            await self._work.wait()
            await self._tools.call(recording.hand_back, self._tools.app, self._claimed.job)
        return status

    def _may_begin(self) -> bool:
        """Whether a node may begin: who goes on in memory does although nobody can be sure."""
        return self._tools.is_sure() or (self.goes_on and self._tools.is_away())

    def _open_memory(self) -> RunMemory | None:
        tools = self._tools
        settings = tools.app.settings
        is_ours = not settings.is_embedded and settings.attach is None
        may = tools.come_back_to is not None and is_ours
        may = may and self._claimed.delivery.fork is None  # a fork is never made in memory
        if not may or not tools.workshop.goes_on_in_memory(self._run.workflow):
            return None
        assert tools.come_back_to is not None
        tell = self._tracker.emit  # what is stored at the very end is told, too
        return RunMemory(
            self._claimed,
            tools.come_back_to,
            lambda text: tell("warning", {"text": text}),
            tools.room,
        )

    async def _carry_out(self) -> Ending:
        self._tracker.emit("status", {"status": str(RunStatus.RUNNING)})
        try:
            tries = await self._count_tries()
            if tries is not None and tries.are_hopeless:
                return self._end(_gave_up(None))
            with output.captured(self._keep_output), threads.counted(self._work):
                async with self._tools.workshop.open(
                    self._run.workflow,
                    config_for(self._run),
                    context=self._run.context,
                    run=self._run,
                    notes=self._tracker.notes,
                    keeping=None if self._memory is None else self._memory.keeping,
                ) as graph:
                    return await self._on_graph(graph, tries)
        except asyncio.CancelledError:
            _uncancel()
            return self._end(Outcome(status=self._status_when_stopped))
        except BaseException as exc:  # noqa: BLE001  a factory may raise what it likes
            if self._is_cancelled:
                return self._end(Outcome(status=RunStatus.CANCELLED))
            return self._end(
                Outcome(
                    status=RunStatus.FAILED, failure=failing.describe(exc, attempt=None, state=None)
                )
            )

    async def _on_graph(self, graph: AnyGraph, tries: Tries | None) -> Ending:
        execution = Execution(
            graph,
            Task(
                run=self._run,
                delivery=await self._read_delivery(),
                verb=self._claimed.verb,
                snapshot_bytes=self._tools.app.settings.max_snapshot_bytes,
                askers=self._claimed.askers,
                recursion_limit=self._tools.app.settings.recursion_limit,
            ),
            tracker=self._tracker,
            put=self._put,
            count_answers=self._tools.workshop.savers.pending_resumes,
            copy=self._tools.workshop.savers.copy_thread,
        )
        self._execution = execution
        try:
            outcome = await self._find_outcome(graph, execution, tries)
        except asyncio.CancelledError:
            _uncancel()
            outcome = await self._find_stopped(execution)
        self._is_over = True
        if self._memory is not None:
            await self._memory.keeping.settle()
        return await self._with_entries(graph, outcome)

    async def _read_delivery(self) -> Delivery:
        """The delivery; of a start that is handed out again, whether it has stored anything."""
        delivery = self._claimed.delivery
        if delivery.kind is not RunKind.START or delivery.is_first or not delivery.is_shared:
            return delivery
        has_begun = await has_own(
            self._tools.workshop.savers,
            self._run.thread_id,
            delivery.own_run_ids,
            after=None if delivery.is_retry else self._claimed.indexed_to,
        )
        return replace(delivery, has_begun=has_begun)

    async def _put(self, records: Sequence[Record]) -> None:
        """Hand records over; the caches that a node wants cleared are, before the graph goes on."""
        await self._tools.recorder.put(records)
        if not self._tracker.notes.has_cache_events:
            return
        caches = self._tools.workshop.hooks.caches
        if caches is None:
            self._tracker.notes.take_cache_events()
            return
        await caches.clear_told(self._run)
        await self._tools.recorder.put(self._tracker.take())

    async def _find_outcome(
        self, graph: AnyGraph, execution: Execution, tries: Tries | None
    ) -> Outcome:
        if self._is_cancelled:
            return await self._find_stopped(execution)
        if self._is_draining:
            return Outcome(status=RunStatus.RUNNING)
        first = await execution.read() if needs_head(self._claimed.delivery) else None
        if tries is not None and first is not None:
            await self._make_up(graph, first)
        if tries is not None and tries.are_too_many:
            return _gave_up(first)
        return await execution.carry_out(first)

    async def _make_up(self, graph: AnyGraph, first: Reading) -> None:
        """Make up for the records that were lost with the worker before."""
        savers, after = self._tools.workshop.savers, self._claimed.indexed_to
        traces = await read_own_traces(savers, graph, self._run, first, after=after)
        known = await self._tools.call(
            claiming.fetch_attempts,
            self._tools.app,
            self._run.thread_id,
            [trace.task_id for trace in traces],
        )
        for record in make_up(self._run, traces, known):
            self._tracker.add(record)

    async def _find_stopped(self, execution: Execution) -> Outcome:
        """The run was stopped: by an operator, or because the drain took too long."""
        self._tracker.close(NodeStatus.CANCELLED)
        if not self._is_cancelled:
            return Outcome(status=RunStatus.RUNNING)
        reading = await execution.read()
        head = reading.head if reading is not None else None
        is_ours = head is not None and head.run_id in self._claimed.delivery.own_run_ids
        came_too_late = head is not None and is_ours and not head.due
        size = self._tools.app.settings.max_snapshot_bytes
        return Outcome(
            status=RunStatus.DONE if came_too_late else RunStatus.CANCELLED,
            head=head,
            snapshot=snapshot_of(self._run.thread_id, reading, size),
        )

    @property
    def _status_when_stopped(self) -> RunStatus:
        return RunStatus.CANCELLED if self._is_cancelled else RunStatus.RUNNING

    async def _with_entries(self, graph: AnyGraph, outcome: Outcome) -> Ending:
        # Whoever is the first to carry the first run of a thread has stored all there is.
        is_first = self._claimed.indexed_to is None and self._run.deliveries == 1
        known = list_own(graph, self._run.thread_id) if is_first else None
        # Cut off while it stored, a saver does not know what it stored.
        if known and (
            outcome.head is None or known[-1].checkpoint_id != outcome.head.checkpoint_id
        ):
            known = None
        entries = await read_entries(
            self._tools.workshop.savers,
            graph,
            self._run.thread_id,
            after=self._claimed.indexed_to,
            head=outcome.head,
            # Cached nodes call nobody back, so the steps that were seen have holes.
            step_nodes={} if self._tracker.has_cached else self._tracker.step_nodes,
            known=known,
        )
        return replace(self._end(outcome), entries=entries)

    async def _find_newest(self) -> CheckpointId | None:
        """Where a thread that was to be set back stands, if its graph could not be asked."""
        savers, after = self._tools.workshop.savers, self._claimed.indexed_to
        try:
            return await find_newest(savers, self._run.thread_id, after=after)
        except Exception:  # the end is recorded without it
            logger.exception("place_not_found")
            return None

    async def _count_tries(self) -> Tries | None:
        """
        Count how often the job was handed out at the same place (law 4); None the first time.

        Noted before the graph is opened: a factory can kill its worker, too.
        """
        job = self._claimed.job
        if job.deliveries <= 1:
            return None
        place = await find_newest(
            self._tools.workshop.savers, self._run.thread_id, after=self._claimed.indexed_to
        )
        tries = count_tries(job.progress, place)
        await self._tools.call(claiming.note_tries, self._tools.app, job, tries.note)
        if self._memory is not None and job.progress != HANDED_OVER:
            self._memory.tell_death()
            await self._tools.call(claiming.mark_repeated, self._tools.app, self._run.run_id)
        return tries

    def _keep_output(self, stream: str, text: str) -> None:
        self._tracker.emit("log", {"stream": stream, "text": text})

    def _end(self, outcome: Outcome) -> Ending:
        return Ending(
            run=self._run,
            job=self._claimed.job,
            status=outcome.status,
            head=outcome.head,
            snapshot=outcome.snapshot,
            failure=outcome.failure,
            reason=outcome.reason,
            refused=dict(outcome.refused),
            is_first=self._claimed.indexed_to is None,
            is_degraded=self._tracker.notes.is_degraded,
            usage=self._tracker.meter.total,
            asks=self._asks(outcome),
        )

    def _asks(self, outcome: Outcome) -> bool:
        """Whether a policy has a human asked about this failure."""
        if outcome.failure is None:
            return False
        return self._tools.workshop.asks_on_failure(self._run.workflow, outcome.failure.node)


def _gave_up(first: Reading | None) -> Outcome:
    message = (
        f"Its worker died {MAX_DEATHS_AT_ONE_PLACE} times before the next checkpoint: the run kills"
        " its worker. Retry tries again as often."
    )
    failure = Failure(type="KillsItsWorker", message=message, versions=dict(failing.versions()))
    return Outcome(
        status=RunStatus.FAILED, head=first.head if first is not None else None, failure=failure
    )


def _uncancel() -> None:
    """Take note of a cancellation, so that what has to be written now is not cut off by it."""
    current = asyncio.current_task()
    while current is not None and current.cancelling():
        current.uncancel()
