"""
The queues of Procrastinate in which jobs wait, one for each workflow and kind of work, and their turn.

Which of them a worker takes from: what it serves, what is held, fair shares.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from sqlalchemy import Connection, text

from interlock.core.model.holds import EVERYTHING
from interlock.core.queue import book
from interlock.core.queue.port import ERRAND_PRIORITY, JobKind, Serves
from interlock.core.queue.sharing import Waiting, choose
from interlock.core.store import holds
from interlock.core.types import WorkerId

RUN: Final = "run:"  # queues by what their jobs are; the workflow's name follows
ERRAND: Final = "errand:"  # somebody waits for it on a screen
CHORE: Final = "chore:"
MAX_QUEUE_BYTES = (
    40  # its notice names the queue, and Postgres takes 63 bytes, 23 of them its prefix
)

_LANES = text("SELECT queue, priority, id FROM interlock_waiting(:limit)")


@dataclass(frozen=True)
class Wanted:
    """What a worker would take."""

    worker_id: WorkerId
    limit: int
    only_errands: bool
    serves: Serves


def queue_of(kind: JobKind, workflow: str, priority: int = 0) -> str:
    """The queue in which a job waits; a name that is too long for one is told by its digest."""
    prefix = ERRAND if priority >= ERRAND_PRIORITY else CHORE
    prefix = RUN if kind is JobKind.RUN else prefix
    name = prefix + workflow
    if len(name.encode()) <= MAX_QUEUE_BYTES:
        return name
    return f"{prefix}~{blake2b(workflow.encode(), digest_size=16).hexdigest()}"


def find_queues(conn: Connection, wanted: Wanted) -> list[str]:
    """From which queues a worker takes a job each, the most urgent first."""
    found = _find_waiting(conn, wanted)
    if len({each.workflow for each in found}) > 1:
        found = _share(conn, found, wanted)
    return [each.ref for each in found[: wanted.limit]]


def _find_waiting(conn: Connection, wanted: Wanted) -> list[Waiting]:
    """What could be taken, by the queue it waits in; the most urgent first."""
    held = {hold.scope for hold in holds.fetch_all(conn)}
    left_out = {queue_of(JobKind.RUN, scope) for scope in held - {EVERYTHING}}
    serves = wanted.serves
    taken = None if serves.workflows is None else _queues_of(book.taken_by(serves.workflows))
    left = _queues_of(serves.leaves)

    def is_taken(queue: str) -> bool:
        is_run = queue.startswith(RUN)
        return (
            (queue.startswith(ERRAND) or not wanted.only_errands)
            and not (is_run and (EVERYTHING in held or queue in left_out))
            and (taken is None or queue in taken)
            and queue not in left
        )

    found = [
        Waiting(
            workflow=row.queue,
            priority=row.priority,
            age=row.id,
            ref=row.queue,
            is_run=row.queue.startswith(RUN),
        )
        for row in conn.execute(_LANES, {"limit": wanted.limit})
        if is_taken(row.queue)
    ]
    return sorted(found, key=lambda each: (-each.priority, each.age))


def _share(conn: Connection, found: Sequence[Waiting], wanted: Wanted) -> list[Waiting]:
    """The same in fair shares; queues stand for their workflows."""
    serves = wanted.serves
    by_queue = replace(
        serves,
        tenants={queue_of(JobKind.RUN, name): of for name, of in serves.tenants.items()},
        shares={queue_of(JobKind.RUN, name): share for name, share in serves.shares.items()},
    )
    running = {queue_of(JobKind.RUN, name): n for name, n in book.count_running(conn).items()}
    return choose(found, running=running, serves=by_queue, limit=wanted.limit)


def _queues_of(workflows: Iterable[str]) -> frozenset[str]:
    kinds = ((JobKind.RUN, 0), (JobKind.STEP, ERRAND_PRIORITY), (JobKind.STEP, 0))
    return frozenset(queue_of(k, workflow, p) for workflow in workflows for k, p in kinds)
