"""Keys of the system's page."""

from __future__ import annotations

from interlock.dashboard.keys.making import join


def system_table(what: str) -> str:
    """One of its tables: `checks`, `processes`, `models`, `sizes`, `flags` or `settings`."""
    return join("system-table", what)


def flag_choice() -> str:
    """The choice of what is switched."""
    return "flag-choice"


def flag_reason() -> str:
    """Why it is switched."""
    return "flag-reason"


def flag_submit() -> str:
    """The button that switches it."""
    return "flag-submit"
