"""What caches hold and have done: the shapes that the worker's tiers, the store and the screens share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

TOOL_MARK = ":"  # between the path of a node and a tool of it
MODEL_PREFIX = "model:"


class Tier(StrEnum):
    """Where a hit came from; `SEMANTIC` is one by meaning, wherever it was kept."""

    MEMORY = "memory"
    DATABASE = "database"
    REDIS = "redis"
    SEMANTIC = "semantic"


@dataclass(frozen=True, order=True)
class Place:
    """What a cache is of: a node by its path, one tool of it ("node/tool:name"), or "model:name"."""

    workflow: str
    path: str

    def __str__(self) -> str:
        return f"{self.workflow}/{self.path}"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """
    One question to a cache.

    `namespace` tells apart whose results are shared and what must be equal to the letter, `key` the
    whole question. `question` is it in words, for people; `texts` the parts that may be compared by
    meaning, with `semantic` the least similarity of each. The rest is as in the policy.
    """

    place: Place
    namespace: str
    key: str
    question: str = ""
    texts: tuple[str, ...] = ()
    semantic: float | None = None
    ttl_s: float | None = None
    max_entries: int = 1000
    once: bool = False

    @property
    def id(self) -> tuple[str, str]:
        """What tells an entry from every other."""
        return self.namespace, self.key


@dataclass(frozen=True, kw_only=True)
class Entry:
    """
    One result that is kept, encoded.

    `cost_ms` is how long it took to make. `vector` holds the texts of `question` as numbers.
    """

    place: Place
    namespace: str
    key: str
    encoding: str
    value: bytes
    cost_ms: float = 0.0
    cost: float = 0.0
    question: str = ""
    vector: bytes | None = None
    created_at: datetime
    expires_at: datetime | None = None

    @property
    def id(self) -> tuple[str, str]:
        """What tells an entry from every other."""
        return self.namespace, self.key

    def has_expired(self, now: datetime) -> bool:
        """Whether it may not be used any more."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, kw_only=True)
class Found:
    """A hit. Of one by meaning, `similarity` says how near and `question` what was asked then."""

    entry: Entry
    tier: Tier
    similarity: float | None = None

    @property
    def origin(self) -> str:
        """As node runs keep it."""
        return str(self.tier)


@dataclass(kw_only=True)
class Counts:
    """What happened at one place; counts of several add up."""

    memory_hits: int = 0
    database_hits: int = 0
    redis_hits: int = 0
    semantic_hits: int = 0
    misses: int = 0
    stores: int = 0
    evictions: int = 0
    saved_ms: float = 0.0
    saved_cost: float = 0.0

    def add(self, other: Counts) -> None:
        """Count what another counted, too."""
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def add_hit(self, found: Found) -> None:
        """Count one hit and what it saved."""
        name = f"{found.tier}_hits"
        setattr(self, name, getattr(self, name) + 1)
        self.saved_ms += found.entry.cost_ms
        self.saved_cost += found.entry.cost

    @property
    def hits(self) -> int:
        """Hits of all tiers."""
        return self.memory_hits + self.database_hits + self.redis_hits + self.semantic_hits

    @property
    def lookups(self) -> int:
        """Hits and misses."""
        return self.hits + self.misses

    @property
    def hit_ratio(self) -> float | None:
        """The share of lookups that hit; None where there were none."""
        return self.hits / self.lookups if self.lookups else None


COUNTED = tuple(each.name for each in fields(Counts))


@dataclass(frozen=True, kw_only=True)
class CacheFigures:
    """
    One place: what it did since the counting began or the window's start, and what it holds now.

    `trend` is the hit ratio of equal spans of time up to now, oldest first; None without lookups.
    `max_entries` is the bound of its policy, None where that is not known (any more).
    """

    place: Place
    counts: Counts
    entries: int
    size_bytes: int
    max_entries: int | None = None
    trend: tuple[float | None, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Clearing:
    """
    Which entries go; what is given must all hold, and nothing given is everything.

    `pattern` has `*`, `?` and `[…]` and is held against "workflow/node" and against the question of
    each entry. `places` are those that an event stands for.
    """

    workflow: str | None = None
    path: str | None = None
    pattern: str | None = None
    places: tuple[Place, ...] | None = None

    @property
    def needs_pattern(self) -> bool:
        """Whether entries have to be looked at one by one."""
        return self.pattern is not None

    def takes_place(self, place: Place) -> bool:
        """Whether entries of a place go at all, the pattern aside."""
        if self.workflow is not None and place.workflow != self.workflow:
            return False
        if self.path is not None and place.path != self.path:
            return False
        return self.places is None or place in self.places

    def takes(self, place: Place, question: str) -> bool:
        """Whether an entry goes."""
        if not self.takes_place(place):
            return False
        pattern = self.pattern
        if pattern is None:
            return True
        return fnmatchcase(str(place), pattern) or fnmatchcase(question, pattern)


def trend_of(
    minutes: Mapping[datetime, Counts], starts: Sequence[datetime]
) -> tuple[float | None, ...]:
    """
    Hit ratios of spans of time.

    Args:
        minutes: Counts by the minute they are of.
        starts: When each span begins, in order; it ends where the next one begins, the last is open.
    """
    ratios = []
    for index, start in enumerate(starts):
        end = starts[index + 1] if index + 1 < len(starts) else None
        inside = [c for at, c in minutes.items() if at >= start and (end is None or at < end)]
        lookups = sum(c.lookups for c in inside)
        ratios.append(sum(c.hits for c in inside) / lookups if lookups else None)
    return tuple(ratios)
