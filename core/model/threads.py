"""Threads, and the index of their checkpoints (law 6: trees come from an index)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from interlock.core.types import CheckpointId, Json, RunId, ThreadId


class Origin(StrEnum):
    """How a thread came to be here: launched, copied of another, read from a file, foreign, or made up."""

    OWN = "own"
    COPY = "copy"
    IMPORT = "import"
    ATTACHED = "attached"
    SIMULATED = "simulated"  # of the demonstration's past: its runs were played, not run


@dataclass(frozen=True, kw_only=True)
class Thread:
    """
    One thread: its workflow, its newest indexed checkpoint, and the run that last moved it.

    `from_thread_id` and `from_checkpoint_id` are what a copy was made of; `trouble` says why the
    thread can be read only, where it can.
    """

    thread_id: ThreadId
    workflow: str
    head_checkpoint_id: CheckpointId | None
    last_run_id: RunId | None
    created_at: datetime
    updated_at: datetime
    origin: Origin = Origin.OWN
    from_thread_id: ThreadId | None = None
    from_checkpoint_id: CheckpointId | None = None
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True)
class CheckpointEntry:
    """One root checkpoint. `source` is input, loop, update or fork; `next` the nodes due after it."""

    thread_id: ThreadId
    checkpoint_id: CheckpointId
    parent_id: CheckpointId | None
    step: int
    source: str
    next: tuple[str, ...]
    run_id: RunId | None
    created_at: datetime
    size_bytes: int
    branch: int


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A thread's state at one checkpoint as JSON: `values` without internal channels, long ones cut and marked."""

    thread_id: ThreadId
    checkpoint_id: CheckpointId
    values: Json
    next: tuple[str, ...]
    interrupts: tuple[Mapping[str, Json], ...]
    metadata: Mapping[str, Json]
    created_at: datetime
