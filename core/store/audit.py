"""
Who did what, when, to what and why: append-only, each entry sealed with the hash of the one before.

Append last in a transaction: on Postgres the chain's head is locked from then to the commit.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, event, exc, select
from sqlalchemy import insert as insert_into

from interlock.core.errors import StoreUnavailable
from interlock.core.masking import mask_fields
from interlock.core.model.audit_chain import GENESIS, Chain, Link
from interlock.core.model.audit_lists import AuditEntry
from interlock.core.store import dialect, encoding
from interlock.core.store import engine as engines
from interlock.core.store.columns import Words
from interlock.core.store.schema import audit
from interlock.core.types import Json

__all__ = ["GENESIS", "AuditEntry"]

logger = logging.getLogger(__name__)

BATCH = 500  # entries held in memory while the chain is verified

_HEAD = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
_INSERT = insert_into(audit)
_ONE = select(audit).where(audit.c.seq == bindparam("of_seq"))
_HASH = select(audit.c.hash).where(audit.c.seq == bindparam("of_seq"))
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
_OF_OBJECT = (
    select(audit)
    .where(audit.c.object == bindparam("of_object"), audit.c.seq < bindparam("before_seq"))
    .order_by(audit.c.at.desc(), audit.c.seq.desc())
    .limit(bindparam("limit"))
)
_AFTER = (
    select(audit)
    .where(audit.c.seq > bindparam("after_seq"))
    .order_by(audit.c.seq)
    .limit(bindparam("limit"))
)
_LINKS_AFTER = _AFTER.with_only_columns(audit.c.seq, audit.c.previous_hash, audit.c.hash)
_FIRST_SEQ = -(2**31)
_END = 2**31 - 1


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
    """
    Add an entry at the end of the chain; its number.

    Secrets in `before` and `after` are masked: an entry stays for good.
    """
    dialect.lock_all(conn, dialect.Lock.AUDIT)
    head = conn.execute(_HEAD).one_or_none()
    options = conn.get_execution_options()
    entry: dict[str, Any] = {
        "seq": 1 if head is None else head.seq + 1,
        "at": at,
        # As the columns will hold them: the seal is over what is stored.
        "actor": _stored("actor", actor),
        "action": action,
        "object": _stored("object", object_),
        "before": mask_fields(before),
        "after": mask_fields(after),
        "reason": _stored("reason", reason),
        "previous_hash": GENESIS if head is None else head.hash,
        "origin": options.get(engines.ORIGIN, ""),
        "address": _stored("address", options.get(engines.ADDRESS, "")),
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


def fetch_one(conn: Connection, seq: int) -> AuditEntry | None:
    """One entry by its number."""
    row = conn.execute(_ONE, {"of_seq": seq}).mappings().one_or_none()
    return None if row is None else AuditEntry(**row)


def fetch_hash(conn: Connection, seq: int) -> str | None:
    """The hash of one entry by its number."""
    return conn.execute(_HASH, {"of_seq": seq}).scalar_one_or_none()


def fetch_head(conn: Connection) -> tuple[int, str] | None:
    """The number and the hash of the newest entry; None where there is none."""
    found = conn.execute(_HEAD).one_or_none()
    return None if found is None else (found.seq, found.hash)


def fetch_links(conn: Connection, *, after_seq: int | None, limit: int) -> list[Link]:
    """What of the next entries the chain is made of, with the seal that their content gives now."""
    parameters = {"after_seq": _FIRST_SEQ if after_seq is None else after_seq, "limit": limit}
    try:
        rows: Any = conn.execute(_AFTER, parameters).mappings().all()
    except _UNREADABLE:  # somebody wrote into it what is no JSON or no time
        return list(_read_links_one_by_one(conn, parameters))
    return [
        Link(
            seq=row["seq"],
            previous_hash=row["previous_hash"],
            hash=row["hash"],
            sealed=_try_seal(row),
        )
        for row in rows
    ]


def verify(conn: Connection) -> int | None:
    """The number of the first entry that is not as it was written, or is missing; None if all hold."""
    chain, after_seq = Chain(), None
    while links := fetch_links(conn, after_seq=after_seq, limit=BATCH):
        for link in links:
            chain.see(link)
            after_seq = link.seq
        if chain.problems:
            return chain.problems[0].seq
    return None


_UNREADABLE = (ValueError, TypeError, exc.DBAPIError, StoreUnavailable)


def _read_links_one_by_one(conn: Connection, parameters: Mapping[str, Any]) -> Iterator[Link]:
    for seq, previous_hash, hash_ in conn.execute(_LINKS_AFTER, parameters).all():
        try:
            sealed = _try_seal(conn.execute(_ONE, {"of_seq": seq}).mappings().one())
        except _UNREADABLE:
            sealed = None
        yield Link(seq=seq, previous_hash=previous_hash, hash=hash_, sealed=sealed)


def _try_seal(entry: Mapping[Any, Any]) -> str | None:
    try:
        return _seal(entry)
    except (ValueError, TypeError, AttributeError, RecursionError):
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
    for name in (
        "origin",
        "address",
    ):  # entries from before they were kept have the seal they were given
        if entry[name]:
            sealed[name] = entry[name]
    return hashlib.sha256(encoding.canonical_json(sealed).encode()).hexdigest()
