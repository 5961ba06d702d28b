"""What an operator sifts the inbox by. Every door takes the same: the page, its URL, the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from interlock.core.model.approvals import ApprovalStatus, Kind
from interlock.core.model.people import Person
from interlock.core.types import ApprovalId

COUNT_LIMIT = 10_000  # cards that are counted; more are told as so many and more

_AGE = re.compile(r"([1-9][0-9]{0,3})([smhd])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Sort(StrEnum):
    """In which order cards are listed; what is equal follows by when it was asked, then by id."""

    WAITING = "waiting"  # the longest waiting first
    NEWEST = "newest"
    RISK = "risk"  # the highest risk first
    PRIORITY = "priority"  # as policies say, the highest first


class Risk(StrEnum):
    """How risky a policy calls a card; `none`: nothing says so."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class InboxFilter:
    """
    Which cards are wanted; what is None or empty leaves them free.

    `node` is the node's name as the card has it; `text` are words that all occur, each as the beginning
    of one; `asked_until` and `asked_after` are aware UTC times, the first one included; of `ids` only
    those are listed. `approver` is a name or a group (`group:finance`) that the card's policy names;
    `mine` are the cards that somebody may decide and has not voted on.

    `holder` is who has the cards, `is_free` those that nobody has, `free_for` those that nobody but this
    person has; they take `as_of`, an aware UTC time, as a claim ends by itself.
    """

    statuses: tuple[ApprovalStatus, ...] = (ApprovalStatus.PENDING,)
    workflow: str | None = None
    thread_id: str | None = None
    node: str | None = None
    kind: Kind | None = None
    risk: Risk | None = None
    text: str = ""
    asked_until: datetime | None = None
    asked_after: datetime | None = None
    ids: tuple[ApprovalId, ...] | None = None
    approver: str | None = None
    mine: Person | None = None
    holder: str | None = None
    is_free: bool = False
    free_for: str | None = None
    as_of: datetime | None = None

    def until(self, moment: datetime) -> InboxFilter:
        """The same cards, as far as they were asked by then."""
        if self.asked_until is not None and self.asked_until < moment:
            return self
        return replace(self, asked_until=moment)


def read_age(text: str) -> timedelta | None:
    """An age as people write it, `90s`, `10m`, `4h` or `2d`; None if it is not one."""
    found = _AGE.fullmatch(text.strip())
    return timedelta(seconds=int(found[1]) * _UNIT_S[found[2]]) if found else None
