"""Keys of the breakers page."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.dashboard.keys.making import digest, join


def breakers_span() -> str:
    """How far back the page looks."""
    return "breakers-span"


def breaker_part(name: str, what: str) -> str:
    """A part of a breaker's tile: "tile", "circle", "spark" or "acts"."""
    return join("breaker", name, what)


def breaker_reason(name: str) -> str:
    """Why an operator steps in."""
    return join("breaker-reason", name)


def breaker_order(name: str, order: str) -> str:
    """One of a breaker's three buttons."""
    return join("breaker-order", name, order)


def breakers_chart() -> str:
    """The strip of states over time."""
    return "breakers-strip"


def breakers_events(run_ids: Iterable[str]) -> str:
    """What happened, by the calls of exactly these runs in this order."""
    return f"breakers-events-{digest(run_ids)}"
