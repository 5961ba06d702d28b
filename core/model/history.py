"""
What the time machine keeps: where a thread comes from, how it was set back, what was tried on copies.

Nothing here is a rule; those are in `branching`, `rewinding` and `diffing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.threads import CheckpointEntry
from interlock.core.types import ApprovalId, CheckpointId, JobId, Json, RunId, ThreadId


class EditMode(StrEnum):
    """Whether a value takes the place of what a field holds, or goes through the field's reducer."""

    REPLACE = "replace"
    APPEND = "append"


@dataclass(frozen=True, kw_only=True)
class FieldEdit:
    """A new value for one field of the state."""

    field: str
    value: Json
    mode: EditMode = EditMode.REPLACE


@dataclass(frozen=True, kw_only=True)
class PlannedAnswer:
    """
    An answer for a question that a fork asks anew, under an id that is not known beforehand.

    It fits a question of the node (its path, "team/review") with the same payload; of several such
    the one that comes as `nth`, from 0. `intent` is as in a decision's request. `is_kept`: it was
    given before, to this question, and is given again.
    """

    node: str
    payload: Json
    intent: Mapping[str, Json]
    nth: int = 0
    is_kept: bool = False


@dataclass(frozen=True, kw_only=True)
class ForkLine:
    """
    One time that somebody set a thread back, edited it or made it of another, as lists tell it.

    `target_id` is the checkpoint it goes on from, `left_id` the head it left, `from_thread_id` the
    thread of the target where it is another.
    """

    fork_id: str
    thread_id: ThreadId
    run_id: RunId
    verb: RewindVerb
    target_id: CheckpointId
    left_id: CheckpointId | None
    actor: str
    reason: str
    created_at: datetime
    from_thread_id: ThreadId | None = None
    as_node: str | None = None


@dataclass(frozen=True, kw_only=True)
class Fork(ForkLine):
    """A fork, whole: what it changes, what it answers, and the preview that was confirmed."""

    edits: tuple[FieldEdit, ...] = ()
    answers: tuple[PlannedAnswer, ...] = ()
    preview: Mapping[str, Json] | None = None


@dataclass(frozen=True, kw_only=True)
class Point(CheckpointEntry):
    """
    A checkpoint as a history shows it.

    `ran` are the nodes that led from its parent to it, a node as often as it ran; `fork` is the one
    that began here, if one did; `asked` and `decided` count the cards of this checkpoint.
    """

    ran: tuple[str, ...] = ()
    fork: ForkLine | None = None
    asked_count: int = 0
    decided_count: int = 0


@dataclass(frozen=True, kw_only=True)
class Inner:
    """The state of a subgraph beneath a point; `path` is its node's ("team/writer")."""

    path: str
    namespace: str
    checkpoint_id: CheckpointId
    step: int
    next: tuple[str, ...]
    values: Json

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Inner:
        """Read what a worker handed over."""
        return cls(**{**value, "next": tuple(value["next"])})


@dataclass(frozen=True, kw_only=True)
class PointFilter:
    """Which points of a thread are wanted; what is None or empty leaves it free."""

    step_from: int | None = None
    step_to: int | None = None
    node: str | None = None  # it ran, or is due
    sources: tuple[str, ...] = ()
    run_id: RunId | None = None
    branch: int | None = None
    only_decisions: bool = False

    @property
    def is_free(self) -> bool:
        """Whether it leaves everything in."""
        return self == PointFilter()


@dataclass(frozen=True, kw_only=True)
class BranchSpan:
    """One branch of a thread as a whole: its ends, where it left another, how much there is of it."""

    branch: int
    first_id: CheckpointId
    last_id: CheckpointId
    parent_id: CheckpointId | None
    point_count: int
    size_bytes: int


class WhatIfStatus(StrEnum):
    """Where a what-if stands, and each of its sides."""

    OPEN = "open"
    KEPT = "kept"
    DISCARDED = "discarded"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class WhatIfSide:
    """
    One answer tried on a copy. `side` is "a" or "b".

    `intent` is what is answered, as a decision would be; `stand_ins` are values given for nodes that
    must not run there; `path` is what ran, in order, and what was stood in for; `asks` what it asks
    at its end.
    """

    what_if_id: str
    side: str
    intent: Mapping[str, Json]
    stand_ins: Mapping[str, Json]
    status: WhatIfStatus
    job_id: JobId | None = None
    sandbox_id: ThreadId | None = None
    path: tuple[Json, ...] = ()
    values: Json = None
    asks: tuple[Json, ...] = ()
    error: str | None = None
    duration_ms: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """A point of a thread, or a card of it, that is answered in several ways on copies."""

    what_if_id: str
    thread_id: ThreadId
    workflow: str
    checkpoint_id: CheckpointId
    approval_id: ApprovalId | None
    version: int | None
    status: WhatIfStatus
    created_at: datetime
    created_by: str
    kept_side: str | None = None
    sides: tuple[WhatIfSide, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AttachedSource:
    """The checkpoint database of another application as it was found last; `address` has no password."""

    source_id: str
    address: str
    looked_at: datetime
    took_ms: float
    thread_count: int
    unknown_count: int
    cursor: CheckpointId | None = None
    error: str | None = None
