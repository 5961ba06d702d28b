"""What the caches hold and have saved, and clearing them, as an operator asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from interlock.core.errors import InvalidInput, NotFound
from interlock.core.model.caches import (
    MODEL_PREFIX,
    TOOL_MARK,
    CacheFigures,
    Clearing,
    Counts,
    Place,
    trend_of,
)
from interlock.core.model.people import Permission
from interlock.core.model.policies import CacheRules, NodePolicy, WorkflowPolicy
from interlock.core.model.spans import HOUR, MINUTE, floor
from interlock.core.services.context import App
from interlock.core.services.keeping import CLEARED, COUNTED, MINUTES_COUNTED, SHOWN
from interlock.core.services.permitting import command
from interlock.core.store import audit, cache_counts, caches, engine, topics, workflows
from interlock.core.store.redis_caches import RedisCaches

TREND_POINTS = 12
TREND_WINDOW = timedelta(hours=1)


def list_caches(app: App, *, window: timedelta | None = None) -> list[CacheFigures]:
    """
    Each cache there is, or was: those that miss the most first.

    Args:
        app: The parts.
        window: Count only what happened within this time up to now; None counts all that is kept.
    """
    now = app.clock.now()
    span = window or TREND_WINDOW
    starts = [now - span + span / TREND_POINTS * i for i in range(TREND_POINTS)]
    starts[0] = _begin(starts[0], now)
    with engine.read(app.engine) as conn:
        spans = cache_counts.fetch_spans(conn, starts)
        sums = (
            {place: _add_up(found.values()) for place, found in spans.items()}
            if window is not None
            else cache_counts.fetch_sums(conn, since=_begin(now - COUNTED, now))
        )
        sizes = caches.fetch_sizes(conn, now=now)
        known = _Rules(conn, {*sums, *sizes})
    rules = known.by_place
    found = [
        CacheFigures(
            place=place,
            counts=sums.get(place, Counts()),
            entries=sizes.get(place, (0, 0))[0],
            size_bytes=sizes.get(place, (0, 0))[1],
            max_entries=rules[place].max_entries if place in rules else None,
            trend=trend_of(spans.get(place, {}), starts),
        )
        for place in {*sums, *sizes, *rules}
    ]
    return sorted(found, key=_worst_first)


def count_all(app: App, *, window: timedelta) -> tuple[Counts, Counts]:
    """What all caches did within a window up to now, and within the one before; as `list_caches`."""
    at = app.clock.now()
    starts = [_begin(at - window * back, at) for back in (2, 1)]
    with engine.read(app.engine) as conn:
        spans = cache_counts.fetch_spans(conn, starts)
    before, now = (
        _add_up(found[start] for found in spans.values() if start in found) for start in starts
    )
    return now, before


def list_events(app: App) -> list[str]:
    """The events by which some cache is cleared."""
    with engine.read(app.engine) as conn:
        return sorted(_Rules(conn, ()).events)


@command(Permission.GUARD)
def clear(
    app: App,
    *,
    workflow: str | None = None,
    node: str | None = None,
    pattern: str | None = None,
    event: str | None = None,
    actor: str,
    reason: str = "",
) -> int:
    """
    Clear what all that is given names, in every tier and every worker; nothing given clears all.

    What is being made at this moment is not kept either. A run that has begun may go on for a second
    with what its worker's memory held.

    Returns:
        How many entries of the database, and of Redis where it alone had them, were deleted.

    Raises:
        NotFound: No cache has an event of this name.
        InvalidInput: The pattern is empty.
        StoreUnavailable: The database or Redis does not answer; then the clearing is not complete.
    """
    if pattern == "":
        raise InvalidInput("The pattern is empty: it would match nothing. `*` matches everything.")
    with engine.write(app.engine) as conn:
        places = None
        if event is not None:
            rules = _Rules(conn, caches.fetch_sizes(conn, now=app.clock.now()))
            places = tuple(place for place, each in rules.by_place.items() if event in each.events)
            if event not in rules.events:
                raise NotFound("cache event", event, hint="Policies name them: `events = [...]`.")
        clearing = Clearing(workflow=workflow, path=node, pattern=pattern, places=places)
        count = caches.clear(conn, clearing)
        topics.bump(conn, CLEARED, SHOWN)
        audit.append(
            conn,
            at=app.clock.now(),
            actor=actor,
            action="clear cache",
            object_=f"cache:{_say(workflow, node)}",
            before={"entries": count},
            after={"pattern": pattern, "event": event},
            reason=reason,
        )
    return max(count, _clear_redis(app, clearing))


def _clear_redis(app: App, clearing: Clearing) -> int:
    if not app.settings.redis_url:
        return 0
    redis = RedisCaches(app.settings.redis_url)
    try:
        return redis.clear(clearing)
    finally:
        redis.close()


class _Rules:
    """
    The caches that the published policies name. The default of a workflow names no node, so which
    caches it makes is told by the workflow's nodes, and by those that are `seen`.
    """

    def __init__(self, conn: Connection, seen: Iterable[Place]) -> None:
        self.by_place: dict[Place, CacheRules] = {}
        self.events: set[str] = set()
        for name, published, nodes in workflows.fetch_rules(conn):
            policy = _read_policy(published)
            if policy is not None:
                self._add(name, policy, nodes)
                self._add_default(name, policy, {p.path for p in seen if p.workflow == name})

    def _add(self, name: str, policy: WorkflowPolicy, nodes: Iterable[str]) -> None:
        others = {path: policy.default for path in nodes if path not in policy.node}
        for path, node in {**others, **policy.node}.items():
            for place, rules in _find_rules(path, node):
                self._note(Place(name, place), rules)
        for model, rules in policy.model_caches.items():
            self._note(Place(name, f"{MODEL_PREFIX}{model}"), rules)

    def _add_default(self, name: str, policy: WorkflowPolicy, seen: Iterable[str]) -> None:
        """Nodes of subgraphs, which the workflow's own list does not hold."""
        default = policy.default
        if default is None:
            return
        self.events.update(event for _, rules in _find_rules("", default) for event in rules.events)
        for place in seen:
            path, _, tool = place.partition(TOOL_MARK)
            part = default.tool.get(tool) if tool else default
            if (
                Place(name, place) not in self.by_place
                and path not in policy.node
                and part
                and part.cache
            ):
                self._note(Place(name, place), part.cache)

    def _note(self, place: Place, rules: CacheRules) -> None:
        self.by_place[place] = rules
        self.events.update(rules.events)


def _find_rules(path: str, node: NodePolicy | None) -> Iterator[tuple[str, CacheRules]]:
    if node is None:
        return
    if node.cache is not None:
        yield path, node.cache
    for tool, own in node.tool.items():
        if own.cache is not None:
            yield f"{path}{TOOL_MARK}{tool}", own.cache


def _read_policy(published: Any) -> WorkflowPolicy | None:
    try:
        return None if published is None else WorkflowPolicy.model_validate(published)
    except ValueError:  # a worker of another version published it
        return None


def _worst_first(figures: CacheFigures) -> tuple[float, int, Place]:
    ratio = figures.counts.hit_ratio
    return (2.0 if ratio is None else ratio, -figures.counts.misses, figures.place)


def _say(workflow: str | None, node: str | None) -> str:
    return f"{workflow or '*'}/{node or '*'}"


def _add_up(several: Iterable[Counts]) -> Counts:
    total = Counts()
    for counts in several:
        total.add(counts)
    return total


def _begin(at: datetime, now: datetime) -> datetime:
    """A window begins with its minute, or with its hour where only hours are kept."""
    return floor(at, MINUTE if now - at <= MINUTES_COUNTED - HOUR else HOUR)
