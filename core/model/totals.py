"""
What ever ended, counted for systems that watch from outside: sums that only rise, and histograms.

The pages show figures of a window (`figures`); these are of all time, and whoever watches takes the
difference. Law 7 holds here, too: an attempt is not a run, waiting is not running.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

# Upper bounds in seconds. Nodes are model calls and small steps; executions are chains of them.
NODE_BOUNDS_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
EXECUTION_BOUNDS_S = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Tally:
    """How many ended, how long they took together, and how many stayed within each bound."""

    count: int = 0
    total_s: float = 0.0
    within: tuple[int, ...] = ()
    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        if not self.within:
            within = other.within
        elif not other.within:
            within = self.within
        else:
            within = tuple(a + b for a, b in zip(self.within, other.within, strict=True))
        return Tally(
            count=self.count + other.count,
            total_s=self.total_s + other.total_s,
            within=within,
            tokens=self.tokens + other.tokens,
            cost=self.cost + other.cost,
        )


@dataclass(frozen=True, order=True)
class NodeKey:
    """Attempts of one node that ended in one way."""

    workflow: str
    path: str
    status: str


@dataclass(frozen=True, order=True)
class ExecutionKey:
    """Executions of one workflow that ended in one way."""

    workflow: str
    status: str


@dataclass(frozen=True, order=True)
class CacheKey:
    """Lookups in the cache of one node; `outcome` is a tier that had it, or `miss`."""

    workflow: str
    path: str
    outcome: str


@dataclass(frozen=True, order=True)
class ToolKey:
    """Calls of one tool that ended alike: ok or error."""

    workflow: str
    tool: str
    status: str


@dataclass(frozen=True)
class Book(Generic[Key]):
    """Tallies by what they are of."""

    tallies: Mapping[Key, Tally] = field(default_factory=dict)

    def plus(self, more: Iterable[tuple[Key, Tally]]) -> Book[Key]:
        """The book with more written into it; this one stays as it is."""
        joined = dict(self.tallies)
        for key, tally in more:
            joined[key] = joined.get(key, Tally()) + tally
        return Book(joined)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """All that is counted over time."""

    nodes: Book[NodeKey] = field(default_factory=Book)
    executions: Book[ExecutionKey] = field(default_factory=Book)
    decisions: Book[str] = field(default_factory=Book)  # by verb
    caches: Book[CacheKey] = field(default_factory=Book)

    def plus(self, more: Totals) -> Totals:
        """Both together."""
        return Totals(
            nodes=self.nodes.plus(more.nodes.tallies.items()),
            executions=self.executions.plus(more.executions.tallies.items()),
            decisions=self.decisions.plus(more.decisions.tallies.items()),
            caches=self.caches.plus(more.caches.tallies.items()),
        )


@dataclass(frozen=True, kw_only=True)
class BreakerState:
    """One breaker as it stands."""

    name: str
    state: str
    short_circuited: int


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What holds at this moment."""

    running: Mapping[str, int]  # by workflow
    queued: Mapping[str, int]
    waiting: Mapping[str, int]  # pending cards
    jobs: Mapping[str, int]  # by status
    oldest_due_s: float
    oldest_waiting_s: float
    workers: Mapping[str, int]  # by status
    slots: int
    breakers: tuple[BreakerState, ...]
    tools: Mapping[ToolKey, int]  # calls that ever ended
    cache_entries: int
    cache_bytes: int
    alerts: Mapping[str, int]  # open ones by severity
    holds: int
