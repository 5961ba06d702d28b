"""What is held, by whom and why, as every page says it; and what the switch offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from interlock.core.model.flags import FlagState
from interlock.core.model.holds import EVERYTHING, Hold, find_hold
from interlock.dashboard.views.formatting import format_ago, format_exact
from interlock.dashboard.views.notices import Notice

EVERYTHING_LABEL: Final = "Everything"


@dataclass(frozen=True)
class HeldView:
    """One hold: `label` names what is held, `said` who holds it and why, `exact` since when."""

    scope: str
    label: str
    said: str
    exact: str


@dataclass(frozen=True)
class SwitchView:
    """What is held, and what can still be: scopes by their labels, everything first; what is switched off."""

    held: tuple[HeldView, ...]
    scopes: tuple[tuple[str, str], ...]
    off: tuple[str, ...] = ()


def build(
    holds: Sequence[Hold],
    workflows: Sequence[str],
    now: datetime,
    switched_off: Sequence[FlagState] = (),
) -> SwitchView:
    """What the switch shows."""
    scopes = {hold.scope for hold in holds}
    free = [name for name in (EVERYTHING, *workflows) if name not in scopes]
    return SwitchView(
        held=tuple(_build_held(hold, now) for hold in holds),
        scopes=tuple((name, label_of(name)) for name in free),
        off=tuple(state.said for state in switched_off),
    )


def label_of(scope: str) -> str:
    """What a scope is called: a workflow by its name."""
    return EVERYTHING_LABEL if scope == EVERYTHING else scope


def find_hold_notice(holds: Sequence[Hold], workflow: str, now: datetime) -> Notice | None:
    """Say why a run of this workflow does not start."""
    hold = find_hold(holds, workflow)
    if hold is None:
        return None
    what = "Everything" if hold.is_of_everything else "This workflow"
    return Notice("warning", f"{what} is held {_say_by(hold, now)} It goes on at the release.")


def _build_held(hold: Hold, now: datetime) -> HeldView:
    label = label_of(hold.scope)
    said = f"{label} is held {_say_by(hold, now)}"
    return HeldView(hold.scope, label, said, format_exact(hold.held_at))


def _say_by(hold: Hold, now: datetime) -> str:
    since = f"by {hold.held_by}, {format_ago(hold.held_at, now)}"
    end = "" if hold.reason.endswith((".", "!", "?")) else "."
    return f"{since}: {hold.reason}{end}" if hold.reason else f"{since}."
