"""The caches page: what each cache saves and holds, and what an operator may clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.core.model.caches import CacheFigures, Clearing, Counts, Place
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.figure_tables import format_cost
from interlock.dashboard.views.figures import Figure
from interlock.dashboard.views.formatting import (
    NOTHING,
    format_bytes,
    format_count,
    format_duration_ms,
    format_exact,
    format_plural,
    format_ratio,
)
from interlock.dashboard.views.notices import Empty, Link
from interlock.dashboard.views.sheets import Cell, Sheet

WINDOWS = {
    "1 h": timedelta(hours=1),
    "24 h": timedelta(hours=24),
    "90 days": timedelta(days=90),  # nothing older is kept
}
DEFAULT_WINDOW = "90 days"
EVERYTHING = "All caches"
NO_EVENT = "Any"


@dataclass(frozen=True)
class CacheRow:
    """One cache; `trend` is its hit ratio over time, for a small line."""

    place: Place
    cells: dict[str, str]
    trend: tuple[float, ...]


@dataclass(frozen=True)
class Choice:
    """What may be cleared by itself: one cache, or all of them."""

    label: str
    place: Place | None


@dataclass(frozen=True, kw_only=True)
class CachesView:
    """Everything the page draws."""

    figures: tuple[Figure, ...]
    rows: tuple[CacheRow, ...]
    trend_title: str
    alt: str
    sheet: Sheet
    choices: tuple[Choice, ...]
    events: tuple[str, ...]
    empty: Empty | None
    as_of: str


def build(
    caches: Sequence[CacheFigures], *, events: Sequence[str], window: str, now: datetime
) -> CachesView:
    """
    Put the page together.

    Args:
        caches: The figures of each, worst first.
        events: The names by which policies clear.
        window: One of `WINDOWS`.
        now: Aware UTC time.
    """
    return CachesView(
        figures=_figures(caches),
        rows=tuple(_row(each) for each in caches),
        trend_title="Hit rate, last 24 h" if window == "24 h" else "Hit rate, last hour",
        alt="; ".join(_say(each) for each in caches) or "No cache.",
        sheet=Sheet.of("caches", [_line(each) for each in caches]),
        choices=(
            Choice(EVERYTHING, None),
            *(Choice(show_hidden(str(each.place)), each.place) for each in caches),
        ),
        events=(NO_EVENT, *events),
        empty=None if caches else _offer(),
        as_of=f"as of {format_exact(now)}",
    )


def read_clearing(
    view_place: Place | None, pattern: str | None, event: str | None
) -> tuple[Clearing, str | None]:
    """What the form asks to clear: place and pattern, and the event apart; blank is none."""
    return (
        Clearing(
            workflow=None if view_place is None else view_place.workflow,
            path=None if view_place is None else view_place.path,
            pattern=(pattern or "").strip() or None,
        ),
        None if event in (None, NO_EVENT) else event,
    )


def say_cleared(count: int) -> str:
    """What came of a clearing."""
    if not count:
        return "Nothing was held that this names. What is being made now is not kept either."
    return f"{format_plural(count, 'entry', 'entries')} cleared, in every worker."


def _offer() -> Empty:
    return Empty(
        "Nothing is cached. A policy in interlock.toml puts a cache on a node, a tool or a model: "
        "cache = { ttl_s = 3600 }.",
        Link("See the workflows and their policies", "workflows"),
    )


def _figures(caches: Sequence[CacheFigures]) -> tuple[Figure, ...]:
    counts = [each.counts for each in caches]
    hits, lookups = sum(c.hits for c in counts), sum(c.lookups for c in counts)
    cost = sum(c.saved_cost for c in counts)
    return (
        Figure(
            "Hit rate",
            format_ratio(hits / lookups if lookups else None),
            f"of {format_plural(lookups, 'lookup')}",
        ),
        Figure("Hits", format_count(hits), _say_tiers(counts)),
        Figure(
            "Misses",
            format_count(lookups - hits),
            f"{format_count(sum(c.stores for c in counts))} stored",
        ),
        Figure(
            "Time saved",
            format_duration_ms(sum(c.saved_ms for c in counts)),
            f"cost saved {format_cost(cost)}" if cost else "no cost known",
        ),
        Figure(
            "Entries",
            format_count(sum(each.entries for each in caches)),
            f"{format_bytes(sum(each.size_bytes for each in caches))}, "
            f"{format_count(sum(c.evictions for c in counts))} let go",
        ),
    )


def _say_tiers(counts: Sequence[Counts]) -> str:
    tiers = {
        "memory": sum(c.memory_hits for c in counts),
        "database": sum(c.database_hits for c in counts),
        "Redis": sum(c.redis_hits for c in counts),
        "by meaning": sum(c.semantic_hits for c in counts),
    }
    said = [f"{format_count(n)} {name}" for name, n in tiers.items() if n]
    return ", ".join(said) or "none yet"


def _row(figures: CacheFigures) -> CacheRow:
    counts = figures.counts
    bound = format_count(figures.max_entries)
    cells = {
        "Workflow": show_hidden(figures.place.workflow),
        "Node": show_hidden(figures.place.path),
        "Hit rate": format_ratio(counts.hit_ratio),
        "Hits": format_count(counts.hits),
        "Tiers": _say_tiers([counts]) if counts.hits else NOTHING,
        "Misses": format_count(counts.misses),
        "Stored": format_count(counts.stores),
        "Time saved": format_duration_ms(counts.saved_ms) if counts.hits else NOTHING,
        "Cost saved": format_cost(counts.saved_cost) if counts.saved_cost else NOTHING,
        "Entries": f"{format_count(figures.entries)} of {bound}"
        if figures.max_entries
        else format_count(figures.entries),
        "Size": format_bytes(figures.size_bytes),
        "Let go": format_count(counts.evictions),
    }
    # A small line has no holes: where nothing was asked it stays where it was.
    trend: list[float] = []
    for ratio in figures.trend:
        if ratio is not None or trend:
            trend.append(trend[-1] if ratio is None else ratio)
    return CacheRow(figures.place, cells, tuple(trend))


def _say(figures: CacheFigures) -> str:
    counts = figures.counts
    return (
        f"{figures.place}: hit rate {format_ratio(counts.hit_ratio)}, "
        f"{format_plural(counts.hits, 'hit')}, {format_plural(counts.misses, 'miss', 'misses')}, "
        f"{format_plural(figures.entries, 'entry', 'entries')}"
    )


def _line(figures: CacheFigures) -> dict[str, Cell]:
    counts = figures.counts
    return {
        "workflow": figures.place.workflow,
        "node": figures.place.path,
        "hit_ratio": counts.hit_ratio,
        "hits": counts.hits,
        "memory_hits": counts.memory_hits,
        "database_hits": counts.database_hits,
        "redis_hits": counts.redis_hits,
        "semantic_hits": counts.semantic_hits,
        "misses": counts.misses,
        "stores": counts.stores,
        "evictions": counts.evictions,
        "saved_ms": counts.saved_ms,
        "saved_cost": counts.saved_cost,
        "entries": figures.entries,
        "max_entries": figures.max_entries,
        "bytes": figures.size_bytes,
    }
