"""The record of an attempt as it is begun and ended, and what stays open between the two."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime

from interlock.core.graphs.namespaces import path_of
from interlock.core.graphs.notes import Note
from interlock.core.model.failure_kinds import kind_of
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.runs import Run

NOTHING = Note()


@dataclass
class Attempt:
    """An attempt that has not ended."""

    record: NodeRun
    started: float  # time.perf_counter()
    is_announced: bool = False


def begin(
    run: Run, *, task_id: str, node: str, namespace: str, step: int, attempt: int, at: datetime
) -> NodeRun:
    """The record of an attempt that begins."""
    return NodeRun(
        run_id=run.run_id,
        thread_id=run.thread_id,
        workflow=run.workflow,
        task_id=task_id,
        attempt=attempt,
        delivery=run.deliveries,
        node=node,
        path=path_of(namespace),
        namespace=namespace,
        step=step,
        status=NodeStatus.RUNNING,
        started_at=at,
        variant=run.variant,
    )


def end(
    record: NodeRun,
    status: NodeStatus,
    *,
    started: float,
    at: datetime,
    note: Note = NOTHING,
    error: BaseException | None = None,
    text: str | None = None,
) -> NodeRun:
    """
    The record of an attempt that ended.

    Args:
        record: Its beginning.
        status: How it ended, unless the note knows better.
        started: When, by `time.perf_counter()`.
        at: Now.
        note: What policies have said of it.
        error: What it raised.
        text: The text of that.
    """
    return replace(
        record,
        status=note.status or status,
        duration_ms=(time.perf_counter() - started) * 1000,
        ended_at=at,
        error_type=type(error).__name__ if error is not None else None,
        error_message=text,
        error_kind=_kind_of(error, note),
        retry_wait_ms=note.retry_wait_ms,
        origin=note.origin,
    )


def _kind_of(error: BaseException | None, note: Note) -> str | None:
    if note.error_kind is not None or error is None:
        return note.error_kind
    kind = kind_of(error, permanent=note.permanent)
    return None if kind is None else str(kind)
