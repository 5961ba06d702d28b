"""
Claimed work that this worker cannot read: encrypted with a key that it was not given, or damaged.

It fails alone and says why, and can be tried again once the key is there. Left in the queue it would
be the first of each claim, and nothing behind it would ever be claimed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import Connection

from interlock.core.errors import InterlockError, KeyMissing, SealBroken
from interlock.core.model.runs import Failure, Run, RunStatus
from interlock.core.queue.port import Job
from interlock.core.services import recording
from interlock.core.services.context import App
from interlock.core.services.recording import Batch, Ending
from interlock.core.store import runs
from interlock.core.types import RunId

logger = logging.getLogger(__name__)

UNREADABLE = (KeyMissing, SealBroken)


def fetch_runs(
    conn: Connection, run_ids: Sequence[RunId]
) -> tuple[dict[RunId, Run], dict[RunId, InterlockError]]:
    """Those of these runs that are there; of one that cannot be read what is in clear, and why."""
    try:
        return runs.fetch_by_ids(conn, run_ids), {}
    except UNREADABLE:
        pass
    found: dict[RunId, Run] = {}
    errors: dict[RunId, InterlockError] = {}
    for run_id in run_ids:
        try:
            found |= runs.fetch_by_ids(conn, [run_id])
        except UNREADABLE as exc:
            found |= runs.fetch_in_clear(conn, run_id)
            errors[run_id] = exc
    return found, errors


def fail(app: App, conn: Connection, job: Job, run: Run, error: InterlockError) -> None:
    """End a run that was just claimed, and is marked as running, for that reason."""
    logger.error("run_unreadable", extra={"run_id": run.run_id, "reason": str(error)})
    failure = Failure(type=type(error).__name__, message=str(error))
    ending = Ending(run=run, job=job, status=RunStatus.FAILED, failure=failure)
    recording.record_in(app, conn, Batch(endings=[ending]))
