"""Keys of the alerts page."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.dashboard.keys.making import digest, join


def alert(alert_id: str) -> str:
    """The tile of an alert."""
    return join("alert", alert_id)


def alert_field(alert_id: str, field: str) -> str:
    """A field of an alert's forms: "note", "for", "whole" or "reason"."""
    return join("alert-field", alert_id, field)


def alert_act(alert_id: str, act: str) -> str:
    """A button of an alert: "ack" or "silence"; with "form-" before it, what holds its form."""
    return join("alert-act", alert_id, act)


def alert_link(alert_id: str) -> str:
    """The way to an alert's cause."""
    return join("alert-link", alert_id)


def silence_end(silence_id: str) -> str:
    """The button that ends a silence."""
    return join("silence-end", silence_id)


def alerts_history(ids: Iterable[str]) -> str:
    """The list of alerts that have ended, of the ids it shows."""
    return join("alerts-history", digest(ids))


def alerts_page(turn: str) -> str:
    """The page numbers of that list."""
    return join("alerts-page", f"t{turn}")


def alerts_rules() -> str:
    """The table of the rules."""
    return "alerts-rules"
