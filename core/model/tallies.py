"""
What is counted of nodes and of executions in a span of time, so that spans can be added (law 7).

A tally is mutable: it is made by adding rows, or other tallies, to an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from interlock.core.model.histogram import Histogram
from interlock.core.types import Json

MAX_RUN_IDS = 5  # of the newest runs that had an error
MAX_ERROR_TYPES = 50  # of one node in one span; an error of a type beyond counts as of OTHER_TYPES
MAX_USERS = 500  # names kept for one workflow and span, to count each once over many spans
OTHER_TYPES = "(others)"


@dataclass(slots=True)
class ErrorTally:
    """Errors of one type: how many, and the newest."""

    count: int = 0
    last_at: datetime | None = None
    message: str = ""
    run_ids: tuple[str, ...] = ()  # newest first

    def add(self, other: ErrorTally) -> None:
        """Count another's errors too."""
        is_newer = self.last_at is None or (
            other.last_at is not None and other.last_at >= self.last_at
        )
        newer, older = (other, self) if is_newer else (self, other)
        self.count += other.count
        self.last_at, self.message = newer.last_at, newer.message
        self.run_ids = tuple(dict.fromkeys((*newer.run_ids, *older.run_ids)))[:MAX_RUN_IDS]


@dataclass(slots=True)
class NodeTally:
    """One node: `runs` ended ok or in error, durations are of those, tokens and cost of every try."""

    runs: int = 0
    errors: int = 0
    attempts: int = 0
    interrupted: int = 0
    cached: int = 0
    short_circuited: int = 0
    degraded: int = 0
    sum_ms: float = 0.0
    min_ms: float | None = None
    max_ms: float | None = None
    wait_s: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    histogram: Histogram = field(default_factory=Histogram)
    error_types: dict[str, ErrorTally] = field(default_factory=dict)

    def add_run(self, duration_ms: float) -> None:
        """Count a run and how long it took."""
        self.runs += 1
        self.sum_ms += duration_ms
        self.min_ms = _least(self.min_ms, duration_ms)
        self.max_ms = _most(self.max_ms, duration_ms)
        self.histogram.add(duration_ms)

    def add_error(self, error_type: str, error: ErrorTally) -> None:
        """Count errors of a type; the types of one node are bounded."""
        is_known = error_type in self.error_types or len(self.error_types) < MAX_ERROR_TYPES
        key = error_type if is_known else OTHER_TYPES
        self.error_types.setdefault(key, ErrorTally()).add(error)

    def add(self, other: NodeTally) -> None:
        """Count all that another one counted."""
        for name in _NODE_SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.min_ms = _least(self.min_ms, other.min_ms)
        self.max_ms = _most(self.max_ms, other.max_ms)
        self.histogram.merge(other.histogram)
        for error_type, error in other.error_types.items():
            self.add_error(error_type, error)


@dataclass(slots=True)
class RunTally:
    """
    Executions of one workflow: `started` by when they began, the rest by when they ended.

    Durations are of those completed or failed. `minutes` had an end, `down_minutes` only failures.
    """

    started: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    degraded: int = 0
    nodes: int = 0
    sum_ms: float = 0.0
    min_ms: float | None = None
    max_ms: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    minutes: int = 0
    down_minutes: int = 0
    rated: int = 0
    ratings: int = 0  # their sum
    histogram: Histogram = field(default_factory=Histogram)
    error_types: dict[str, int] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)

    def add_duration(self, duration_ms: float) -> None:
        """Count how long one took that completed or failed."""
        self.sum_ms += duration_ms
        self.min_ms = _least(self.min_ms, duration_ms)
        self.max_ms = _most(self.max_ms, duration_ms)
        self.histogram.add(duration_ms)

    def add_users(self, names: Iterable[str]) -> None:
        """Note who started some; beyond `MAX_USERS` nobody is added."""
        new = set(names) - self.users
        room = MAX_USERS - len(self.users)
        self.users |= new if len(new) <= room else set(sorted(new)[:room])

    def close_minute(self) -> None:
        """Tell that this tally is of one whole minute."""
        self.minutes = int(self.completed + self.failed > 0)
        self.down_minutes = int(self.failed > 0 and not self.completed)

    def add(self, other: RunTally) -> None:
        """Count all that another one counted."""
        for name in _RUN_SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.min_ms = _least(self.min_ms, other.min_ms)
        self.max_ms = _most(self.max_ms, other.max_ms)
        self.histogram.merge(other.histogram)
        for error_type, count in other.error_types.items():
            self.error_types[error_type] = self.error_types.get(error_type, 0) + count
        self.add_users(other.users)


@dataclass(slots=True)
class Tallies:
    """All of a span: nodes by (workflow, path, variant), executions by (workflow, variant)."""

    nodes: dict[tuple[str, str, str], NodeTally] = field(default_factory=dict)
    runs: dict[tuple[str, str], RunTally] = field(default_factory=dict)

    def node(self, workflow: str, path: str, variant: str) -> NodeTally:
        """The tally of a node, an empty one at first."""
        key = (workflow, path, variant)
        return self.nodes.get(key) or self.nodes.setdefault(key, NodeTally())

    def run(self, workflow: str, variant: str) -> RunTally:
        """The tally of a workflow's executions, an empty one at first."""
        key = (workflow, variant)
        return self.runs.get(key) or self.runs.setdefault(key, RunTally())

    def add(self, other: Tallies) -> None:
        """Count all that another one counted."""
        for node_key, node in other.nodes.items():
            self.node(*node_key).add(node)
        for run_key, run in other.runs.items():
            self.run(*run_key).add(run)

    def close_minute(self) -> None:
        """Tell that this is one whole minute."""
        for run in self.runs.values():
            run.close_minute()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not self.nodes and not self.runs


def errors_as_json(errors: Mapping[str, ErrorTally]) -> Json:
    """The stored form of errors by type."""
    return {
        name: [e.count, e.last_at.isoformat() if e.last_at else None, e.message, list(e.run_ids)]
        for name, e in errors.items()
    }


def errors_from_json(stored: Json) -> dict[str, ErrorTally]:
    """Read what `errors_as_json` made."""
    return {
        name: ErrorTally(count, datetime.fromisoformat(at) if at else None, message, tuple(run_ids))
        for name, (count, at, message, run_ids) in stored.items()
    }


_NODE_SUMS = (
    *("runs", "errors", "attempts", "interrupted", "cached", "short_circuited", "degraded"),
    *("sum_ms", "wait_s", "tokens_in", "tokens_out", "cost"),
)
_RUN_SUMS = (
    *("started", "completed", "failed", "cancelled", "degraded", "nodes", "sum_ms"),
    *("tokens_in", "tokens_out", "cost", "minutes", "down_minutes", "rated", "ratings"),
)


def _least(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)
