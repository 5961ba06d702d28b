"""A worker as it reports itself: where it runs, what it can carry, and its last sign of life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from interlock.core.types import WorkerId


class WorkerStatus(StrEnum):
    """What a worker does with new jobs: not yet, takes them, or no longer."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


@dataclass(frozen=True, kw_only=True)
class Worker:
    """
    One worker process.

    `concurrency` is how many runs it carries at once, `project` the path of its langgraph.json;
    `published_at` is None until its workflows are in the database.
    """

    worker_id: WorkerId
    host: str
    pid: int
    status: WorkerStatus
    concurrency: int
    project: str
    started_at: datetime
    heartbeat_at: datetime
    published_at: datetime | None = None
