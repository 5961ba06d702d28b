"""Requests to the HTTP API by the keys they named, and what they were answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from interlock.core.model.kept_answers import KeptAnswer
from interlock.core.store import dialect
from interlock.core.store.schema import idempotency_keys as table

_C = table.c
_IS_IT = (_C.actor == bindparam("who"), _C.key == bindparam("which"))
_INSERT = dialect.insert_new(table)
_FETCH = select(table).where(*_IS_IT)
_END = (
    update(table)
    .where(*_IS_IT, _C.status.is_(None))
    .values(status=bindparam("code"), headers=bindparam("sent"), body=bindparam("text"))
)
_DELETE = delete(table).where(*_IS_IT, _C.status.is_(None))
_FORGET = delete(table).where(_C.begun_at < bindparam("until"))
_NTH_NEWEST = select(_C.begun_at).order_by(_C.begun_at.desc()).limit(1).offset(bindparam("at"))


def begin(conn: Connection, *, actor: str, key: str, fingerprint: str, now: datetime) -> bool:
    """Note that a request is carried out; False if one is known by this key already."""
    row = {"actor": actor, "key": key, "fingerprint": fingerprint, "begun_at": now}
    noted = conn.execute(_INSERT.on(conn).returning(_C.key), row | {"headers": {}})
    return noted.scalar_one_or_none() is not None  # psycopg counts no row of such an INSERT


def fetch(conn: Connection, *, actor: str, key: str) -> KeptAnswer | None:
    """The request known by this key."""
    row = conn.execute(_FETCH, {"who": actor, "which": key}).one_or_none()
    if row is None:
        return None
    return KeptAnswer(
        fingerprint=row.fingerprint,
        begun_at=row.begun_at,
        status=row.status,
        headers=row.headers,
        body=row.body,
    )


def end(
    conn: Connection,
    *,
    actor: str,
    key: str,
    status: int,
    headers: Mapping[str, str],
    body: str | None,
) -> None:
    """Keep what a request was answered; the first answer stays."""
    values = {"code": status, "sent": dict(headers), "text": body}
    conn.execute(_END, {"who": actor, "which": key} | values)


def give_up(conn: Connection, *, actor: str, key: str) -> None:
    """Forget a request that came to nothing, so that it may be sent again."""
    conn.execute(_DELETE, {"who": actor, "which": key})


def forget(conn: Connection, *, until: datetime, most: int) -> None:
    """Forget what was begun before a time, and the oldest beyond a number."""
    oldest = conn.execute(_NTH_NEWEST, {"at": most}).scalar_one_or_none()
    conn.execute(_FORGET, {"until": until if oldest is None else max(until, oldest)})
