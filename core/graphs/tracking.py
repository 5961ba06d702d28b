"""
Watching one run from inside its process: attempts by callbacks, everything else by the stream.

Durations come from callbacks, because the stream reports a task's start when its superstep starts
(measured). Nothing here does I/O: records pile up and `take` hands them over (law 5).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage, BaseMessageChunk
from langgraph.errors import GraphBubbleUp, GraphInterrupt

from interlock.core.graphs import failing, projection
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.runs import Run
from interlock.core.types import Json

MERGE_S = 0.1  # a message's deltas within this time become one event
MAX_EVENT_BYTES = 20_000  # JSON of one event; a longer value is cut and marked
MAX_TEXT = 200_000  # characters of one message kept
INTERNAL_PREFIX = "__"

Record = NodeRun | RunEvent


@dataclass
class _Attempt:
    record: NodeRun
    started: float  # time.perf_counter()


@dataclass
class _Message:
    path: str
    text: str
    unsent: str
    sent_at: float
    is_done: bool = False


def path_of(namespace: str) -> str:
    """Turn LangGraph's namespace ("team:<task>|writer:<task>") into a node path ("team/writer")."""
    names = [part.rpartition(":")[0] or part for part in namespace.split("|")]
    return "/".join(name for name in names if name and not name.isdigit())


class Tracker(BaseCallbackHandler):
    """Turns callbacks and stream parts of one run into records."""

    run_inline = True

    def __init__(
        self,
        run: Run,
        *,
        now: Callable[[], datetime],
        last_seq: int,
    ) -> None:
        super().__init__()
        self._run = run
        self._now = now
        self._seq = last_seq
        self._finished_before: frozenset[str] = frozenset()
        self._lock = threading.Lock()  # sync subgraphs call back from threads of the executor
        self._records: list[Record] = []
        self._open: dict[UUID, _Attempt] = {}
        self._attempts: dict[str, int] = {}
        self._silent: dict[
            str, tuple[str, float]
        ] = {}  # task id -> path, of tasks with no callback yet
        self._messages: dict[str, _Message] = {}
        self.failed: NodeRun | None = None
        self.step_nodes: dict[int, list[str]] = {}

    def expect_finished(self, task_ids: Collection[str]) -> None:
        """These tasks of the head are finished: starting without running does not mean cached."""
        self._finished_before = frozenset(task_ids)

    # -- records ---------------------------------------------------------------------------

    def take(self) -> list[Record]:
        """Hand over what has piled up, oldest first."""
        with self._lock:
            records, self._records = self._records, []
        return records

    def emit(self, kind: str, data: Json, *, path: str = "") -> None:
        """Add an event with the next sequence number."""
        with self._lock:
            self._emit(kind, data, path)

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

    def _add_node(self, record: NodeRun) -> None:
        self._records.append(record)
        data = {
            "task_id": record.task_id,
            "attempt": record.attempt,
            "status": str(record.status),
            "step": record.step,
            "duration_ms": record.duration_ms,
        }
        self._emit("node", data, record.path)

    # -- callbacks -------------------------------------------------------------------------

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,  # noqa: ARG002  langchain calls it so
        inputs: Any,  # noqa: ARG002
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """An attempt starts: the only chain with a step tag that is called like its node."""
        node = (metadata or {}).get("langgraph_node")
        if node is None or kwargs.get("name") != node:
            return
        if not any(t.startswith("graph:step:") for t in tags or ()):
            return
        assert metadata is not None
        namespace = str(metadata.get("langgraph_checkpoint_ns", ""))
        task_id = namespace.rpartition(":")[2]
        with self._lock:
            attempt = self._attempts[task_id] = self._attempts.get(task_id, 0) + 1
            self._silent.pop(task_id, None)
            record = NodeRun(
                run_id=self._run.run_id,
                thread_id=self._run.thread_id,
                workflow=self._run.workflow,
                task_id=task_id,
                attempt=attempt,
                delivery=self._run.deliveries,
                node=str(node),
                path=path_of(namespace),
                namespace=namespace,
                step=int(metadata.get("langgraph_step", 0)),
                status=NodeStatus.RUNNING,
                started_at=self._now(),
            )
            self._open[run_id] = _Attempt(record, time.perf_counter())
            if "|" not in namespace and attempt == 1:
                self.step_nodes.setdefault(record.step, []).append(record.node)
            self._add_node(record)

    def on_chain_end(
        self,
        outputs: Any,  # noqa: ARG002
        *,
        run_id: UUID,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """An attempt ended well."""
        self._end(run_id, NodeStatus.OK, None)

    def on_chain_error(
        self,
        error: BaseException,
        *,
        run_id: UUID,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """An attempt asked a human, was cancelled, handed over to its parent, or failed."""
        if isinstance(error, GraphInterrupt):
            status = NodeStatus.INTERRUPTED
        elif isinstance(error, GraphBubbleUp):
            status = NodeStatus.OK
        elif isinstance(error, asyncio.CancelledError):
            status = NodeStatus.CANCELLED
        else:
            status = NodeStatus.ERROR
        self._end(run_id, status, error if status is NodeStatus.ERROR else None)

    def _end(self, run_id: UUID, status: NodeStatus, error: BaseException | None) -> None:
        with self._lock:
            attempt = self._open.pop(run_id, None)
            if attempt is None:
                return
            record = replace(
                attempt.record,
                status=status,
                duration_ms=(time.perf_counter() - attempt.started) * 1000,
                error_type=type(error).__name__ if error is not None else None,
                error_message=failing.message_of(error) if error is not None else None,
            )
            if error is not None and not self._is_outer(record):
                self.failed = record
            self._add_node(record)

    def _is_outer(self, record: NodeRun) -> bool:
        """Whether this failure is only the known inner one on its way up through its subgraph."""
        return self.failed is not None and self.failed.namespace.startswith(record.namespace + "|")

    # -- stream ----------------------------------------------------------------------------

    def on_part(self, part: dict[str, Any]) -> None:
        """Take one part of `astream(version="v2")`."""
        kind, namespace, data = part["type"], part["ns"], part["data"]
        if kind == "messages":
            self._on_message(*data)
        elif kind == "tasks":
            self._on_task(namespace, data)
        elif kind == "custom":
            path = path_of("|".join(namespace))
            self.emit("custom", projection.to_json(data, max_bytes=MAX_EVENT_BYTES), path=path)

    def _on_task(self, namespace: Sequence[str], data: dict[str, Any]) -> None:
        task_id, name = data["id"], data["name"]
        path = path_of("|".join((*namespace, f"{name}:{task_id}")))
        if "triggers" in data:
            with self._lock:
                if task_id not in self._attempts:
                    self._silent[task_id] = (path, time.perf_counter())
            return
        with self._lock:
            self._silent.pop(task_id, None)
        if data["interrupts"] or data["error"] is not None:
            return
        output = projection.to_json(data["result"], max_bytes=MAX_EVENT_BYTES)
        self.emit("update", {"task_id": task_id, "output": output}, path=path)

    def _on_message(self, message: BaseMessage, metadata: dict[str, Any]) -> None:
        path = path_of(str(metadata.get("langgraph_checkpoint_ns", "")))
        key = message.id or f"{path}:{id(message)}"
        text = str(message.text)
        is_chunk = isinstance(message, BaseMessageChunk)
        with self._lock:
            known = self._messages.get(key)
            if known is not None and known.is_done:
                return  # a node returns the message it has streamed: the same one again
            if known is None:
                known = self._messages[key] = _Message(path, "", "", time.perf_counter())
            if not is_chunk and known.text:
                known.unsent = ""
            elif len(known.text) < MAX_TEXT:
                known.text += text
                known.unsent += text
            known.is_done = not is_chunk or getattr(message, "chunk_position", None) == "last"
            if known.is_done:
                self._send_whole(key, known, message.type.removesuffix("MessageChunk"))
            elif time.perf_counter() - known.sent_at >= MERGE_S and known.unsent:
                self._send_delta(key, known)

    def _send_delta(self, key: str, message: _Message) -> None:
        self._emit("message", {"id": key, "text": message.unsent, "done": False}, message.path)
        message.unsent, message.sent_at = "", time.perf_counter()

    def _send_whole(self, key: str, message: _Message, role: str) -> None:
        if message.text:
            data = {"id": key, "text": message.text, "role": role, "done": True}
            self._emit("message", data, message.path)
        message.text, message.unsent = "", ""

    # -- the end ---------------------------------------------------------------------------

    def close(self, status: NodeStatus) -> None:
        """
        Close what the stream left open when it ended.

        Siblings of a failed node emit no result (measured) and end as `status`; a task that was
        started but never called back was served from the cache, unless it was finished before.
        """
        with self._lock:
            for key, message in self._messages.items():
                if not message.is_done and message.unsent:
                    self._send_delta(key, message)
            for attempt in self._open.values():
                elapsed_ms = (time.perf_counter() - attempt.started) * 1000
                self._add_node(replace(attempt.record, status=status, duration_ms=elapsed_ms))
            self._open.clear()
            if status is NodeStatus.OK:
                self._add_cached()
            self._silent.clear()

    def _add_cached(self) -> None:
        for task_id, (path, _) in self._silent.items():
            if task_id in self._finished_before or path.startswith(INTERNAL_PREFIX):
                continue
            self._add_node(
                NodeRun(
                    run_id=self._run.run_id,
                    thread_id=self._run.thread_id,
                    workflow=self._run.workflow,
                    task_id=task_id,
                    attempt=1,
                    delivery=self._run.deliveries,
                    node=path.rpartition("/")[2],
                    path=path,
                    namespace="",
                    step=0,
                    status=NodeStatus.CACHED,
                    started_at=self._now(),
                    duration_ms=0.0,
                )
            )
