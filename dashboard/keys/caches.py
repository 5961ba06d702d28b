"""Keys of the caches page."""

from __future__ import annotations

from interlock.dashboard.keys.making import join


def caches_window() -> str:
    """How far back the page counts."""
    return "caches-window"


def caches_table() -> str:
    """The caches."""
    return "caches-table"


def cache_clearing(what: str) -> str:
    """A part of what is asked to clear: "form", "place", "pattern", "event", "reason" or "clear"."""
    return join("cache-clear", what)
