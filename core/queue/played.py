"""
A job queue in one process's memory, for work that is played and that no worker may ever claim.

It keeps nothing of what is finished, and does not wait for the caller's commit: who plays is alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.queue.port import SERVES_ALL, Job, JobQueue, NewJob, Serves
from interlock.core.types import JobId, Json, WorkerId


class PlayedQueue(JobQueue):
    """First come, first served."""

    def __init__(self) -> None:
        self._waiting: dict[JobId, Job] = {}

    def enqueue(self, conn: Connection, job: NewJob, *, now: datetime) -> None:  # noqa: ARG002
        """Add a job."""
        self._waiting[job.job_id] = Job(
            job_id=job.job_id,
            kind=job.kind,
            lock=job.lock,
            payload=job.payload,
            priority=job.priority,
            deliveries=1,
            progress=None,
            created_at=now,
        )

    def claim(
        self,
        conn: Connection,  # noqa: ARG002
        *,
        worker_id: WorkerId,  # noqa: ARG002
        limit: int,
        now: datetime,
        only_errands: bool = False,
        serves: Serves = SERVES_ALL,  # noqa: ARG002
    ) -> Sequence[Job]:
        """Take up to `limit` jobs that are there by then, in the order in which they came."""
        if only_errands:
            return []
        taken = [key for key, job in self._waiting.items() if job.created_at <= now][:limit]
        return [self._waiting.pop(job_id) for job_id in taken]

    def finish(
        self, conn: Connection, job_id: JobId, *, failed: bool = False, result: Json = None
    ) -> None:
        """Nothing is kept of a claimed job."""

    def finish_many(self, conn: Connection, jobs: Sequence[tuple[JobId, bool]]) -> None:
        """Nothing is kept of claimed jobs."""

    def note_progress(self, conn: Connection, job_id: JobId, *, progress: str) -> None:
        """Nothing is handed out twice."""

    def hand_back(self, conn: Connection, job: Job) -> None:
        """Nothing is handed out twice."""

    def drop(self, conn: Connection, job_id: JobId) -> bool:  # noqa: ARG002
        """Remove a job that nobody has claimed yet."""
        return self._waiting.pop(job_id, None) is not None

    def put_back(
        self,
        conn: Connection,  # noqa: ARG002
        *,
        worker_id: WorkerId,  # noqa: ARG002
        but: Collection[JobId] = (),  # noqa: ARG002
    ) -> Sequence[JobId]:
        """Nobody else has claimed anything."""
        return []

    def is_claimed(self, conn: Connection, job: Job, *, worker_id: WorkerId) -> bool:  # noqa: ARG002
        """Whatever was claimed still is."""
        return True

    def fetch_result(self, conn: Connection, job_id: JobId) -> tuple[str, Json] | None:  # noqa: ARG002
        """Nothing is known of a finished job."""
        return None

    def count_due(self, conn: Connection, *, now: datetime) -> int:  # noqa: ARG002
        """How many jobs wait."""
        return len(self._waiting)

    def is_any_due(
        self,
        conn: Connection,  # noqa: ARG002
        *,
        now: datetime,  # noqa: ARG002
        only_errands: bool = False,
        serves: Serves = SERVES_ALL,  # noqa: ARG002
    ) -> bool:
        """Whether a claim finds something."""
        return bool(self._waiting) and not only_errands

    def clear_finished(self, conn: Connection, *, before: datetime) -> int:  # noqa: ARG002
        """There is nothing to clear."""
        return 0
