"""Sessions of browsers, and wrong passwords in a row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, select, update
from sqlalchemy import insert as insert_into

from interlock.core.model.people import Operator, Session
from interlock.core.store import dialect
from interlock.core.store.operators import as_operator
from interlock.core.store.schema import operators, sessions, sign_in_failures

MOST = 500  # listed at once
SEEN_EVERY = timedelta(minutes=1)  # between two notes that a session is in use

_C = sessions.c
_F = sign_in_failures.c
_INSERT = insert_into(sessions)
_WITH_OPERATOR = (
    select(
        operators,
        *(column.label(f"session_{column.name}") for column in _C),
    )
    .join(operators, operators.c.name == _C.operator)
    .where(_C.session_id == bindparam("of_id"))
)
_ONE = select(sessions).where(_C.session_id == bindparam("of_id"))
_OPEN = (
    select(sessions)
    .where(_C.ended_at.is_(None), _C.expires_at > bindparam("at"))
    .order_by(_C.created_at.desc(), _C.session_id)
    .limit(MOST)
)
_SEE = (
    update(sessions)
    .where(_C.session_id == bindparam("of_id"), _C.seen_at <= bindparam("before"))
    .values(seen_at=bindparam("at"))
)
_END = (
    update(sessions)
    .where(_C.session_id == bindparam("of_id"), _C.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
)
_END_ALL = (
    update(sessions)
    .where(
        _C.operator == bindparam("of_name"),
        _C.ended_at.is_(None),
        _C.session_id != bindparam("but"),
    )
    .values(ended_at=bindparam("at"))
)
_FORGET = delete(sessions).where(_C.expires_at < bindparam("until"))
_FAILURE = select(sign_in_failures).where(_F.key == bindparam("of_key"))
_FORGET_FAILURES = delete(sign_in_failures).where(_F.last_at < bindparam("until"))


def insert(conn: Connection, session: Session) -> None:
    """Open a session."""
    conn.execute(_INSERT, vars(session))


def fetch(conn: Connection, session_id: str) -> Session | None:
    """One session, open or not."""
    row = conn.execute(_ONE, {"of_id": session_id}).mappings().one_or_none()
    return None if row is None else Session(**row)


def fetch_with_operator(conn: Connection, session_id: str) -> tuple[Session, Operator] | None:
    """A session and whose it is, in one look."""
    row = conn.execute(_WITH_OPERATOR, {"of_id": session_id}).mappings().one_or_none()
    if row is None:
        return None
    session = Session(**{column.name: row[f"session_{column.name}"] for column in _C})
    return session, as_operator(row)


def fetch_open(conn: Connection, *, now: datetime, operator: str | None = None) -> list[Session]:
    """Open sessions, the newest first; of one person, or of all."""
    query = _OPEN if operator is None else _OPEN.where(_C.operator == operator)
    return [Session(**row) for row in conn.execute(query, {"at": now}).mappings()]


def see(conn: Connection, session_id: str, *, now: datetime) -> None:
    """Note that a session is in use, once a minute."""
    conn.execute(_SEE, {"of_id": session_id, "at": now, "before": now - SEEN_EVERY})


def end(conn: Connection, session_id: str, *, now: datetime) -> bool:
    """End a session; False if it had ended."""
    return conn.execute(_END, {"of_id": session_id, "at": now}).rowcount == 1


def end_all(conn: Connection, operator: str, *, now: datetime, but: str = "") -> int:
    """End all sessions of a person but one; how many."""
    return conn.execute(_END_ALL, {"of_name": operator, "at": now, "but": but}).rowcount


def forget(conn: Connection, *, until: datetime) -> None:
    """Forget sessions that ran out before a time."""
    conn.execute(_FORGET, {"until": until})


def key_of(name: str) -> str:
    """Under which wrong passwords of a name are kept."""
    return f"name:{name[:200]}"


def fetch_failure(conn: Connection, key: str) -> tuple[int, datetime] | None:
    """Wrong passwords in a row, and when the last was."""
    row = conn.execute(_FAILURE, {"of_key": key}).mappings().one_or_none()
    return None if row is None else (row["count"], row["last_at"])


def keep_failure(conn: Connection, key: str, *, count: int, now: datetime) -> None:
    """Note a wrong password."""
    values: Mapping[str, Any] = {"count": count, "last_at": now}
    changed = conn.execute(update(sign_in_failures).where(_F.key == key), values)
    if changed.rowcount == 0:
        conn.execute(insert_into(sign_in_failures), {"key": key, **values})


def lock_failures(conn: Connection, key: str) -> None:
    """Let tries of one name or address take turns until the end of the transaction."""
    dialect.lock_name(conn, f"sign-in:{key}")


def take_back_failure(
    conn: Connection, key: str, before: tuple[int, datetime] | None, *, now: datetime
) -> None:
    """A try that was counted at `now`, and was right: as if it had not been, whatever came meanwhile."""
    if before is None:
        conn.execute(delete(sign_in_failures).where(_F.key == key, _F.count <= 1))
    values: dict[str, Any] = {"count": _F.count - 1}
    if before is not None:
        values["last_at"] = case((_F.last_at == now, before[1]), else_=_F.last_at)
    conn.execute(update(sign_in_failures).where(_F.key == key).values(values))


def forgive(conn: Connection, key: str) -> None:
    """A right password: forget the wrong ones before it."""
    conn.execute(delete(sign_in_failures).where(_F.key == key))


def forget_failures(conn: Connection, *, until: datetime) -> None:
    """Forget wrong passwords from before a time."""
    conn.execute(_FORGET_FAILURES, {"until": until})
