"""Time, injectable: rules take `now`, services take a clock, tests take a frozen one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Aware UTC datetime."""

    def agree(self, ask: Callable[[], datetime]) -> datetime:
        """The time for what several hosts decide together; `ask` tells that of their database."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware UTC datetime of this moment."""
        return datetime.now(UTC)

    def agree(self, ask: Callable[[], datetime]) -> datetime:
        """The database's, as the clocks of two machines may differ."""
        return ask()


class FrozenClock:
    """A clock that moves only when told to; for tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._now

    def agree(self, ask: Callable[[], datetime]) -> datetime:  # noqa: ARG002  the others ask
        """The moment it was set to; nobody is asked."""
        return self._now

    def advance(self, *, seconds: float) -> None:
        """Move on by `seconds`."""
        self._now += timedelta(seconds=seconds)
