"""
Whether the audit is as it was written: its chain of hashes, and the heads of it that were noted outside.

The chain shows that an entry was changed, removed or put in between. It does not show that its end was
cut off, or that all of it was written anew: both leave a chain that holds. What shows it is a head, an
entry's number and hash, that was noted somewhere else at the time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

GENESIS = "0" * 64  # what the first entry has for the hash of the one before
MAX_PROBLEMS = 20  # that are told one by one


class ProblemKind(StrEnum):
    """
    What is wrong at a place of the chain.

    `changed`: the entry is not what its seal was made of. `missing`: entries are gone. `inserted`: an
    entry stands where none was written. `unlinked`: it does not follow the entry before it, so that
    one was written anew. `cut`: the chain ends before a head that was noted. `rewritten`: at a noted
    head stands another entry.
    """

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    UNLINKED = "unlinked"
    CUT = "cut"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong from entry `seq` on, up to `last`."""

    kind: ProblemKind
    seq: int
    last: int
    noted_at: datetime | None = None

    @property
    def said(self) -> str:
        """A sentence about it."""
        where = f"Entry {self.seq}"
        noted = f"{self.noted_at.astimezone(UTC):%Y-%m-%d %H:%M}Z" if self.noted_at else ""
        match self.kind:
            case ProblemKind.CHANGED:
                return f"{where} is not as it was written."
            case ProblemKind.MISSING if self.last > self.seq:
                return f"Entries {self.seq} to {self.last} are missing."
            case ProblemKind.MISSING:
                return f"{where} is missing."
            case ProblemKind.INSERTED:
                return f"{where} was put in: the chain begins with 1."
            case ProblemKind.UNLINKED:
                return (
                    f"{where} does not follow the one before it: one of the two was written anew."
                )
            case ProblemKind.CUT:
                return f"The end is cut off: {self.seq} to {self.last} were there on {noted}."
        return f"{where} is another one than on {noted}: the chain was written anew."

    def as_json(self) -> dict[str, str | int]:
        """The form for scripts."""
        return {"kind": str(self.kind), "seq": self.seq, "last": self.last, "said": self.said}


@dataclass(frozen=True, kw_only=True)
class Head:
    """An entry's number and hash as they were noted outside of the database, when and by what."""

    seq: int
    hash: str
    at: datetime
    by: str
    database: str

    def as_line(self) -> str:
        """The line that is kept."""
        told = {
            "seq": self.seq,
            "hash": self.hash,
            "at": self.at.astimezone(UTC).isoformat(timespec="seconds"),
            "by": self.by,
            "database": self.database,
        }
        return json.dumps(told) + "\n"


def read_heads(lines: Iterable[str], *, database: str) -> tuple[Head, ...]:
    """The heads that were noted of one database; a line that was not written to its end, or by us, is none."""
    found = []
    for line in lines:
        try:
            told = json.loads(line)
            if told["database"] == database:
                found.append(_read_head(told))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            continue
    return tuple(found)


def _read_head(told: Mapping[str, Any]) -> Head:
    seq, at = int(told["seq"]), datetime.fromisoformat(told["at"])
    if not 0 < seq < 2**31 or at.tzinfo is None:
        raise ValueError("no entry has this number, or no moment this time")
    return Head(
        seq=seq,
        hash=str(told["hash"]),
        at=at.astimezone(UTC),
        by=str(told.get("by", "")),
        database=str(told["database"]),
    )


@dataclass(frozen=True, kw_only=True)
class Link:
    """
    What of an entry the chain is made of.

    `sealed` is the hash that its content gives now; None where the content cannot even be read.
    """

    seq: int
    previous_hash: str
    hash: str
    sealed: str | None


@dataclass(frozen=True, kw_only=True)
class Verification:
    """
    What a look at the chain found.

    `count` entries were looked at, the last of which is `last_seq`; `is_whole` is false where there
    was no time for the rest. `heads_count` heads had been noted, the newest at `noted_at`; `place` is
    where, empty where nothing can be noted.
    """

    at: datetime
    problems: tuple[Problem, ...]
    count: int
    last_seq: int
    is_whole: bool = True
    heads_count: int = 0
    noted_at: datetime | None = None
    place: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong in what was looked at."""
        return not self.problems


@dataclass
class Chain:
    """Looks at the entries one after the other, from the first or from behind a noted head on."""

    heads: Sequence[Head] = ()
    after: Head | None = None
    problems: list[Problem] = field(default_factory=list, init=False)
    count: int = field(default=0, init=False)
    last_seq: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Take the heads by number: of one number all must fit."""
        self.last_hash = self.after.hash if self.after else GENESIS
        self.last_seq = self.after.seq if self.after else 0
        self._noted: dict[int, list[Head]] = {}
        for head in self.heads:
            self._noted.setdefault(head.seq, []).append(head)
        self._is_doubted = False  # what was just told explains that the next does not follow

    def see(self, link: Link) -> None:
        """Look at the next entry."""
        self.count += 1
        if link.seq < 1:
            self._tell(ProblemKind.INSERTED, link.seq)
            return
        if link.seq > self.last_seq + 1:
            self._tell(ProblemKind.MISSING, self.last_seq + 1, link.seq - 1)
            self._is_doubted = True
        does_follow = link.previous_hash == self.last_hash or self._is_doubted
        self._is_doubted = False
        if link.sealed != link.hash:
            self._tell(ProblemKind.CHANGED, link.seq)
            self._is_doubted = True
        elif not does_follow:
            self._tell(ProblemKind.UNLINKED, link.seq)
        for head in self._noted.pop(link.seq, ()):
            if head.hash != link.hash:
                self._tell(ProblemKind.REWRITTEN, link.seq, noted_at=head.at)
                break
        self.last_hash, self.last_seq = link.hash, link.seq

    def end(self) -> None:
        """All entries were seen: heads behind the last one are of entries that are gone."""
        beyond = [head for heads in self._noted.values() for head in heads]
        gone = [head for head in beyond if head.seq > self.last_seq]
        if gone:
            last = max(gone, key=lambda head: head.seq)
            self._tell(ProblemKind.CUT, self.last_seq + 1, last.seq, noted_at=last.at)

    def _tell(
        self,
        kind: ProblemKind,
        seq: int,
        last: int | None = None,
        noted_at: datetime | None = None,
    ) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            last = seq if last is None else last
            self.problems.append(Problem(kind=kind, seq=seq, last=last, noted_at=noted_at))
