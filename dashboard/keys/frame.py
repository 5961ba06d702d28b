"""Keys of live parts and of the frame around every page."""

from __future__ import annotations

from interlock.dashboard.keys.making import join


def live(place: str) -> str:
    """The live socket of one part of a page."""
    return join("live", place)


def sidebar_foot() -> str:
    """The foot of the sidebar: who acts, and whether a worker is there."""
    return "sidebar-foot"


def bell() -> str:
    """Whether this browser tells of new cards."""
    return "bell"


def hold_scope() -> str:
    """The choice of what is to be held."""
    return "hold-scope"


def hold_reason() -> str:
    """Why it is to be held."""
    return "hold-reason"


def hold_submit() -> str:
    """The button that holds."""
    return "hold-submit"


def held(scope: str) -> str:
    """One hold: a workflow's, or with an empty name that of everything."""
    return join("held", scope)


def release(scope: str) -> str:
    """The button that ends a hold."""
    return join("release", scope)
