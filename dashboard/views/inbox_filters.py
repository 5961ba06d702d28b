"""
What the inbox is sifted by, as an operator chooses it: the words of each choice, and what they mean.

The words are what the URL holds, so a choice that is no longer offered is simply not made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from interlock.core.model.approvals import ApprovalStatus, Kind
from interlock.core.model.inbox_filters import InboxFilter, Risk, Sort, read_age
from interlock.core.model.people import Person

Name = Literal["whose", "workflow", "node", "kind", "risk", "age", "text"]
Chosen = Mapping[Name, str | None]

NAMES: Final[tuple[Name, ...]] = ("whose", "workflow", "node", "kind", "risk", "age", "text")
MAX_CHARS = 300  # of a choice from the URL, which anybody may have typed
SHELVES: Final[dict[str, tuple[ApprovalStatus, ...]]] = {
    "Pending": (ApprovalStatus.PENDING,),
    "Decided": (ApprovalStatus.DECIDED,),
    "No longer asked": (
        ApprovalStatus.EXPIRED,
        ApprovalStatus.WITHDRAWN,
        ApprovalStatus.SUPERSEDED,
    ),
}
PENDING = "Pending"
MINE, EVERYBODYS = "Mine to decide", "Everybody's"
YOURS = "yours to decide"
CLAIMED, UNCLAIMED = "Claimed by me", "Claimed by nobody"
WHOSE: Final = (MINE, EVERYBODYS, CLAIMED, UNCLAIMED)
_CLAIMS = {CLAIMED: "claimed by you", UNCLAIMED: "claimed by nobody"}
_KINDS: Final[dict[str, Kind]] = {
    "tool calls": Kind.LANGCHAIN,
    "one tool call": Kind.LANGCHAIN_CALL,
    "agent inbox request": Kind.AGENT_INBOX,
    "form": Kind.SCHEMA,
    "choice": Kind.CHOICE,
    "yes or no": Kind.CONFIRM,
    "open question": Kind.VALUE,
    "breakpoint": Kind.BREAKPOINT,
}
KINDS: Final[Mapping[str, Kind]] = _KINDS | {
    kind.value.replace("_", " "): kind for kind in Kind if kind not in _KINDS.values()
}
RISKS: Final[Mapping[str, Risk]] = {
    "high risk": Risk.HIGH,
    "medium risk": Risk.MEDIUM,
    "low risk": Risk.LOW,
    "not rated": Risk.NONE,
}
AGES: Final[Mapping[str, str]] = {
    "10 minutes": "10m",
    "1 hour": "1h",
    "4 hours": "4h",
    "1 day": "1d",
    "1 week": "7d",
}
SORTS: Final[Mapping[str, Sort]] = {
    "Waiting longest": Sort.WAITING,
    "Newest first": Sort.NEWEST,
    "Highest risk": Sort.RISK,
    "Highest priority": Sort.PRIORITY,
}
CLOSED_SORTS: Final[Mapping[str, Sort]] = {
    "Newest first": Sort.NEWEST,
    "Oldest first": Sort.WAITING,
    "Highest risk": Sort.RISK,
}
DEFAULT_SORT: Final = Sort.WAITING


@dataclass(frozen=True, kw_only=True)
class Sieve:
    """What is chosen: the shelf, the filter in words, the order."""

    shelf: str
    chosen: Chosen
    sort: Sort

    @property
    def is_pending(self) -> bool:
        """Whether it lists what waits."""
        return self.shelf == PENDING

    @property
    def is_mine(self) -> bool:
        """Whether it lists only what whoever looks at it may decide."""
        return self.is_pending and self.chosen.get("whose") == MINE

    @property
    def said(self) -> tuple[str, ...]:
        """The filter in words; the workflow, the node and the text are foreign."""
        age = self.chosen.get("age")
        words = [self.chosen.get(name) for name in NAMES if name not in ("whose", "age", "text")]
        text = self.chosen.get("text")
        words.insert(0, YOURS if self.is_mine else _CLAIMS.get(self.chosen.get("whose") or ""))
        extra = [f"waiting over {age}" if age else None, f"\u201c{text}\u201d" if text else None]
        return tuple(word for word in (*words, *extra) if word)

    @property
    def name(self) -> str:
        """What tells this list from others, whatever its order."""
        return "\x1f".join([self.shelf, *(self.chosen.get(name) or "" for name in NAMES)])

    def read(
        self, now: datetime, *, shelf: str | None = None, person: Person | None = None
    ) -> InboxFilter:
        """What it means at this time and for this person, on its own shelf or another."""
        chosen = self.chosen
        age = read_age(AGES[chosen.get("age") or ""]) if chosen.get("age") else None
        kind, risk = chosen.get("kind"), chosen.get("risk")
        return InboxFilter(
            statuses=SHELVES[shelf or self.shelf],
            workflow=chosen.get("workflow"),
            node=chosen.get("node"),
            kind=KINDS[kind] if kind else None,
            risk=RISKS[risk] if risk else None,
            text=chosen.get("text") or "",
            asked_until=now - age if age else None,
            mine=person if self.is_mine else None,
            holder=person.name if person and chosen.get("whose") == CLAIMED else None,
            is_free=chosen.get("whose") == UNCLAIMED,
            as_of=now if chosen.get("whose") in _CLAIMS else None,
        )


def sorts_of(shelf: str) -> Mapping[str, Sort]:
    """The orders of a shelf, the usual one first."""
    return SORTS if shelf == PENDING else CLOSED_SORTS


def build(shelf: str | None, chosen: Chosen, sort: str | None) -> Sieve:
    """Take what was chosen or stands in the URL; what makes no sense counts as not chosen."""
    known = shelf if shelf in SHELVES else PENDING
    assert known is not None
    offered = sorts_of(known)
    return Sieve(
        shelf=known,
        chosen={name: _take(name, chosen.get(name)) for name in NAMES},
        sort=offered.get(sort or "", next(iter(offered.values()))),
    )


def offer(names: Sequence[str], chosen: str | None) -> list[str]:
    """What can be chosen; what is chosen stays so, even if no card has it any more."""
    return [*names, *([chosen] if chosen and chosen not in names else [])]


def _take(name: Name, word: str | None) -> str | None:
    offered: Collection[str] | None = {
        "whose": WHOSE,
        "kind": tuple(KINDS),
        "risk": tuple(RISKS),
        "age": tuple(AGES),
    }.get(name)
    if not word or (offered is not None and word not in offered):
        return None
    return (word.strip() if name == "text" else word)[:MAX_CHARS] or None
