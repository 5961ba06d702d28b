"""
The port every job queue implements; one contract suite holds for all of them.

Calls take the caller's connection, so that a job is enqueued, claimed or finished in the same
transaction as what causes it. Jobs with the same `lock` run one at a time, in order (law 3).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import Connection

from interlock.core.errors import InterlockError
from interlock.core.types import JobId, Json, WorkerId


class JobKind(StrEnum):
    """What a worker is asked to do: carry out a run, or read what needs the user's code."""

    RUN = "run"
    SNAPSHOT = "snapshot"  # a state
    STEP = "step"  # what one task was handed and gave out
    INDEX = "index"  # the checkpoints of a thread that another application made
    BENEATH = "beneath"  # the states of the subgraphs at a checkpoint
    PRUNE = "prune"  # deletes a thread
    IMPORT = "import"  # takes a thread in from a file
    WHAT_IF = "what_if"  # one side of a what-if, on a copy


ERRAND_PRIORITY = 1_000_000  # somebody waits for it on a screen; above whatever a run may have


@dataclass(frozen=True, kw_only=True)
class Job:
    """
    One claimed job; `deliveries` counts how often it was handed out, this time included.

    `unread` says why its payload could not be decrypted; it is empty then.
    """

    job_id: JobId
    kind: JobKind
    lock: str | None
    payload: dict[str, Json]
    priority: int
    deliveries: int
    progress: str | None
    created_at: datetime
    workflow: str = ""
    unread: InterlockError | None = None


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """
    A job to enqueue. `priority`: higher first. `run_at`: not before; None means at once.

    `workflow`: whose code the job needs; empty means that any worker may have it. While it is held,
    no claim takes a job that carries out a run of it.
    """

    job_id: JobId
    kind: JobKind
    lock: str | None = None
    payload: dict[str, Json] = field(default_factory=dict)
    priority: int = 0
    run_at: datetime | None = None
    workflow: str = ""


@dataclass(frozen=True, kw_only=True)
class Serves:
    """
    What a worker takes, and how workflows share its room.

    Attributes:
        workflows: The only ones of which it takes jobs; None means all. A job of no workflow is anybody's.
        leaves: Of all others it takes none of these; for a worker that takes all that nobody else can.
        loaded: Those it has the code of; None where that is not asked.
        tenants: Whose a workflow is, by its name. Tenants share the room before their workflows do.
        shares: A workflow's part of the room against the others', by its name; 1 unless it is told.
    """

    workflows: frozenset[str] | None = None
    tenants: Mapping[str, str] = field(default_factory=dict)
    shares: Mapping[str, int] = field(default_factory=dict)
    leaves: frozenset[str] = frozenset()
    loaded: frozenset[str] | None = None

    def takes(self, workflow: str) -> bool:
        """Whether jobs of a workflow are for this worker."""
        is_named = self.workflows is None or not workflow or workflow in self.workflows
        return is_named and workflow not in self.leaves


SERVES_ALL = Serves()  # of everybody, in equal shares


class JobQueue(Protocol):
    """Enqueue, claim, finish, put back."""

    def enqueue(self, conn: Connection, job: NewJob, *, now: datetime) -> None:
        """Add a job within the caller's transaction; nobody sees it before the commit."""

    def claim(
        self,
        conn: Connection,
        *,
        worker_id: WorkerId,
        limit: int,
        now: datetime,
        only_errands: bool = False,
        serves: Serves = SERVES_ALL,
    ) -> Sequence[Job]:
        """
        Take up to `limit` due jobs, one per lock, and none that carries out a run of what is held.

        The highest priority comes first. Of the same priority, that of the tenant of which the fewest
        runs are carried, then of the workflow of which the fewest are (for its share), then the oldest.

        `only_errands`: none that carries out a run. `serves`: of which workflows.
        """

    def finish(
        self, conn: Connection, job_id: JobId, *, failed: bool = False, result: Json = None
    ) -> None:
        """Close a claimed job; its lock is free from the commit on."""

    def finish_many(self, conn: Connection, jobs: Sequence[tuple[JobId, bool]]) -> None:
        """Close claimed jobs at once, each with whether it failed."""

    def note_progress(self, conn: Connection, job_id: JobId, *, progress: str) -> None:
        """Remember how far the job came, to tell a job that moves from one that kills its worker."""

    def hand_back(self, conn: Connection, job: Job) -> None:
        """
        Let a claimed job be claimed anew, by whichever worker.

        One that was handed out anew since stays with whoever has it: a hand-back whose commit was cut
        off is done again, and may have happened.
        """

    def drop(self, conn: Connection, job_id: JobId) -> bool:
        """Remove a job that nobody has claimed yet; False if it was claimed or is unknown."""

    def put_back(
        self, conn: Connection, *, worker_id: WorkerId, but: Collection[JobId] = ()
    ) -> Sequence[JobId]:
        """Hand back all that this (dead or stopping) worker had claimed but these; which those were."""

    def is_claimed(self, conn: Connection, job: Job, *, worker_id: WorkerId) -> bool:
        """Whether this worker still has a job, as it was handed out to it and not anew."""

    def fetch_result(self, conn: Connection, job_id: JobId) -> tuple[str, Json] | None:
        """Status and result of a job, None if it is unknown (or was cleared)."""

    def count_due(self, conn: Connection, *, now: datetime) -> int:
        """How many jobs wait for a worker."""

    def is_any_due(
        self,
        conn: Connection,
        *,
        now: datetime,
        only_errands: bool = False,
        serves: Serves = SERVES_ALL,
    ) -> bool:
        """Whether a claim could find something; may say yes too often, never no."""

    def clear_finished(self, conn: Connection, *, before: datetime) -> int:
        """Delete finished jobs enqueued before this moment; the number deleted."""
