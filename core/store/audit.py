"""
Who did what, when, to what and why: append-only, each entry sealed with the hash of the one before.

Append last in a transaction: on Postgres the chain's head is locked from then to the commit.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, event, select
from sqlalchemy import insert as insert_into

from interlock.core.store import dialect, encoding
from interlock.core.store.columns import Words
from interlock.core.store.schema import audit
from interlock.core.types import Json

logger = logging.getLogger(__name__)

GENESIS = "0" * 64  # what the first entry has for the hash of the one before
BATCH = 500  # entries held in memory while the chain is verified

_HEAD = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
_INSERT = insert_into(audit)
_NEWEST_FIRST = (
    select(audit)
    .where(audit.c.seq < bindparam("before_seq"))
    .order_by(audit.c.seq.desc())
    .limit(bindparam("limit"))
)
_LATEST = select(audit).order_by(audit.c.at.desc(), audit.c.seq.desc()).limit(bindparam("limit"))
_ACTIONS = (
    select(audit.c.action)
    .where(audit.c.at >= bindparam("since"), audit.c.actor == bindparam("of_actor"))
    .distinct()
    .limit(1000)
)
_OF_OBJECT = _NEWEST_FIRST.where(audit.c.object == bindparam("of_object"))
_AFTER = (
    select(audit)
    .where(audit.c.seq > bindparam("after_seq"))
    .order_by(audit.c.seq)
    .limit(bindparam("limit"))
)
_END = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One entry. `object` is what it was done to, as "approval:<id>"."""

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


def append(
    conn: Connection,
    *,
    at: datetime,
    actor: str,
    action: str,
    object_: str,
    before: Json = None,
    after: Json = None,
    reason: str = "",
) -> int:
    """Add an entry at the end of the chain; its number."""
    dialect.lock_all(conn, dialect.Lock.AUDIT)
    head = conn.execute(_HEAD).one_or_none()
    entry: dict[str, Any] = {
        "seq": 1 if head is None else head.seq + 1,
        "at": at,
        # As the columns will hold them: the seal is over what is stored.
        "actor": _stored("actor", actor),
        "action": action,
        "object": _stored("object", object_),
        "before": before,
        "after": after,
        "reason": _stored("reason", reason),
        "previous_hash": GENESIS if head is None else head.hash,
    }
    conn.execute(_INSERT, entry | {"hash": _seal(entry)})
    number: int = entry["seq"]
    _tell_once_committed(conn, entry)
    return number


def _tell_once_committed(conn: Connection, entry: Mapping[str, Any]) -> None:
    """Log what somebody did; not what was rolled back, and not what was before and after."""
    told = {name: entry[name] for name in ("actor", "action", "object", "reason", "seq")}
    event.listen(
        conn,
        "commit",
        lambda _conn: logger.info("user_action", extra=told),
        once=True,
    )


def fetch_many(
    conn: Connection, *, object_: str | None = None, limit: int, before_seq: int | None = None
) -> list[AuditEntry]:
    """Entries, newest first; `before_seq` pages on."""
    parameters: dict[str, Any] = {
        "limit": limit,
        "before_seq": _END if before_seq is None else before_seq,
    }
    if object_ is None:
        rows = conn.execute(_NEWEST_FIRST, parameters)
    else:
        rows = conn.execute(_OF_OBJECT, parameters | {"of_object": object_})
    return [AuditEntry(**row) for row in rows.mappings()]


def fetch_latest(conn: Connection, *, limit: int) -> list[AuditEntry]:
    """Entries by when it happened, the latest first; what is played of the past is entered late."""
    rows = conn.execute(_LATEST, {"limit": limit})
    return [AuditEntry(**row) for row in rows.mappings()]


def fetch_actions(conn: Connection, *, actor: str, since: datetime) -> set[str]:
    """The kinds of things that somebody did from a moment on; there are some dozens at most."""
    return set(conn.execute(_ACTIONS, {"of_actor": actor, "since": since}).scalars())


def verify(conn: Connection) -> int | None:
    """The number of the first entry that is not as it was written, or is missing; None if all hold."""
    expected, previous = 1, GENESIS
    while (
        rows := conn.execute(_AFTER, {"after_seq": expected - 1, "limit": BATCH}).mappings().all()
    ):
        for entry in rows:
            if entry["seq"] != expected or entry["previous_hash"] != previous:
                return expected
            if entry["hash"] != _seal(entry):
                return expected
            expected, previous = expected + 1, entry["hash"]
    return None


def _stored(column: str, text: str) -> str:
    kind = audit.c[column].type
    return kind.clean(text) if isinstance(kind, Words) else text


def _seal(entry: Mapping[Any, Any]) -> str:
    at: datetime = entry["at"]
    sealed = {
        "seq": entry["seq"],
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry["actor"],
        "action": entry["action"],
        "object": entry["object"],
        "before": entry["before"],
        "after": entry["after"],
        "reason": entry["reason"],
        "previous_hash": entry["previous_hash"],
    }
    return hashlib.sha256(encoding.canonical_json(sealed).encode()).hexdigest()
