"""Carrying out one claimed run from its job to its recorded end."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Any

from interlock.core.errors import InterlockError
from interlock.core.graphs import failing
from interlock.core.graphs.heads import Reading
from interlock.core.graphs.running import (
    Execution,
    Outcome,
    Task,
    config_for,
    needs_head,
    snapshot_of,
)
from interlock.core.graphs.tracking import Tracker
from interlock.core.graphs.workshop import AnyGraph, Workshop
from interlock.core.model.delivery import MAX_DELIVERIES_WITHOUT_PROGRESS, count_tries
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.services import claiming
from interlock.core.services.claiming import Claimed
from interlock.core.services.context import App
from interlock.core.services.recording import Ending
from interlock.core.worker import output
from interlock.core.worker.indexing import read_entries
from interlock.core.worker.recorder import Call, Recorder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tools:
    """What every run of a worker shares."""

    app: App
    workshop: Workshop
    recorder: Recorder
    call: Call  # runs a store function outside the event loop


class Carrier:
    """One run in flight. `cancel` and `drain` may be called while `carry` runs."""

    def __init__(self, claimed: Claimed, tools: Tools) -> None:
        self._claimed = claimed
        self._run = claimed.run
        self._tools = tools
        self._is_cancelled = False
        self._is_draining = False
        self._execution: Execution | None = None
        self._tracker = Tracker(claimed.run, now=tools.app.clock.now, last_seq=claimed.last_seq)

    @property
    def claimed(self) -> Claimed:
        """The job and its run."""
        return self._claimed

    def cancel(self, task: asyncio.Task[Any]) -> None:
        """An operator cancels the run; `task` is the one that runs `carry`."""
        if not self._is_cancelled:
            self._is_cancelled = True
            task.cancel("cancelled by an operator")

    def drain(self) -> None:
        """Stop at the end of the superstep and hand the run over."""
        self._is_draining = True
        if self._execution is not None:
            self._execution.drain()

    async def carry(self) -> RunStatus:
        """Carry the run out; whatever happens, its end is recorded."""
        ending = await self._carry_out()
        await self._tools.recorder.put(self._tracker.take())
        return await self._tools.recorder.end(ending)

    async def _carry_out(self) -> Ending:
        self._tracker.emit("status", {"status": str(RunStatus.RUNNING)})
        try:
            with output.captured(self._keep_output):
                async with self._tools.workshop.open(
                    self._run.workflow, config_for(self._run), context=self._run.context
                ) as graph:
                    return await self._on_graph(graph)
        except asyncio.CancelledError:
            return await self._stopped(None)
        except InterlockError as exc:
            failure = Failure(
                type=type(exc).__name__, message=str(exc), versions=dict(failing.versions())
            )
            return self._end(Outcome(status=RunStatus.FAILED, failure=failure))
        except BaseException as exc:  # noqa: BLE001  a factory may raise what it likes
            failure = failing.describe(exc, attempt=None, state=None)
            return self._end(Outcome(status=RunStatus.FAILED, failure=failure))

    async def _on_graph(self, graph: AnyGraph) -> Ending:
        execution = Execution(
            graph,
            Task(
                run=self._run,
                delivery=self._claimed.delivery,
                verb=self._claimed.verb,
                snapshot_bytes=self._tools.app.settings.max_snapshot_bytes,
            ),
            tracker=self._tracker,
            put=self._tools.recorder.put,
            count_answers=self._tools.workshop.savers.pending_resumes,
        )
        self._execution = execution
        if self._is_draining:
            return self._end(Outcome(status=RunStatus.RUNNING))
        try:
            first = await execution.read() if needs_head(self._claimed.delivery) else None
            if first is not None:
                self._tracker.expect_finished(first.finished_task_ids)
            if await self._kills_its_worker(first):
                return self._end(_gave_up(first))
            outcome = await execution.carry_out(first)
        except asyncio.CancelledError:
            return await self._stopped(execution)
        return await self._with_entries(graph, outcome)

    async def _stopped(self, execution: Execution | None) -> Ending:
        """The task was cancelled: by an operator, or because the drain took too long."""
        current = asyncio.current_task()
        while current is not None and current.cancelling():
            current.uncancel()
        self._tracker.close(NodeStatus.CANCELLED)
        if not self._is_cancelled:
            return self._end(Outcome(status=RunStatus.RUNNING))
        outcome = Outcome(status=RunStatus.CANCELLED)
        if execution is not None:
            reading = await execution.read()
            size = self._tools.app.settings.max_snapshot_bytes
            outcome = replace(
                outcome,
                head=reading.head if reading is not None else None,
                snapshot=snapshot_of(self._run.thread_id, reading, size),
            )
        return self._end(outcome)

    async def _with_entries(self, graph: AnyGraph, outcome: Outcome) -> Ending:
        thread_id = self._run.thread_id
        entries = await read_entries(
            self._tools.workshop.savers,
            graph,
            thread_id,
            after=self._claimed.indexed_to,
            head=outcome.head,
            step_nodes=self._tracker.step_nodes,
        )
        return replace(self._end(outcome), entries=entries)

    async def _kills_its_worker(self, first: Reading | None) -> bool:
        """Count how often the job was handed out at the same head (law 4)."""
        job = self._claimed.job
        if job.deliveries <= 1:
            return False
        own_ids = self._claimed.delivery.own_run_ids
        tries = count_tries(job.progress, first.head if first is not None else None, own_ids)
        await self._tools.call(claiming.note_tries, self._tools.app, job, tries.note)
        return tries.count > MAX_DELIVERIES_WITHOUT_PROGRESS

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
        )


def _gave_up(first: Reading | None) -> Outcome:
    message = (
        f"The job was handed out {MAX_DELIVERIES_WITHOUT_PROGRESS} times and its worker died each"
        " time before the next checkpoint: it kills its worker."
    )
    failure = Failure(type="KillsItsWorker", message=message, versions=dict(failing.versions()))
    return Outcome(
        status=RunStatus.FAILED, head=first.head if first is not None else None, failure=failure
    )
