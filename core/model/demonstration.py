"""The demonstration: what plays in a data folder, what is made to fail there, and at which rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from interlock.core.errors import FieldProblem, InvalidInput

DEFAULT_SEED = 7
DEFAULT_PER_MINUTE = 6
MAX_PER_MINUTE = 120
FAULTS_FILE = "faults.json"  # in the data folder; it tells the services which of them fail
SILENT_AFTER = timedelta(seconds=15)  # without a sign of life of what plays it

SIMULATED = (
    "it is of the demonstration's simulated past: its runs have figures and decisions, and no"
    " checkpoints to go back to."
)


class Service(StrEnum):
    """What the shipped workflows call outside, and can be made to fail."""

    PAYMENTS = "payments"
    MAIL = "mail"
    MARKET = "market"
    DEPLOYMENT = "deployment"
    KNOWLEDGE = "knowledge"
    PICTURES = "pictures"


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """
    What plays.

    `per_minute` is how much new work comes in a minute, 0 none; `faults` are the services that are
    made to fail. `filled_at` is when the week before was all there, `opened_at` when the first threads
    had been started, `beat_at` the last sign of life of the process that plays it.
    """

    seed: int
    per_minute: int
    faults: frozenset[Service]
    begun_at: datetime
    filled_at: datetime | None = None
    opened_at: datetime | None = None
    beat_at: datetime | None = None

    def is_silent(self, now: datetime) -> bool:
        """Whether nothing plays it at the moment."""
        return self.beat_at is None or now - self.beat_at > SILENT_AFTER


def check_rate(per_minute: int) -> int:
    """
    The rate, if it is one.

    Raises:
        InvalidInput: It is negative, or more than one machine plays.
    """
    if 0 <= per_minute <= MAX_PER_MINUTE:
        return per_minute
    problem = FieldProblem("per minute", f"must be from 0 to {MAX_PER_MINUTE} (it is {per_minute})")
    raise InvalidInput("The simulated work cannot come at this rate.", problems=[problem])


def read_service(name: str) -> Service:
    """
    The service of this name.

    Raises:
        InvalidInput: There is none.
    """
    try:
        return Service(name)
    except ValueError:
        known = ", ".join(sorted(Service))
        raise InvalidInput(f"There is no service {name!r}.", hint=f"They are: {known}.") from None
