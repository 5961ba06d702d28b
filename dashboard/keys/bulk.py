"""Keys of the inbox where many cards are chosen."""

from __future__ import annotations

from interlock.dashboard.keys.making import join, of_card


def bulk_switch() -> str:
    """The button that begins to choose several cards, or ends it."""
    return "bulk-switch"


def bulk_check(approval_id: str) -> str:
    """The box before a card in the list."""
    return join("bulk-check", approval_id)


def bulk_all(*, is_all: bool) -> str:
    """The button that chooses all cards of the page, or none."""
    return "bulk-all" if is_all else "bulk-none"


def bulk_card(approval_id: str, version: int) -> str:
    """The content of one version of a card that is about to be decided."""
    return of_card("bulk-card", approval_id, version)


def bulk_drop(approval_id: str) -> str:
    """The button that takes a card out of what is chosen."""
    return join("bulk-drop", approval_id)


def bulk_anew(approval_id: str) -> str:
    """The button that chooses a card as it asks now."""
    return join("bulk-anew", approval_id)


def bulk_page(turn: str) -> str:
    """The page number of the contents; `turn` counts how often it was turned elsewhere."""
    return join("bulk-page", turn)


def bulk_reason() -> str:
    """Why: one reason for all."""
    return "bulk-reason"


def bulk_verb(verb: str) -> str:
    """The button that decides all of them by one word."""
    return join("bulk-verb", verb)


def bulk_report() -> str:
    """The report of what came of each."""
    return "bulk-report"


def bulk_close() -> str:
    """The button that leaves the report."""
    return "bulk-close"
