"""What a whole installation does, switched off and on while it runs. Everything is on until somebody says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Flag(StrEnum):
    """What can be switched. Decisions cannot: whoever waits for one is never turned away."""

    LAUNCHES = "launches"
    TIME_MACHINE = "time-machine"
    NOTICES = "notices"
    EXPORTS = "exports"
    PRUNING = "pruning"


WHAT: Final[Mapping[Flag, str]] = MappingProxyType(
    {
        Flag.LAUNCHES: "starting runs, alone, in batches and by the Agent Server API",
        Flag.TIME_MACHINE: "setting threads back, forking and copying them, trying answers out",
        Flag.NOTICES: "sending messages and webhooks; what is due waits and is sent afterwards",
        Flag.EXPORTS: "writing threads and the audit into files",
        Flag.PRUNING: "deleting threads, by hand and by the rule of the settings",
    }
)
NAME: Final[Mapping[Flag, str]] = MappingProxyType(
    {
        Flag.LAUNCHES: "Launches",
        Flag.TIME_MACHINE: "The time machine",
        Flag.NOTICES: "Notices",
        Flag.EXPORTS: "Exports",
        Flag.PRUNING: "Pruning",
    }
)
_PLURAL: Final = frozenset({Flag.LAUNCHES, Flag.NOTICES, Flag.EXPORTS})


@dataclass(frozen=True, kw_only=True)
class FlagState:
    """One flag as it stands; nobody has switched it yet where `changed_at` is None."""

    flag: Flag
    is_on: bool = True
    changed_at: datetime | None = None
    changed_by: str = ""
    reason: str = ""

    @property
    def said(self) -> str:
        """In a sentence: "Launches are off, by ann: the database is moved."."""
        verb = "are" if self.flag in _PLURAL else "is"
        by = f", by {self.changed_by}" if self.changed_by else ""
        end = "" if self.reason.endswith((".", "!", "?")) else "."
        why = f": {self.reason}{end}" if self.reason else "."
        return f"{NAME[self.flag]} {verb} {'on' if self.is_on else 'off'}{by}{why}"


def find_flag(name: str) -> Flag | None:
    """The flag of this name."""
    return next((flag for flag in Flag if flag.value == name), None)


def complete(found: Iterable[FlagState]) -> list[FlagState]:
    """All flags in their order, of which only those are given that were ever switched."""
    known = {state.flag: state for state in found}
    return [known.get(flag) or FlagState(flag=flag) for flag in Flag]
