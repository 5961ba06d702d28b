"""Keys of live parts and of the frame around every page."""

from __future__ import annotations

from interlock.dashboard.keys.making import join


def live(place: str) -> str:
    """The live socket of one part of a page."""
    return join("live", place)


def sidebar_foot() -> str:
    """The foot of the sidebar: who acts, and whether a worker is there."""
    return "sidebar-foot"
