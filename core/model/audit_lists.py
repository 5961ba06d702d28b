"""The audit as it is read: an entry, which entries a list holds, how many there are, since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from interlock.core.model.inbox_filters import read_age
from interlock.core.types import Json

COUNT_LIMIT = 10_000  # entries that are counted; there may be millions
MAX_TEXT = 200  # characters that are looked for

ORIGINS = ("web", "api", "cli", "worker", "demo")  # of entries of today; older ones have none
ORIGIN_WORDS = {
    "web": "screen",
    "api": "API",
    "cli": "command line",
    "worker": "worker",
    "demo": "demonstration",
    "": "not kept",
}


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """
    One entry. `object` is what it was done to, as "approval:<id>".

    `origin` is the kind of process that it was done in, `address` that of who asked, where they came by
    the network; entries from before these were kept have none.
    """

    seq: int
    at: datetime
    actor: str
    action: str
    object: str
    before: Json
    after: Json
    reason: str
    previous_hash: str
    hash: str
    origin: str = ""
    address: str = ""

    def as_json(self) -> dict[str, Json]:
        """The form for scripts and files; with it a seal can be computed again."""
        return {
            "seq": self.seq,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": self.actor,
            "action": self.action,
            "object": self.object,
            "origin": self.origin,
            "address": self.address,
            "before": self.before,
            "after": self.after,
            "reason": self.reason,
            "previous_hash": self.previous_hash,
            "hash": self.hash,
        }


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """
    Which entries are wanted; what is empty leaves it free.

    `object` is a whole one, or a kind of them where it ends with a colon ("run:"); `text` stands in
    the entry as it is, whatever its case; `since` and `until` are aware UTC times, the first included.
    """

    actor: str = ""
    action: str = ""
    object: str = ""
    origin: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_any(self) -> bool:
        """Whether something is asked for at all."""
        return self != AuditFilter()


@dataclass(frozen=True, kw_only=True)
class AuditPage:
    """
    Entries, the latest first.

    `before` is the number that the next page is asked for with, None at the end. It may be there
    although `entries` are few: then so many were looked at and more are left.
    """

    entries: tuple[AuditEntry, ...]
    before: int | None = None


@dataclass(frozen=True)
class AuditCount:
    """How many entries fit; where `is_all` is false there may be more."""

    count: int
    is_all: bool


def read_moment(text: str, now: datetime) -> datetime | None:
    """A moment as people write it: an age (`2d`), a day, a day and time (UTC unless it says); else None."""
    age = read_age(text)
    if age is not None:
        return now - age
    try:
        found = datetime.fromisoformat(text.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_end(text: str, now: datetime) -> datetime | None:
    """The same as an end: a day without a time is meant with all of its hours."""
    found = read_moment(text, now)
    if found is None or len(text.strip()) > len("2026-01-31") or read_age(text) is not None:
        return found
    try:
        return found + timedelta(days=1)
    except OverflowError:
        return found
