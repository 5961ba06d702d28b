"""
Watching one run from inside its process: attempts by callbacks, everything else by the stream.

Durations come from callbacks, because the stream reports a task's start when its superstep starts
(measured). Nothing here does I/O: records pile up and `take` hands them over (law 5).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from langgraph.errors import GraphBubbleUp, GraphDrained, GraphInterrupt, NodeTimeoutError

from interlock.core.errors import StepTimedOut
from interlock.core.graphs import attempts, failing, overrunning, projection
from interlock.core.graphs.attempts import NOTHING, Attempt
from interlock.core.graphs.blaming import Errors
from interlock.core.graphs.handlers import is_handler
from interlock.core.graphs.messages import Messages
from interlock.core.graphs.namespaces import join, path_of
from interlock.core.graphs.notes import Notes, find_cache_event
from interlock.core.graphs.run_log import Record, RunLog
from interlock.core.graphs.silent_tasks import Silent, SilentTasks
from interlock.core.graphs.usage import Meter
from interlock.core.model.failure_kinds import FailureKind
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.policies import Price
from interlock.core.model.runs import Run
from interlock.core.types import Json

INTERNAL = "__"  # nodes of LangGraph's own, such as the entry of a subgraph
STEP_TAG = "graph:step:"
SHORT_S = 0.05  # an attempt that may yet end within this is not announced
MAX_EVENT_BYTES = 20_000  # JSON of one event; a longer value is cut and marked


class Tracker:
    """Turns what `listening` tells of one run into records."""

    def __init__(
        self,
        run: Run,
        *,
        now: Callable[[], datetime],
        last_seq: int,
        prices: Mapping[str, Price] | None = None,
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        """`may_begin`: whether an attempt may begin now, or waits until it may."""
        self._run = run
        self.may_begin = may_begin
        self._now = now
        self._log = RunLog(run, now=now, last_seq=last_seq)
        self._lock = threading.Lock()  # sync subgraphs call back from threads of the executor
        self._open: dict[UUID, Attempt] = {}
        self._attempts: dict[str, int] = {}
        self._silent = SilentTasks(run, now=now)
        self.expect_cached = self._silent.expect_cached  # tells which start without running
        self._step = 0  # the newest that a callback named
        self._messages = Messages(self._emit_at, path_of=path_of)
        self._errors = Errors()
        self._timed_out: dict[str, NodeRun] = {}  # by task id: attempts that ran out of time
        self._cancelled: list[NodeRun] = []
        self._outputs: dict[str, tuple[str, ...]] = {}  # path -> channels, of the newest results
        self._askers: set[str] = set()  # namespaces of nodes that asked
        self.meter = Meter(prices)  # what model calls used
        self.notes = Notes(self._warn, self.meter.cost_of)  # what policies say of attempts
        self.has_held = False  # a task stopped for a human, at a question or a breakpoint
        self.step_nodes: dict[int, list[str]] = {}

    @property
    def has_cached(self) -> bool:
        """Whether a cache served a node; known once the stream has ended."""
        return self._silent.has_cached

    def find_failed(self, error: BaseException) -> NodeRun | None:
        """The attempt in which an error was raised: the innermost, if it came up through several."""
        with self._lock:
            return self._errors.find(error)

    @property
    def refusals(self) -> dict[str, str]:
        """Why answers were refused, by namespace."""
        return self._errors.refusals

    def find_askers(self) -> frozenset[str]:
        """
        Namespaces of the tasks that may have asked.

        A function that is called as a task does not call back and is in no state, so each that did
        not finish may have asked, from within each node that asked or failed.
        """
        with self._lock:
            nodes = self._askers | self._errors.namespaces
            calls = [f"{name}:{task_id}" for task_id, name in self._silent.unfinished.items()]
        return frozenset(nodes | {f"{node}|{call}" for node in nodes for call in calls})

    def find_writer(self, channel: str) -> str | None:
        """The node that wrote a channel last, by its path."""
        paths = [path for path, channels in self._outputs.items() if channel in channels]
        return paths[-1] if paths else None

    # -- records ---------------------------------------------------------------------------

    def take(self) -> list[Record]:
        """
        Hand over what has piled up, oldest first.

        An attempt that is still open is announced here and not when it starts: most end before
        anybody looks, and then one record says it all.
        """
        self._messages.send_due()
        with self._lock:
            long_ago = time.perf_counter() - SHORT_S
            for attempt in self._open.values():
                if not attempt.is_announced and attempt.started <= long_ago:
                    attempt.is_announced = True
                    self._log.add(attempt.record)
            return self._log.take()

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""
        return self._log.last_seq

    @property
    def is_full(self) -> bool:
        """Whether so much has piled up that it should not wait for the next pulse."""
        return self._log.is_full or self.notes.has_cache_events

    def emit(self, kind: str, data: Json, *, path: str = "") -> None:
        """Add an event with the next sequence number."""
        with self._lock:
            self._log.emit(kind, data, path)

    def _warn(self, text: str, path: str) -> None:
        self.emit("warning", {"text": text}, path=path)

    def _emit_at(self, kind: str, data: Json, path: str) -> None:
        self.emit(kind, data, path=path)

    def add(self, record: NodeRun) -> None:
        """Add the record of an attempt that was not seen here."""
        with self._lock:
            self._log.add(record)

    # -- callbacks -------------------------------------------------------------------------

    def on_attempt_start(
        self, run_id: UUID, name: str, tags: Sequence[str], about: Mapping[str, Any]
    ) -> None:
        """An attempt starts: the only chain with a step tag that is called like its node."""
        node = str(about["langgraph_node"])
        if name != node or (node.startswith(INTERNAL) and not is_handler(node)):
            return
        if not any(t.startswith(STEP_TAG) for t in tags):
            return
        namespace = str(about.get("langgraph_checkpoint_ns", ""))
        task_id = namespace.rpartition(":")[2]
        with self._lock:
            attempt = self._attempts[task_id] = self._attempts.get(task_id, 0) + 1
            self._silent.take(task_id)
            for failed in (self._errors.last_of(task_id), self._timed_out.get(task_id)):
                if failed is not None and failed.attempt == attempt - 1:  # this one follows it
                    self._log.amend(replace(failed, is_final=False))
            self._step = int(about.get("langgraph_step", 0))
            record = attempts.begin(
                self._run,
                task_id=task_id,
                node=node,
                namespace=namespace,
                step=self._step,
                attempt=attempt,
                at=self._now(),
            )
            record = replace(record, origin=self.notes.origin_of(task_id))
            self._open[run_id] = Attempt(record, time.perf_counter())
            if "|" not in namespace and attempt == 1:
                self.step_nodes.setdefault(record.step, []).append(record.node)

    def on_attempt_end(self, run_id: UUID, error: BaseException | None) -> None:
        """An attempt ended well, asked a human, was cancelled, handed over to its parent, or failed."""
        if error is None:
            status = NodeStatus.OK
        elif isinstance(error, GraphInterrupt):
            status = NodeStatus.INTERRUPTED
        elif isinstance(error, (asyncio.CancelledError, GraphDrained)):
            status = NodeStatus.CANCELLED
        elif isinstance(error, GraphBubbleUp):
            status = NodeStatus.OK
        else:
            status = NodeStatus.ERROR
        self._end(run_id, status, error if status is NodeStatus.ERROR else None)

    def on_timed_attempt(self, event: Any) -> None:
        """
        LangGraph's observer of attempts that have a time-out (`TIMED_ATTEMPTS` in a config).

        The callback of an attempt that ran out of time only says, later, that it was cancelled.
        """
        if event.event != "finish" or event.error_type != NodeTimeoutError.__name__:
            return
        task_id = event.context.task_id
        with self._lock:
            for run_id, attempt in self._open.items():
                if attempt.record.task_id == task_id:
                    del self._open[run_id]
                    self._timed_out[task_id] = record = replace(
                        self._ended(attempt, NodeStatus.ERROR),
                        error_type=event.error_type,
                        error_message=event.error_message,
                        error_kind=FailureKind.TIMEOUT,
                    )
                    self._log.add(record)
                    return

    def _end(self, run_id: UUID, status: NodeStatus, error: BaseException | None) -> None:
        # Outside the lock: an error's text is user code, and what it prints comes back as an event.
        text = failing.message_of(error) if error is not None else None
        with self._lock:
            attempt = self._open.pop(run_id, None)
            if attempt is None:
                return
            record = self._ended(attempt, status, error, text)
            if error is not None:
                self._errors.add(error, record)
            else:
                self._errors.forget(record.task_id)
            if status is NodeStatus.CANCELLED:
                self._cancelled.append(record)
            if status is NodeStatus.INTERRUPTED:
                self.has_held = True
                self._askers.add(record.namespace)
            self._log.add(record)

    def _ended(
        self,
        attempt: Attempt,
        status: NodeStatus,
        error: BaseException | None = None,
        text: str | None = None,
    ) -> NodeRun:
        """The record of an attempt that ended, with what policies have said of it."""
        ended = attempts.end(
            attempt.record,
            status,
            started=attempt.started,
            at=self._now(),
            note=self.notes.take(attempt.record.task_id) or NOTHING,
            error=error,
            text=text,
        )
        return self.meter.fill(ended)

    # -- stream ----------------------------------------------------------------------------

    def on_event(self, namespace: Sequence[str], kind: str, data: Any) -> None:
        """Take what a task did, wrote or streamed."""
        if kind == "messages":
            self._messages.add(*data)
        elif kind == "tasks":
            self._on_task(namespace, data)
        elif kind == "custom":
            path = path_of("|".join(namespace))
            if (event := find_cache_event(data)) is not None:
                self.notes.tell_cache_event(event, path)
            self.emit("custom", projection.to_json(data, max_bytes=MAX_EVENT_BYTES), path=path)

    def _on_task(self, namespace: Sequence[str], data: dict[str, Any]) -> None:
        task_id, name, loop = data["id"], data["name"], "|".join(namespace)
        if "triggers" in data:
            with self._lock:
                if task_id not in self._attempts:
                    self._silent.start(task_id, name, loop, self._step)
            return
        self.has_held |= bool(data["interrupts"])
        error = data["error"]
        text = failing.message_of(error) if error is not None else None
        path = path_of(join(loop, f"{name}:{task_id}"))
        with self._lock:
            silent = self._silent.take(task_id)
            if silent is not None and not data["interrupts"]:
                path = self._end_call(task_id, silent, error, text)
            if isinstance(error, NodeTimeoutError) and task_id in self._timed_out:
                self._errors.add(error, self._timed_out[task_id])
        if data["interrupts"] or error is not None:
            return
        result = data["result"]
        self._outputs.pop(path, None)
        self._outputs[path] = tuple(result) if isinstance(result, dict) else ()
        output = projection.to_json(result, max_bytes=MAX_EVENT_BYTES)
        with self._lock:
            self._log.tell_output(task_id, output, path)

    def _end_call(
        self, task_id: str, call: Silent, error: BaseException | None, text: str | None
    ) -> str:
        """A function called as a task ended: only the stream tells of it. Its path."""
        nodes = [attempt.record.namespace for attempt in self._open.values()]
        record = self.meter.fill(self._silent.end_call(task_id, call, error, text, nodes))
        if error is not None:
            self._errors.add(error, record)
        self._log.add(record)
        return record.path

    # -- the end ---------------------------------------------------------------------------

    def end_step(self, limit_s: float) -> StepTimedOut:
        """The superstep ran out of its time: what was still at work has failed. The error to tell."""
        with self._lock:
            left = [self._ended(each, NodeStatus.CANCELLED) for each in self._open.values()]
            self._open.clear()
            error, failed, blamed = overrunning.settle([*self._cancelled, *left], limit_s)
            for record in failed:
                self._log.add(record)
            if blamed is not None:
                self._errors.add(error, blamed)
            return error

    def close(self, status: NodeStatus) -> None:
        """
        Close what the stream left open when it ended.

        Siblings of a failed node emit no result (measured) and end as `status`; a task that was
        started but never called back was served from the cache, unless it was finished before.
        """
        self._messages.flush()
        with self._lock:
            for attempt in self._open.values():
                self._log.add(self._ended(attempt, status))
            self._open.clear()
            for served in self._silent.close(self.notes.take_hit):
                self._log.add(served)
