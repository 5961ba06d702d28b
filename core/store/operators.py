"""Accounts, and whether one has to sign in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy import insert as insert_into

from interlock.core.model.people import Operator, Role
from interlock.core.store.schema import access, operators

MOST = 1000  # listed at once

_C = operators.c
_ONE = select(operators).where(_C.name == bindparam("of_name"))
_ALL = select(operators).order_by(_C.name).limit(MOST)
_INSERT = insert_into(operators)
_UPDATE = update(operators).where(_C.name == bindparam("of_name"))
_ADMINS = select(operators).where(_C.role == Role.ADMIN.value, _C.is_active)
_ACCESS = select(access).where(access.c.id == 1)


def fetch(conn: Connection, name: str) -> Operator | None:
    """One account."""
    row = conn.execute(_ONE, {"of_name": name}).mappings().one_or_none()
    return None if row is None else as_operator(row)


def fetch_all(conn: Connection) -> list[Operator]:
    """Accounts by name."""
    return [as_operator(row) for row in conn.execute(_ALL).mappings()]


def fetch_password_hash(conn: Connection, name: str) -> str | None:
    """What a password is compared with; None where there is none, or no such account."""
    row = conn.execute(_ONE, {"of_name": name}).mappings().one_or_none()
    return None if row is None else row["password_hash"]


def count_admins(conn: Connection) -> int:
    """How many there are who may change accounts."""
    return sum(keeps_house(as_operator(row)) for row in conn.execute(_ADMINS).mappings())


def keeps_house(operator: Operator) -> bool:
    """Whether an account may change accounts: an open admin's who belongs to no tenants."""
    return operator.role is Role.ADMIN and operator.is_active and not operator.tenants


def insert(conn: Connection, operator: Operator, *, password_hash: str | None) -> None:
    """
    Keep a new account.

    Raises:
        Conflict: There is one of this name.
    """
    conn.execute(
        _INSERT,
        {
            "name": operator.name,
            "role": operator.role.value,
            "groups": list(operator.groups),
            "tenants": list(operator.tenants),
            "source": operator.source,
            "is_active": operator.is_active,
            "password_hash": password_hash,
            "created_at": operator.created_at,
            "updated_at": operator.updated_at,
            "last_sign_in_at": operator.last_sign_in_at,
        },
    )


def change(conn: Connection, name: str, values: Mapping[str, Any]) -> None:
    """Change columns of an account."""
    conn.execute(_UPDATE.values(**values), {"of_name": name})


def as_operator(row: Mapping[Any, Any]) -> Operator:
    """An account as its row has it."""
    return Operator(
        name=row["name"],
        role=Role(row["role"]),
        groups=tuple(row["groups"]),
        tenants=tuple(row["tenants"]),
        source=row["source"],
        is_active=row["is_active"],
        has_password=row["password_hash"] is not None,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_sign_in_at=row["last_sign_in_at"],
    )


def fetch_sign_in(conn: Connection) -> str:
    """How one has to sign in: local, oidc, proxy; empty where nobody has to."""
    row = conn.execute(_ACCESS).one_or_none()
    return "" if row is None else row.sign_in


def set_sign_in(conn: Connection, sign_in: str, *, by: str, now: datetime) -> None:
    """Keep how one has to sign in from now on; empty: nobody has to."""
    values = {"sign_in": sign_in, "changed_at": now, "changed_by": by}
    if conn.execute(update(access).where(access.c.id == 1), values).rowcount == 0:
        conn.execute(insert_into(access), {"id": 1, **values})
