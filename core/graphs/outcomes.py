"""What one delivery of a run came to: its status, where it stands, the state there and what failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.core.graphs import failing
from interlock.core.graphs.heads import Reading
from interlock.core.graphs.snapshots import make_snapshot
from interlock.core.model.delivery import Head
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.model.threads import Snapshot
from interlock.core.types import ThreadId


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """
    How one delivery ended.

    `status` is running only if the worker is draining and hands the run over. `refused` maps ids
    of questions whose answer the graph refused to its reason.
    """

    status: RunStatus
    head: Head | None = None
    snapshot: Snapshot | None = None
    failure: Failure | None = None
    reason: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)


def outcome_of(thread_id: ThreadId, reading: Reading | None, max_bytes: int) -> Outcome:
    """What a head alone tells of the run that led to it."""
    snapshot = snapshot_of(thread_id, reading, max_bytes)
    head = reading.head if reading is not None else None
    if reading is not None and reading.head.has_failed:
        failure = failing.read_failure(reading.state, snapshot.values if snapshot else None)
        return Outcome(status=RunStatus.FAILED, head=head, snapshot=snapshot, failure=failure)
    return Outcome(status=_status_of(head), head=head, snapshot=snapshot)


def snapshot_of(thread_id: ThreadId, reading: Reading | None, max_bytes: int) -> Snapshot | None:
    """The state at a head as the screens show it."""
    if reading is None:
        return None
    interrupts = tuple(
        {"id": i.interrupt_id, "node": i.node, "value": i.value, "response_schema": i.schema}
        for i in reading.head.interrupts
        if not i.is_answered
    )
    return make_snapshot(
        thread_id, reading.head.checkpoint_id, reading.state, interrupts, max_bytes=max_bytes
    )


def _status_of(head: Head | None) -> RunStatus:
    if head is None or not head.due:
        return RunStatus.DONE
    return RunStatus.WAITING if head.open_ids else RunStatus.PAUSED
