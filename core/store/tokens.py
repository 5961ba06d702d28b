"""Tokens of programs; kept is the hash of each, never the secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy import insert as insert_into

from interlock.core.model.people import Operator, Permission, Token
from interlock.core.store.operators import as_operator
from interlock.core.store.schema import operators, tokens

MOST = 500  # listed at once
USED_EVERY = timedelta(minutes=1)  # between two notes that a token was used

_C = tokens.c
_INSERT = insert_into(tokens)
_ONE = select(tokens).where(_C.token_id == bindparam("of_id"))
_ALL = select(tokens).order_by(_C.created_at.desc(), _C.token_id).limit(MOST)
_WITH_OPERATOR = (
    select(operators, *(column.label(f"token_{column.name}") for column in _C))
    .join(operators, operators.c.name == _C.operator)
    .where(_C.secret_hash == bindparam("of_hash"))
)
_END = (
    update(tokens)
    .where(_C.token_id == bindparam("of_id"), _C.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
)
_END_ALL = (
    update(tokens)
    .where(_C.operator == bindparam("of_name"), _C.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
)
_USE = (
    update(tokens)
    .where(
        _C.token_id == bindparam("of_id"),
        or_(_C.used_at.is_(None), _C.used_at <= bindparam("before")),
    )
    .values(used_at=bindparam("at"))
)


def insert(conn: Connection, token: Token, *, secret_hash: str) -> None:
    """Keep a new token."""
    values = vars(token) | {"scopes": [scope.value for scope in token.scopes]}
    conn.execute(_INSERT, values | {"secret_hash": secret_hash})


def fetch(conn: Connection, token_id: str) -> Token | None:
    """One token, good or not."""
    row = conn.execute(_ONE, {"of_id": token_id}).mappings().one_or_none()
    return None if row is None else _as_token(row)


def fetch_many(conn: Connection, *, operator: str | None = None) -> list[Token]:
    """Tokens, the newest first; of one person, or of all."""
    query = _ALL if operator is None else _ALL.where(_C.operator == operator)
    return [_as_token(row) for row in conn.execute(query).mappings()]


def fetch_with_operator(conn: Connection, secret_hash: str) -> tuple[Token, Operator] | None:
    """A token by the hash of its secret and whose it is, in one look."""
    row = conn.execute(_WITH_OPERATOR, {"of_hash": secret_hash}).mappings().one_or_none()
    if row is None:
        return None
    token = _as_token({column.name: row[f"token_{column.name}"] for column in _C})
    return token, as_operator(row)


def end(conn: Connection, token_id: str, *, now: datetime) -> bool:
    """Make a token good for nothing; False if it was already."""
    return conn.execute(_END, {"of_id": token_id, "at": now}).rowcount == 1


def end_all(conn: Connection, operator: str, *, now: datetime) -> int:
    """Make all tokens of a person good for nothing; how many."""
    return conn.execute(_END_ALL, {"of_name": operator, "at": now}).rowcount


def use(conn: Connection, token_id: str, *, now: datetime) -> None:
    """Note that a token was used, once a minute."""
    conn.execute(_USE, {"of_id": token_id, "at": now, "before": now - USED_EVERY})


def _as_token(row: Mapping[Any, Any]) -> Token:
    return Token(
        token_id=row["token_id"],
        operator=row["operator"],
        label=row["label"],
        scopes=tuple(Permission(scope) for scope in row["scopes"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
        ended_at=row["ended_at"],
    )
