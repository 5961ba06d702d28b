"""One number of a row of figures, with what it spans and how it has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from interlock.dashboard.views.notices import Link


@dataclass(frozen=True)
class Change:
    """Against the window before, in words; only what got worse has a colour."""

    text: str
    is_bad: bool = False
    is_up: bool | None = None


@dataclass(frozen=True)
class Figure:
    """One number with its name; `note` says what it spans, `alarm` that it asks for a look, `link` where."""

    label: str
    value: str
    note: str = ""
    alarm: bool = False
    change: Change | None = None
    link: Link | None = None

    def with_change(self, change: Change | None) -> Figure:
        """The same with another change."""
        return replace(self, change=change)
