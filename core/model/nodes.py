"""What a node did: one record per attempt, with waiting, caching and failing told apart (law 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from interlock.core.types import RunId, ThreadId

# A warning in a run's log: a thread cannot be stopped, so what a sync node began goes on.
THREAD_LEFT = "Out of time; its thread cannot be stopped and may still be working, unheard."
FALLBACK = "fallback:"  # what `NodeRun.origin` begins with where something served in its place
STAND_IN = "stand-in:"  # and where it worked itself, with an answer of another model
ERROR_HANDLER = "__error_handler__"  # what LangGraph calls that of one node, whose name follows
DEFAULT_ERROR_HANDLER = "__default_error_handler__"  # and that of every node without one


class NodeStatus(StrEnum):
    """How one attempt of a task ended; `running` while it has not."""

    RUNNING = "running"
    OK = "ok"
    ERROR = "error"
    INTERRUPTED = "interrupted"
    CACHED = "cached"
    SHORT_CIRCUITED = "short_circuited"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class NodeRun:
    """
    One attempt of one task.

    `node` is its name, `path` its full path ("team/researcher"), `namespace` LangGraph's
    ("team:<task>|researcher:<task>"); `delivery` counts how often the run's job was handed out.
    `is_final` is False for a try that another followed; `retry_wait_ms` is what was waited before
    this one. `origin` says what served it in place of the node: "memory", "database", "redis",
    "semantic" of a cache, "fallback:<what>"; "stand-in:<model>" that another model answered a call
    in it. What a fallback serves has a record of its own, and is no try of the node (law 7). Tokens and
    cost are of the model calls within it.
    """

    run_id: RunId
    thread_id: ThreadId
    workflow: str
    task_id: str
    attempt: int
    delivery: int
    node: str
    path: str
    namespace: str
    step: int
    status: NodeStatus
    started_at: datetime
    duration_ms: float | None = None
    error_type: str | None = None
    error_message: str | None = None
    ended_at: datetime | None = None
    is_final: bool = True
    variant: str = ""
    retry_wait_ms: float | None = None
    error_kind: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    origin: str | None = None

    @property
    def is_fallback(self) -> bool:
        """Whether something served in the node's place, so that this is no try of it."""
        return (self.origin or "").startswith(FALLBACK)


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """One entry of a run's ordered log; `seq` rises by one within the run and never repeats."""

    run_id: RunId
    seq: int
    kind: str
    path: str
    at: datetime
    data: object
