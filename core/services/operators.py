"""Accounts: made, changed, closed; whether one has to sign in. What is changed counts from the next command on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from interlock.core.errors import Conflict, FieldProblem, InvalidInput, NotFound
from interlock.core.model import people
from interlock.core.model.people import Operator, Permission, Role
from interlock.core.services import passwords, token_keeping
from interlock.core.services.context import App
from interlock.core.services.permitting import command
from interlock.core.store import audit, engine, operators, sessions, tokens, topics
from interlock.core.types import Json

SIGN_INS: Final = ("local", "oidc", "proxy")


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is to be changed of an account; None leaves it as it is."""

    role: Role | None = None
    groups: Sequence[str] | None = None
    tenants: Sequence[str] | None = None
    is_active: bool | None = None
    password: str | None = None


def list_operators(app: App) -> list[Operator]:
    """Accounts by name."""
    with engine.read(app.engine) as conn:
        return operators.fetch_all(conn)


def get_operator(app: App, name: str) -> Operator:
    """
    One account.

    Raises:
        NotFound: There is none of this name.
    """
    with engine.read(app.engine) as conn:
        return _find(conn, name)


@command(Permission.ADMINISTER)
def add(
    app: App,
    name: str,
    *,
    role: Role,
    groups: Sequence[str] = (),
    tenants: Sequence[str] = (),
    password: str | None = None,
    actor: str,
    reason: str = "",
) -> Operator:
    """
    Make an account.

    Args:
        app: The parts.
        name: Under which its decisions are recorded; it stays.
        role: What they are.
        groups: In which groups of approvers.
        tenants: Whose workflows they see; empty means all.
        password: For signing in here; None where they sign in elsewhere.
        actor: Who makes it.
        reason: Why.

    Raises:
        InvalidInput: The name, a group, a tenant or the password does not fit, or the first admin would
            belong to tenants.
        Conflict: There is an account of this name.
    """
    now = app.clock.now()
    new = Operator(
        name=people.read_name(name),
        role=role,
        groups=people.read_words(groups, what="groups"),
        tenants=people.read_words(tenants, what="tenants"),
        has_password=password is not None,
        created_at=now,
        updated_at=now,
    )
    hashed = None if password is None else passwords.hash_new(password, name=new.name)
    with engine.write(app.engine) as conn:
        if operators.fetch(conn, new.name) is not None:
            raise Conflict(f"There is an account {new.name!r} already.")
        _refuse_first_with_tenants(conn, new)
        operators.insert(conn, new, password_hash=hashed)
        topics.bump(conn, "people")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="operator:add",
            object_=f"operator:{new.name}",
            after=_shown(new),
            reason=reason.strip(),
        )
    return new


@command(Permission.ADMINISTER)
def change(app: App, name: str, wanted: Change, *, actor: str, reason: str = "") -> Operator:
    """
    Change an account. Closing it, or a new password, ends its sessions and tokens; a token that sets its own
    account's password stays.

    Raises:
        NotFound: There is none of this name.
        InvalidInput: A group, a tenant or the password does not fit, or nothing is to be changed.
        Conflict: Nobody would be left who may change accounts.
    """
    values = _read(wanted, name=name)
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        before = _find(conn, name)
        if before.source != "local" and {"role", "groups", "password_hash"} & set(values):
            told = f"comes from where {name} signs in, and is changed there"
            raise InvalidInput(
                "This cannot be changed here:", problems=[FieldProblem("role", told)]
            )
        operators.change(conn, name, values | {"updated_at": now})
        after = _find(conn, name)
        if operators.keeps_house(before) and not operators.count_admins(conn):
            raise Conflict(
                f"{name} is the last admin.",
                hint="Make another one first, who belongs to no tenants.",
            )
        if not after.is_active or "password_hash" in values:
            sessions.end_all(conn, name, now=now)
        if not after.is_active:
            tokens.end_all(conn, name, now=now)
        elif "password_hash" in values:
            token_keeping.end_others(app, conn, name, now=now)
        if "password_hash" in values:
            sessions.forgive(conn, sessions.key_of(name))
        topics.bump(conn, "people")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="operator:change",
            object_=f"operator:{name}",
            before=_shown(before),
            after=_shown(after) | ({"password": "changed"} if "password_hash" in values else {}),
            reason=reason.strip(),
        )
    return after


def read_sign_in(app: App) -> str:
    """How one has to sign in: local, oidc, proxy; empty where nobody has to."""
    with engine.read(app.engine) as conn:
        return operators.fetch_sign_in(conn)


@command(Permission.ADMINISTER)
def set_sign_in(app: App, sign_in: str, *, actor: str, reason: str = "") -> None:
    """
    Say how one has to sign in from now on, at every door of this database; empty: nobody has to.

    Raises:
        InvalidInput: There is no such way.
    """
    if sign_in and sign_in not in SIGN_INS:
        told = f"must be one of {', '.join(SIGN_INS)}, or empty"
        raise InvalidInput("There is no such way to sign in.", problems=[FieldProblem("", told)])
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        before = operators.fetch_sign_in(conn)
        if before == sign_in:
            return
        operators.set_sign_in(conn, sign_in, by=actor, now=now)
        topics.bump(conn, "people")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="sign-in:mode",
            object_="access",
            before={"sign_in": before},
            after={"sign_in": sign_in},
            reason=reason.strip(),
        )


def _find(conn: Connection, name: str) -> Operator:
    found = operators.fetch(conn, name)
    if found is None:
        raise NotFound("account", name, hint="`interlock operator list` lists them.")
    return found


def _refuse_first_with_tenants(conn: Connection, new: Operator) -> None:
    """An admin of tenants may not change accounts: as the first, nobody could."""
    is_first = new.role is Role.ADMIN or not operators.fetch_all(conn)
    if new.tenants and is_first and not operators.count_admins(conn):
        told = "must be empty for the first admin: who belongs to tenants may not change accounts"
        raise InvalidInput(
            "Nobody could change accounts:", problems=[FieldProblem("tenants", told)]
        )


def _read(wanted: Change, *, name: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if wanted.role is not None:
        values["role"] = wanted.role.value
    if wanted.groups is not None:
        values["groups"] = list(people.read_words(wanted.groups, what="groups"))
    if wanted.tenants is not None:
        values["tenants"] = list(people.read_words(wanted.tenants, what="tenants"))
    if wanted.is_active is not None:
        values["is_active"] = wanted.is_active
    if wanted.password is not None:
        values["password_hash"] = passwords.hash_new(wanted.password, name=name)
    if not values:
        raise InvalidInput("Nothing is to be changed.")
    return values


def _shown(operator: Operator) -> dict[str, Json]:
    return {
        "role": operator.role.value,
        "groups": list(operator.groups),
        "tenants": list(operator.tenants),
        "source": operator.source,
        "is_active": operator.is_active,
    }
