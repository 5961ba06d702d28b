"""Keys of the row that says who has a card."""

from __future__ import annotations

from interlock.dashboard.keys.making import join


def hands(approval_id: str) -> str:
    """The row."""
    return join("hands", approval_id)


def hands_act(name: str, approval_id: str) -> str:
    """A button of the row: claim, release, take-over, pass, or what opens the menu."""
    return join("hands-act", name, approval_id)


def hands_field(name: str, approval_id: str) -> str:
    """A field of what passes it on: to, note."""
    return join("hands-field", name, approval_id)
