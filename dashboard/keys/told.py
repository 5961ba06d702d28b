"""Keys of the page of what others are told."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.dashboard.keys.making import digest, join


def told_rules() -> str:
    """The table of the rules."""
    return "told-rules"


def told_test(name: str) -> str:
    """The button that sends a test to a rule."""
    return join("told-test", name)


def told_status() -> str:
    """The choice of which messages are listed."""
    return "told-status"


def told_again() -> str:
    """The button that tries messages again."""
    return "told-again"


def told_table(ids: Iterable[str]) -> str:
    """The list of messages, of the ids it shows."""
    return join("told-table", digest(ids))


def told_page(turn: str) -> str:
    """The numbers of the pages, of how often it was turned elsewhere."""
    return join("told-page", f"t{turn}")
