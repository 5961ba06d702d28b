"""
Messages on their way: their ids, when each is tried again, and when it is given up.

Nothing here reads a clock, a table or the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from interlock.core.model.notice_rules import Event, Occurrence, Rule, RuleKind, kind_of

MAX_RETRY = timedelta(hours=3)  # the longest wait between two tries
BACKOFF = 4
MOST_ASKED_FOR = timedelta(hours=1)  # the longest that a receiver may ask to be left alone
MAX_ERROR_CHARS = 500
_SPACE = UUID("6a3f64f0-6f0e-4b52-9a3e-0d9c2f1b7a11")


class NoticeStatus(StrEnum):
    """`needless`: what it was to tell was over before it could; `given_up`: tried as often as it may be."""

    WAITING = "waiting"
    SENT = "sent"
    NEEDLESS = "needless"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """
    One message to one address: the outbox.

    `position` is the address's place in its rule, `target` how it is shown: without secrets. `body` is
    what is sent: title, text and a line for people, the document for a program; it is not kept longer.
    """

    notice_id: str
    kind: RuleKind
    rule: str
    position: int
    target: str
    event: Event
    object: str
    link: str
    workflow: str
    at: datetime
    body: Mapping[str, Any]
    status: NoticeStatus
    tries: int = 0
    next_at: datetime
    claimed_until: datetime | None = None
    last_error: str = ""
    created_at: datetime
    settled_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PublishedRule:
    """
    A rule as a worker told of it, for those who do not have its file.

    Only what happened from `added_at` on is told, and all of it up to `read_until` has been seen.
    """

    kind: RuleKind
    name: str
    about: Mapping[str, Any]
    added_at: datetime
    read_until: datetime
    seen_at: datetime


@dataclass(frozen=True)
class Outcome:
    """
    What came of one try: no error if it arrived.

    `is_final`: the receiver wants no more of it; `wait_s` is how long it asked to be left alone.
    """

    error: str = ""
    is_final: bool = False
    wait_s: float | None = None

    @property
    def is_sent(self) -> bool:
        """Whether it arrived."""
        return not self.error


def make_id(rule: Rule, position: int, seen: Occurrence) -> str:
    """The same for the same message, whoever makes it and however often: it is sent as one."""
    words = (kind_of(rule).value, rule.name, str(position), seen.event.value, seen.key)
    return str(uuid5(_SPACE, "\n".join(words)))


def settle(
    notice: Notice, outcome: Outcome, *, now: datetime, tries: int, retry_s: float
) -> dict[str, Any]:
    """
    What becomes of a message after a try, as the columns that change.

    Args:
        notice: As it was before.
        outcome: What came of the try.
        now: Aware UTC time.
        tries: How often it may be tried.
        retry_s: The wait after the first time.
    """
    count = notice.tries + 1
    changed: dict[str, Any] = {
        "tries": count,
        "last_error": outcome.error[:MAX_ERROR_CHARS],
        "claimed_until": None,
    }
    if outcome.is_sent:
        return changed | {"status": NoticeStatus.SENT, "settled_at": now, "body": {}}
    if outcome.is_final or count >= tries:
        return changed | {"status": NoticeStatus.GIVEN_UP, "settled_at": now}
    wait = find_wait(notice.notice_id, count, retry_s=retry_s)
    if outcome.wait_s is not None:
        wait = max(wait, min(timedelta(seconds=max(0.0, outcome.wait_s)), MOST_ASKED_FOR))
    return changed | {"status": NoticeStatus.WAITING, "next_at": now + wait}


def find_wait(notice_id: str, tries: int, *, retry_s: float) -> timedelta:
    """How long to wait after so many tries: longer each time, and up to a tenth more or less."""
    wait = min(MAX_RETRY, timedelta(seconds=retry_s * BACKOFF ** (tries - 1)))
    share = UUID(notice_id).int % 1000 / 1000  # of its own, so that many do not come back at once
    return wait * (0.9 + 0.2 * share)
