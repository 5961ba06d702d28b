"""A run: one submission to a thread (a start, a resume, a retry), and what may become of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from interlock.core.types import CheckpointId, Json, RunId, ThreadId

LOWEST_PRIORITY, HIGHEST_PRIORITY = -1000, 1000
STORY_LIMIT_COUNT = 6  # runs shown together; a longer story shows its newest part


class RunStatus(StrEnum):
    """What a run is doing. `waiting`: a card; `paused`: a breakpoint card; `continued`: a later run took over."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    CONTINUED = "continued"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset({RunStatus.QUEUED, RunStatus.RUNNING})
HELD = frozenset({RunStatus.WAITING, RunStatus.PAUSED})
ENDED = frozenset({RunStatus.CONTINUED, RunStatus.DONE, RunStatus.FAILED, RunStatus.CANCELLED})


REFUSED = "Refused"  # type of the failure of a run that found its thread elsewhere
GRAPH_CHANGED = "GraphChanged"  # of one whose thread waits before what its graph has not any more


class RunKind(StrEnum):
    """
    What a run sends to its graph.

    `start`: an input. `resume`: the answers of the decisions joined to it. `retry`: nothing, so that
    the graph goes on where it failed or was cancelled. `proceed`: the verb of a breakpoint or failure card.
    `rewind`: whatever a fork of the thread says. `copy`: nothing; it copies another thread's checkpoints
    and stands where those stand. `attached`: nothing; another application moved the thread, and what it
    came to is told by this run, which no worker carries.
    """

    START = "start"
    RESUME = "resume"
    RETRY = "retry"
    PROCEED = "proceed"
    REWIND = "rewind"
    COPY = "copy"
    ATTACHED = "attached"


FORKING = frozenset({RunKind.REWIND, RunKind.COPY})  # what they do is said by a fork


@dataclass(frozen=True)
class FailureLine:
    """Why a run failed, as much as a list says of it."""

    type: str
    message: str


@dataclass(frozen=True)
class Failure(FailureLine):
    """Why a run or an attempt failed; `snapshot` is the masked state, `versions` the libraries' versions."""

    stack: str = ""
    node: str | None = None
    attempt: int | None = None
    snapshot: Json = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """The stored form, read back by `from_json`; lists read it up to the stack."""
        return {
            "type": self.type,
            "message": self.message,
            "stack": self.stack,
            "node": self.node,
            "attempt": self.attempt,
            "snapshot": self.snapshot,
            "versions": dict(self.versions),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json] | None) -> Failure | None:
        """Read the stored form; None stays None."""
        return None if value is None else cls(**value)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """
    How a run is carried out; breakpoints are node names, `*` means every node.

    `recursion_limit` None leaves the graph's own limit, or the setting's; `asks_on_failure`: when a
    node fails for good, a human gets a card; `stands`: a rewind writes its fork and goes on only when
    it is told to.
    """

    break_before: tuple[str, ...] = ()
    break_after: tuple[str, ...] = ()
    recursion_limit: int | None = None
    asks_on_failure: bool = False
    stands: bool = False

    def as_json(self) -> dict[str, Json]:
        """The stored form."""
        return {
            "break_before": list(self.break_before),
            "break_after": list(self.break_after),
            "recursion_limit": self.recursion_limit,
            "asks_on_failure": self.asks_on_failure,
            "stands": self.stands,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> RunOptions:
        """Read the stored form."""
        return cls(
            break_before=tuple(value.get("break_before", ())),
            break_after=tuple(value.get("break_after", ())),
            recursion_limit=value.get("recursion_limit"),
            asks_on_failure=value.get("asks_on_failure") is True,
            stands=value.get("stands") is True,
        )


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """
    What lists say of a run: everything but what may be large (`Run` has that, too).

    `ended_at` is when its worker let go of it, so that a human's wait is not in its duration;
    `end_checkpoint_id` is where it stopped. `variant` is what of several was drawn for it, empty if
    none; `batch_id` names the file of inputs that it came from. `is_degraded`: a
    fallback served in a node's place. `steps_in_memory`: so many of its steps were for a while in the
    memory of its worker only, while the database was away. `may_have_repeated`: a worker that may have
    had such steps of it died with them.
    """

    run_id: RunId
    thread_id: ThreadId
    workflow: str
    kind: RunKind
    status: RunStatus
    priority: int
    created_at: datetime
    created_by: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: FailureLine | None = None
    cancel_requested_at: datetime | None = None
    end_checkpoint_id: CheckpointId | None = None
    previous_run_id: RunId | None = None
    reason: str = ""
    deliveries: int = 0
    variant: str = ""
    batch_id: str | None = None
    is_degraded: bool = False
    steps_in_memory: int = 0
    may_have_repeated: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a worker still has to do something for it."""
        return self.status in OPEN

    @property
    def is_held(self) -> bool:
        """Whether it stands before a card."""
        return self.status in HELD


@dataclass(frozen=True, kw_only=True)
class Run(RunSummary):
    """One submission, whole. `input` and `context` are JSON as given, `rating` is 1 to 5."""

    input: Json
    context: Json
    options: RunOptions
    error: Failure | None = None
    rating: int | None = None


def follow(run: RunSummary, thread_runs: Sequence[RunSummary]) -> tuple[RunSummary, ...]:
    """
    The runs that tell one story: a start, the resumes after its cards, the retries after its failures.

    Args:
        run: The run to start from.
        thread_runs: The runs of its thread, in any order.

    Returns:
        The run with those it went on from and those that went on from it, oldest first.
    """
    by_id = {r.run_id: r for r in thread_runs} | {run.run_id: run}
    in_order = sorted(by_id.values(), key=lambda r: (r.created_at, r.run_id))
    after = {r.previous_run_id: r for r in in_order if r.previous_run_id}
    story = [run]
    while (earlier := by_id.get(story[0].previous_run_id or RunId(""))) and earlier not in story:
        story.insert(0, earlier)
    while (later := after.get(story[-1].run_id)) and later not in story:
        story.append(later)
    return tuple(story)


def near(story: Sequence[RunSummary], run: RunSummary) -> tuple[RunSummary, ...]:
    """At most `STORY_LIMIT_COUNT` neighbouring runs of a story, the run among them, as new as possible."""
    at = next(i for i, r in enumerate(story) if r.run_id == run.run_id)
    first = min(at, max(0, len(story) - STORY_LIMIT_COUNT))
    return tuple(story[first : first + STORY_LIMIT_COUNT])


def may_cancel(status: RunStatus) -> bool:
    """Whether a run in this status can be cancelled: it must not have ended."""
    return status not in ENDED


def may_rate(status: RunStatus, ended_at: datetime | None) -> bool:
    """Whether a run can be rated: it is over, and nothing went on with it."""
    over = {RunStatus.DONE, RunStatus.FAILED, RunStatus.CANCELLED}
    return status in over and ended_at is not None


def may_retry(status: RunStatus, *, has_error: bool = False) -> bool:
    """Whether a run can be retried: it failed, also where a human is asked about it, or was cancelled."""
    asks = status is RunStatus.PAUSED and has_error
    return asks or status in {RunStatus.FAILED, RunStatus.CANCELLED}
