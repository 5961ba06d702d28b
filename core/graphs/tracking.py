"""
Watching one run from inside its process: attempts by callbacks, everything else by the stream.

Durations come from callbacks, because the stream reports a task's start when its superstep starts
(measured). Nothing here does I/O: records pile up and `take` hands them over (law 5).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from langgraph.errors import GraphBubbleUp, GraphDrained, GraphInterrupt, NodeTimeoutError

from interlock.core.graphs import failing, projection
from interlock.core.graphs.blaming import Errors
from interlock.core.graphs.handlers import is_handler
from interlock.core.graphs.messages import Messages
from interlock.core.graphs.namespaces import join, path_of
from interlock.core.graphs.notes import Note, Notes
from interlock.core.graphs.usage import Meter
from interlock.core.model.failure_kinds import FailureKind, kind_of
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.policies import Price
from interlock.core.model.runs import Run
from interlock.core.types import Json

INTERNAL = "__"  # nodes of LangGraph's own, such as the entry of a subgraph
STEP_TAG = "graph:step:"
SHORT_S = 0.05  # an attempt that may yet end within this is not announced
FULL = 200  # records of one run that are handed over at once, pulse or not
MAX_EVENT_BYTES = 20_000  # JSON of one event; a longer value is cut and marked

NOTHING = Note()

Record = NodeRun | RunEvent


@dataclass
class _Attempt:
    record: NodeRun
    started: float  # time.perf_counter()
    is_announced: bool = False


@dataclass(frozen=True)
class _Silent:
    """A task that was started and has not called back: cached, done before, or a called function."""

    name: str
    loop: str  # the namespace of the graph it runs in
    step: int
    started_at: datetime
    started: float  # time.perf_counter()


class Tracker:
    """Turns what `listening` tells of one run into records."""

    def __init__(
        self,
        run: Run,
        *,
        now: Callable[[], datetime],
        last_seq: int,
        prices: Mapping[str, Price] | None = None,
    ) -> None:
        self._run = run
        self._now = now
        self._seq = last_seq
        self._may_be_cached: Callable[[str], bool] = lambda _: False
        self._finished_before: frozenset[str] = frozenset()
        self._lock = threading.Lock()  # sync subgraphs call back from threads of the executor
        self._records: list[Record] = []
        self._open: dict[UUID, _Attempt] = {}
        self._attempts: dict[str, int] = {}
        self._silent: dict[str, _Silent] = {}  # by task id
        self._step = 0  # the newest that a callback named
        self._messages = Messages(self._emit_at, path_of=path_of)
        self._errors = Errors()
        self._timed_out: dict[str, NodeRun] = {}  # by task id: attempts that ran out of time
        self._untold: dict[str, dict[str, Json]] = {}  # by task id: the last event of it not taken
        self._outputs: dict[str, tuple[str, ...]] = {}  # path -> channels, of the newest results
        self._calls: dict[str, str] = {}  # task id -> name, of called functions that did not finish
        self._askers: set[str] = set()  # namespaces of nodes that asked
        self.notes = Notes(warn=self._warn)  # what policies say of attempts
        self.meter = Meter(prices)  # what model calls used
        self.has_held = False  # a task stopped for a human, at a question or a breakpoint
        self.step_nodes: dict[int, list[str]] = {}
        self.has_cached = False

    def expect_cached(
        self, may_be_cached: Callable[[str], bool], finished_before: Collection[str]
    ) -> None:
        """
        Tell which tasks that start without running were served from a cache.

        Args:
            may_be_cached: Whether a node of this name may be.
            finished_before: Ids of tasks whose stored result is used again, which looks the same.
        """
        self._may_be_cached = may_be_cached
        self._finished_before = frozenset(finished_before)

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
            calls = [f"{name}:{task_id}" for task_id, name in self._calls.items()]
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
                    self._add_node(attempt.record)
            records, self._records = self._records, []
            self._untold.clear()
        return records

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""
        return self._seq

    @property
    def is_full(self) -> bool:
        """Whether so much has piled up that it should not wait for the next pulse."""
        return len(self._records) >= FULL

    def emit(self, kind: str, data: Json, *, path: str = "") -> None:
        """Add an event with the next sequence number."""
        with self._lock:
            self._emit(kind, data, path)

    def _warn(self, text: str, path: str) -> None:
        self.emit("warning", {"text": text}, path=path)

    def _emit_at(self, kind: str, data: Json, path: str) -> None:
        self.emit(kind, data, path=path)

    def _emit(self, kind: str, data: Json, path: str) -> None:
        self._seq += 1
        self._records.append(
            RunEvent(
                run_id=self._run.run_id,
                seq=self._seq,
                kind=kind,
                path=path,
                at=self._now(),
                data=data,
            )
        )

    def add(self, record: NodeRun) -> None:
        """Add the record of an attempt that was not seen here."""
        with self._lock:
            self._add_node(record)

    def _add_node(self, record: NodeRun) -> None:
        self._records.append(record)
        data: dict[str, Json] = {
            "task_id": record.task_id,
            "attempt": record.attempt,
            "status": str(record.status),
            "step": record.step,
            "duration_ms": record.duration_ms,
        }
        told = {"error_kind": record.error_kind, "origin": record.origin}
        data |= {name: value for name, value in told.items() if value is not None}
        if record.retry_wait_ms is not None:
            data["retry_wait_ms"] = record.retry_wait_ms
        self._emit("node", data, record.path)
        self._untold[record.task_id] = data

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
            self._silent.pop(task_id, None)
            for failed in (self._errors.last_of(task_id), self._timed_out.get(task_id)):
                if failed is not None and failed.attempt == attempt - 1:  # this one follows it
                    self._records.append(replace(failed, is_final=False))
            self._step = int(about.get("langgraph_step", 0))
            record = NodeRun(
                run_id=self._run.run_id,
                thread_id=self._run.thread_id,
                workflow=self._run.workflow,
                task_id=task_id,
                attempt=attempt,
                delivery=self._run.deliveries,
                node=node,
                path=path_of(namespace),
                namespace=namespace,
                step=self._step,
                status=NodeStatus.RUNNING,
                started_at=self._now(),
                variant=self._run.variant,
            )
            self._open[run_id] = _Attempt(record, time.perf_counter())
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
                    self._add_node(record)
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
            if status is NodeStatus.INTERRUPTED:
                self.has_held = True
                self._askers.add(record.namespace)
            self._add_node(record)

    def _ended(
        self,
        attempt: _Attempt,
        status: NodeStatus,
        error: BaseException | None = None,
        text: str | None = None,
    ) -> NodeRun:
        """The record of an attempt that ended, with what policies have said of it."""
        note = self.notes.take(attempt.record.task_id) or NOTHING
        ended = replace(
            attempt.record,
            status=note.status or status,
            duration_ms=(time.perf_counter() - attempt.started) * 1000,
            ended_at=self._now(),
            error_type=type(error).__name__ if error is not None else None,
            error_message=text,
            error_kind=_kind_of(error, note),
            retry_wait_ms=note.retry_wait_ms,
            origin=note.origin,
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
            self.emit("custom", projection.to_json(data, max_bytes=MAX_EVENT_BYTES), path=path)

    def _on_task(self, namespace: Sequence[str], data: dict[str, Any]) -> None:
        task_id, name, loop = data["id"], data["name"], "|".join(namespace)
        if "triggers" in data:
            self._start_silent(task_id, name, loop)
            return
        self.has_held |= bool(data["interrupts"])
        error = data["error"]
        text = failing.message_of(error) if error is not None else None
        path = path_of(join(loop, f"{name}:{task_id}"))
        with self._lock:
            silent = self._silent.pop(task_id, None)
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
            ended = self._untold.get(task_id)
            if ended is not None:
                ended["output"] = output
            else:
                self._emit("update", {"task_id": task_id, "output": output}, path)

    def _start_silent(self, task_id: str, name: str, loop: str) -> None:
        with self._lock:
            if task_id not in self._attempts:
                self._silent[task_id] = _Silent(
                    name, loop, self._step, self._now(), time.perf_counter()
                )

    def _end_call(
        self, task_id: str, call: _Silent, error: BaseException | None, text: str | None
    ) -> str:
        """A function called as a task ended: only the stream tells of it. Its path."""
        namespace = self._find_namespace(task_id, call)
        record = replace(
            self._record(task_id, call, namespace),
            status=NodeStatus.OK if error is None else NodeStatus.ERROR,
            duration_ms=(time.perf_counter() - call.started) * 1000,
            ended_at=self._now(),
            error_type=type(error).__name__ if error is not None else None,
            error_message=text,
            error_kind=_kind_of(error, NOTHING),
        )
        record = self.meter.fill(record)
        if error is not None:
            self._calls[task_id] = call.name
            self._errors.add(error, record)
        self._add_node(record)
        return record.path

    def _find_namespace(self, task_id: str, call: _Silent) -> str:
        """Who called it is known only where a single node could have."""
        callers = {
            a.record.namespace
            for a in self._open.values()
            if a.record.namespace.rpartition("|")[0] == call.loop
        }
        caller = callers.pop() if len(callers) == 1 else call.loop
        return join(caller, f"{call.name}:{task_id}")

    def _record(self, task_id: str, task: _Silent, namespace: str) -> NodeRun:
        return NodeRun(
            run_id=self._run.run_id,
            thread_id=self._run.thread_id,
            workflow=self._run.workflow,
            task_id=task_id,
            attempt=1,
            delivery=self._run.deliveries,
            node=task.name,
            path=path_of(namespace),
            namespace=namespace,
            step=task.step,
            status=NodeStatus.RUNNING,
            started_at=task.started_at,
            variant=self._run.variant,
        )

    # -- the end ---------------------------------------------------------------------------

    def close(self, status: NodeStatus) -> None:
        """
        Close what the stream left open when it ended.

        Siblings of a failed node emit no result (measured) and end as `status`; a task that was
        started but never called back was served from the cache, unless it was finished before.
        """
        self._messages.flush()
        with self._lock:
            for attempt in self._open.values():
                self._add_node(self._ended(attempt, status))
            self._open.clear()
            for task_id, silent in self._silent.items():
                self._close_silent(task_id, silent)
            self._silent.clear()

    def _close_silent(self, task_id: str, silent: _Silent) -> None:
        if task_id in self._finished_before:
            return
        if self._may_be_cached(silent.name):
            self.has_cached = True
            record = self._record(task_id, silent, join(silent.loop, f"{silent.name}:{task_id}"))
            step = silent.step + 1  # it was started before its step had called back
            self._add_node(
                replace(
                    record,
                    step=step,
                    status=NodeStatus.CACHED,
                    duration_ms=0.0,
                    ended_at=self._now(),
                    origin=self.notes.take_hit(silent.name),
                )
            )
        else:
            self._calls[task_id] = silent.name


def _kind_of(error: BaseException | None, note: Note) -> str | None:
    if note.error_kind is not None or error is None:
        return note.error_kind
    kind = kind_of(error, permanent=note.permanent)
    return None if kind is None else str(kind)
