"""Keys of the system's page."""

from __future__ import annotations

from interlock.dashboard.keys.making import join


def system_table(what: str) -> str:
    """One of its tables: `checks`, `processes`, `models`, `sizes` or `settings`."""
    return join("system-table", what)
