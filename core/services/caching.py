"""What the caches hold and have saved, and clearing them, as an operator asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from interlock.core.errors import InvalidInput, NotFound
from interlock.core.model.caches import CacheFigures, Clearing, Counts, Place, trend_of
from interlock.core.model.policies import CacheRules, WorkflowPolicy
from interlock.core.services.context import App
from interlock.core.services.keeping import CLEARED, COUNTED, SHOWN
from interlock.core.store import audit, cache_counts, caches, engine, topics
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
    starts[0] = _minute(starts[0])
    with engine.read(app.engine) as conn:
        spans = cache_counts.fetch_spans(conn, starts)
        sums = (
            {place: _add_up(found.values()) for place, found in spans.items()}
            if window is not None
            else cache_counts.fetch_sums(conn, since=_minute(now - COUNTED))
        )
        sizes = caches.fetch_sizes(conn, now=now)
        rules = dict(_find_rules(caches.fetch_policies(conn)))
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
    starts = [_minute(app.clock.now() - window * back) for back in (2, 1)]
    with engine.read(app.engine) as conn:
        spans = cache_counts.fetch_spans(conn, starts)
    before, now = (
        _add_up(found[start] for found in spans.values() if start in found) for start in starts
    )
    return now, before


def list_events(app: App) -> list[str]:
    """The events by which some cache is cleared."""
    with engine.read(app.engine) as conn:
        policies = caches.fetch_policies(conn)
    return sorted({event for _, rules in _find_rules(policies) for event in rules.events})


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
            rules = _find_rules(caches.fetch_policies(conn))
            places = tuple(place for place, each in rules if event in each.events)
            if not places:
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


def _find_rules(policies: Mapping[str, Any]) -> Iterator[tuple[Place, CacheRules]]:
    """The caches that the published policies name; the default of a workflow names no node."""
    for workflow, published in policies.items():
        policy = _read_policy(published)
        if policy is None:
            continue
        for path, node in policy.node.items():
            if node.cache is not None:
                yield Place(workflow, path), node.cache
            for tool, own in node.tool.items():
                if own.cache is not None:
                    yield Place(workflow, f"{path}:{tool}"), own.cache


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


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
