"""The steps of a run as a table: one row an attempt, in the order they began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.failure_kinds import FailureKind
from interlock.core.model.nodes import STAND_IN, NodeRun, NodeStatus
from interlock.dashboard.palette import Look, look_of_node
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import NOTHING, format_duration_ms, format_exact, one_line

MESSAGE_LIMIT_COUNT = 300


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One attempt of one task; `key` tells it from every other."""

    key: str
    task_id: str
    step: int
    path: str
    attempt: str
    look: Look
    started_at: str
    took: str
    problem: str


def build(nodes: Sequence[NodeRun], *, now: datetime) -> tuple[StepRow, ...]:
    """Every attempt as a row; an attempt handed out again after a kill says so."""
    return tuple(_build_row(n, now) for n in nodes)


def last_attempts(nodes: Sequence[NodeRun]) -> tuple[NodeRun, ...]:
    """
    The newest attempt of each task, which tells how the task stands.

    A task keeps its id when a later run resumes or retries it, so a run's story may be given whole.
    """
    latest: dict[str, NodeRun] = {}
    for node in sorted(nodes, key=lambda n: (n.started_at, n.delivery, n.attempt)):
        latest[node.task_id] = node
    return tuple(latest.values())


def took_ms(node: NodeRun, now: datetime) -> float | None:
    """How long an attempt took, or has been running; None where it ended unseen."""
    if node.duration_ms is not None:
        return node.duration_ms
    if node.status is not NodeStatus.RUNNING:
        return None
    return max(0.0, (now - node.started_at).total_seconds() * 1000)


def say_origin(node: NodeRun) -> str:
    """What served in the node's place, in words; empty where it worked itself."""
    what, _, which = (node.origin or "").partition(":")
    if node.is_fallback:
        return f"Served by the fallback {which}"
    if f"{what}:" == STAND_IN:
        return f"{which} answered in place of its model"
    return f"Served from the cache ({node.origin})" if node.origin else ""


def _build_row(node: NodeRun, now: datetime) -> StepRow:
    problem = f"{node.error_type}: {node.error_message or ''}" if node.error_type else ""
    again = f" (delivery {node.delivery})" if node.delivery > 1 else ""
    if node.retry_wait_ms:
        again += f" after {format_duration_ms(node.retry_wait_ms)}"
    if node.error_kind not in {None, FailureKind.UNKNOWN}:
        problem = f"{problem} ({str(node.error_kind).replace('_', ' ')})"
    duration_ms = None if node.status is NodeStatus.CACHED else took_ms(node, now)
    return StepRow(
        key=f"{node.task_id}.{node.delivery}.{node.attempt}",
        task_id=node.task_id,
        step=node.step,
        path=show_hidden(node.path),
        attempt=f"{'fallback' if node.is_fallback else node.attempt}{again}",
        look=look_of_node(node.status),
        started_at=format_exact(node.started_at),
        took=NOTHING if duration_ms is None else format_duration_ms(duration_ms),
        problem=one_line(show_hidden(problem or say_origin(node)), limit_count=MESSAGE_LIMIT_COUNT),
    )
