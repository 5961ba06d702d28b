"""The breakers: which let calls through, what they refused, when they try again, and how it came to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from interlock.core.model.breaker import (
    Breaker,
    BreakerEvent,
    BreakerState,
    Order,
    count_recent,
)
from interlock.dashboard.palette import Look, Theme, Tone, look_of_breaker
from interlock.dashboard.views.charts import Chart, Line, Span, draw_strip
from interlock.dashboard.views.formatting import (
    format_age,
    format_ago,
    format_count,
    format_countdown,
    format_exact,
    format_plural,
    format_ratio,
    format_seconds,
    short_id,
)
from interlock.dashboard.views.notices import Empty
from interlock.dashboard.views.sparks import draw_circle, draw_spark

if TYPE_CHECKING:
    from interlock.core.services.tripping import Board, Traffic

SPANS = {"1 h": timedelta(hours=1), "24 h": timedelta(days=1), "7 d": timedelta(days=7)}
DEFAULT_SPAN = "1 h"
EVENTS_COUNT = 100  # in the list; the strip takes them all
TRAFFIC = "2 min"  # what the sparkline shows

_RANKS = {BreakerState.OPEN: 0, BreakerState.HALF_OPEN: 1, BreakerState.CLOSED: 2}
_COUNTED = {
    "failures": "time-outs, network and server errors, and errors that nobody knows count",
    "any": "every error counts",
}
_EMPTY = (
    "No node or tool has a breaker. Put one on it in interlock.toml, beside langgraph.json: "
    "breaker = { failures = 5, reset_s = 60 }."
)


@dataclass(frozen=True)
class Offer:
    """One of the three orders; where it is not possible, why not."""

    order: Order
    label: str
    icon: str
    what: str
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One breaker."""

    name: str
    look: Look
    state: str
    exact: str
    traffic: str
    counters: str
    rules: str
    serves: str
    circle: Chart
    spark: Chart
    offers: tuple[Offer, ...]


@dataclass(frozen=True, kw_only=True)
class BreakersView:
    """Everything the page draws."""

    summary: str
    tiles: tuple[Tile, ...]
    strip: Chart | None
    events: tuple[Mapping[str, str | Look], ...]
    event_runs: tuple[str, ...]
    events_title: str
    nothing_happened: str
    empty: Empty | None
    as_of: str


def build(
    board: Board,
    *,
    now: datetime,
    span: str,
    theme: Theme,
    order: Sequence[str] = (),
) -> BreakersView:
    """
    Put the page together.

    Args:
        board: What the services say.
        now: Aware UTC time.
        span: A key of `SPANS`.
        theme: Light or dark.
        order: Names of breakers in the order they stand in already, so that nothing moves.
    """
    most = max((_total(board.traffic[each.name]).calls for each in board.breakers), default=0)
    known = {name: place for place, name in enumerate(order)}
    ranked = sorted(
        board.breakers,
        key=lambda each: (known.get(each.name, len(known)), *_rank(each, board.traffic)),
    )
    served = {each.name for each in board.breakers}
    events = [each for each in board.events if each.name in served]
    return BreakersView(
        summary=_say_summary(board.breakers),
        tiles=tuple(_tile(e, board.traffic[e.name], most, now, theme) for e in ranked),
        strip=_strip(ranked, events, now - SPANS[span], now, theme) if ranked else None,
        events=tuple(_event(each, now) for each in events[:EVENTS_COUNT]),
        event_runs=tuple(each.run_id or "" for each in events[:EVENTS_COUNT]),
        events_title=f"What happened within {span}",
        nothing_happened="" if events else f"No breaker changed its state within {span}.",
        empty=None if ranked else Empty(_EMPTY),
        as_of=f"as of {format_exact(now)}",
    )


def _rank(breaker: Breaker, traffic: Mapping[str, Sequence[Traffic]]) -> tuple[float | str, ...]:
    """What is cut off first, then by its share of errors, then by how much comes to it."""
    total = _total(traffic[breaker.name])
    return (_RANKS[breaker.state], -(_share(total) or 0.0), -total.calls, breaker.name)


def _tile(
    breaker: Breaker, spans: Sequence[Traffic], most: int, now: datetime, theme: Theme
) -> Tile:
    total = _total(spans)
    share = _share(total)
    return Tile(
        name=breaker.name,
        look=look_of_breaker(breaker.state, is_held=breaker.forced is not None),
        state=_say_state(breaker, now),
        exact=f"Changed {format_exact(breaker.updated_at)}",
        traffic=_say_traffic(total),
        counters=_say_counters(breaker, now),
        rules=_say_rules(breaker),
        serves=", ".join(map(str, breaker.serves)),
        circle=draw_circle(
            total.calls / most if most else 0, share, name=breaker.name, theme=theme
        ),
        spark=draw_spark(
            Line(
                name=f"Calls of {breaker.name} in {TRAFFIC}",
                values=[each.calls + each.refused for each in spans],
                tone=Tone.QUIET,
            ),
            unit="count",
            theme=theme,
        ),
        offers=_offers(breaker),
    )


def _say_state(breaker: Breaker, now: datetime) -> str:
    """What will happen next, in one line."""
    if breaker.forced is BreakerState.OPEN:
        return "Lets nothing through until it is reset."
    if breaker.forced is BreakerState.CLOSED:
        return "Lets everything through until it is reset."
    if breaker.state is BreakerState.CLOSED:
        return "Lets everything through."
    if breaker.state is BreakerState.HALF_OPEN:
        is_trying = breaker.probe_by is not None
        return "One call is tried." if is_trying else "The next call is tried."
    since = f"Cut off for {format_age(breaker.opened_at, now)}."
    if breaker.retry_at is None or breaker.retry_at <= now:
        return f"{since} The next call is tried."
    return f"{since} Tries again: {format_countdown(breaker.retry_at, now)}."


def _say_traffic(total: Traffic) -> str:
    if not total.calls and not total.refused:
        return f"No calls in {TRAFFIC}."
    refused = f", {format_count(total.refused)} refused" if total.refused else ""
    calls = format_plural(total.calls, "call")
    return f"{calls} in {TRAFFIC}, {format_ratio(_share(total))} failed{refused}."


def _say_counters(breaker: Breaker, now: datetime) -> str:
    count, limit = len(count_recent(breaker, now)), breaker.rules.failures
    refused = f"{format_count(breaker.short_circuited)} refused in all"
    return f"{count} of {format_plural(limit, 'failure')} · {refused}"


def _say_rules(breaker: Breaker) -> str:
    rules = breaker.rules
    return (
        f"Opens at {format_plural(rules.failures, 'failure')} within "
        f"{format_seconds(rules.window_s)}, tries again after {format_seconds(rules.reset_s)}; "
        f"{_COUNTED[rules.counts]}."
    )


def _offers(breaker: Breaker) -> tuple[Offer, ...]:
    is_open = breaker.forced is BreakerState.OPEN
    is_closed = breaker.forced is BreakerState.CLOSED
    is_fresh = breaker.state is BreakerState.CLOSED and not breaker.forced and not breaker.failures
    return (
        Offer(
            Order.OPEN,
            "Hold open",
            ":material/power_off:",
            "Nothing is let through until it is reset.",
            "It is held open already." if is_open else "",
        ),
        Offer(
            Order.CLOSE,
            "Hold closed",
            ":material/power:",
            "Everything is let through until it is reset, whatever fails.",
            "It is held closed already." if is_closed else "",
        ),
        Offer(
            Order.RESET,
            "Reset",
            ":material/restart_alt:",
            "Closed, with nothing counted, and by its own rules again.",
            "There is nothing to reset." if is_fresh else "",
        ),
    )


def _strip(
    breakers: Sequence[Breaker],
    events: Sequence[BreakerEvent],
    start: datetime,
    now: datetime,
    theme: Theme,
) -> Chart:
    lanes = {
        each.name: _spans(each, [e for e in reversed(events) if e.name == each.name], start, now)
        for each in breakers
    }
    return draw_strip(lanes, start=start, end=now, name="States of the breakers", theme=theme)


def _spans(
    breaker: Breaker, events: Sequence[BreakerEvent], start: datetime, now: datetime
) -> list[Span]:
    """The states one after the other; before the first change it was what that one left."""
    spans: list[Span] = []
    since, state = start, events[0].before if events else breaker.state
    for event in events:
        if event.after is not state:
            spans.append(Span(start=since, end=event.at, look=look_of_breaker(state)))
            since, state = event.at, event.after
    return [*spans, Span(start=since, end=now, look=look_of_breaker(state))]


def _event(event: BreakerEvent, now: datetime) -> dict[str, str | Look]:
    return {
        "when": format_ago(event.at, now),
        "breaker": event.name,
        "state": look_of_breaker(event.after),
        "why": event.cause,
        "by": event.actor or "the breaker itself",
        "run": short_id(event.run_id),
        "at": format_exact(event.at),
    }


def _say_summary(breakers: Sequence[Breaker]) -> str:
    counts = [
        (sum(each.state is state for each in breakers), word)
        for state, word in (
            (BreakerState.OPEN, "open"),
            (BreakerState.HALF_OPEN, "half open"),
            (BreakerState.CLOSED, "closed"),
        )
    ]
    return " · ".join(f"{format_count(count)} {word}" for count, word in counts if count)


def _share(total: Traffic) -> float | None:
    return total.errors / total.calls if total.calls else None


def _total(spans: Sequence[Traffic]) -> Traffic:
    kind = type(spans[0])
    return kind(
        calls=sum(each.calls for each in spans),
        errors=sum(each.errors for each in spans),
        refused=sum(each.refused for each in spans),
    )
