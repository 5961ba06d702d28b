"""Holds: no new node starts in what is held; what runs ends its superstep, and goes on at the release."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

EVERYTHING = ""  # the scope that no workflow can be named by


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Who holds one workflow, or everything, since when and why."""

    scope: str
    held_by: str
    reason: str
    held_at: datetime

    @property
    def is_of_everything(self) -> bool:
        """Whether it holds all workflows."""
        return self.scope == EVERYTHING


def find_hold(holds: Iterable[Hold], workflow: str) -> Hold | None:
    """What holds a workflow: the hold of everything before its own."""
    found = [hold for hold in holds if hold.scope in (EVERYTHING, workflow)]
    return min(found, key=lambda hold: hold.scope != EVERYTHING, default=None)
