"""What is switched on and off in the whole installation, as the page System shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.flags import NAME, WHAT, FlagState
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views.formatting import NOTHING, format_ago

ON = Look(Tone.DONE, "on", ":material/toggle_on:")
OFF = Look(Tone.SHORT_CIRCUITED, "off", ":material/toggle_off:")


@dataclass(frozen=True, kw_only=True)
class FlagsView:
    """The table, and what can be switched: labels by what `read_choice` takes."""

    rows: tuple[Mapping[str, str | Look], ...]
    choices: Mapping[str, str]


def build(flags: Sequence[FlagState], now: datetime) -> FlagsView:
    """Put it together."""
    return FlagsView(
        rows=tuple(_row(state, now) for state in flags),
        choices=dict(_choice(state) for state in flags),
    )


def _choice(state: FlagState) -> tuple[str, str]:
    to = "off" if state.is_on else "on"
    return f"{state.flag.value} {to}", f"{NAME[state.flag]}: switch {to}"


def read_choice(choice: str) -> tuple[str, bool]:
    """The flag that was chosen and whether it is to be on: what the label said, however it stands by now."""
    name, _, to = choice.rpartition(" ")
    return name, to == "on"


def _row(state: FlagState, now: datetime) -> Mapping[str, str | Look]:
    return {
        "flag": NAME[state.flag],
        "is": ON if state.is_on else OFF,
        "since": NOTHING if state.changed_at is None else format_ago(state.changed_at, now),
        "by": state.changed_by or NOTHING,
        "reason": state.reason or NOTHING,
        "what": WHAT[state.flag],
    }
