"""Keys of the audit."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.dashboard.keys.making import digest, join


def audit_field(name: str) -> str:
    """A filter: "actor", "action", "object", "origin", "q", "since" or "until"."""
    return join("audit-field", name)


def audit_table(ids: Iterable[str]) -> str:
    """The list of entries with exactly these numbers in this order."""
    return f"audit-table-{digest(ids)}"


def audit_page(way: str) -> str:
    """A button beneath the list: "latest" or "older"."""
    return join("audit-page", way)


def audit_save(ending: str) -> str:
    """The button that saves what fits the filters: "csv" or "jsonl"."""
    return join("audit-save", ending)


def audit_check() -> str:
    """The button that looks at the chain."""
    return "audit-check"
