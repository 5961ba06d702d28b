"""Tokens of programs: made for oneself, with some of one's own permissions, for a time; shown once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.errors import FieldProblem, InvalidInput, NotAllowed, NotFound
from interlock.core.model import people
from interlock.core.model.people import CallerKind, Permission, Token
from interlock.core.services import permitting
from interlock.core.services.context import App
from interlock.core.services.permitting import command
from interlock.core.store import audit, engine, operators, tokens, topics
from interlock.core.types import new_id

PREFIX = "ilk_"  # so that scanners for leaked secrets can know one
MAX_DAYS = 366
MAX_LABEL = 200


@dataclass(frozen=True, kw_only=True)
class Made:
    """A new token; `secret` is shown once and kept nowhere."""

    token: Token
    secret: str


@command(Permission.SEE)
def make(
    app: App,
    label: str,
    *,
    scopes: Sequence[Permission],
    days: float,
    operator: str | None = None,
    actor: str,
) -> Made:
    """
    Make a token for oneself; an admin, for anybody.

    Args:
        app: The parts.
        label: What it is for.
        scopes: What it may do of what its operator may.
        days: How long it is good.
        operator: Whose it is; None is the actor's own.
        actor: Who makes it.

    Raises:
        InvalidInput: The label, the scopes or the days do not fit.
        NotAllowed: It is for somebody else, or would be made by a token.
        NotFound: There is no such account.
    """
    assert app.person is not None
    if app.caller.kind is CallerKind.TOKEN:
        raise NotAllowed("A token cannot make tokens: it would outlive itself.")
    whose = operator or actor
    is_admin = Permission.ADMINISTER in people.permissions_of(app.person)
    if whose != actor and not is_admin:
        raise NotAllowed("Tokens for others are made by admins.")
    problems = []
    if not 0 < len(label.strip()) <= MAX_LABEL:
        problems.append(FieldProblem("label", f"must have 1 to {MAX_LABEL} characters"))
    if not scopes:
        problems.append(FieldProblem("scopes", "must name at least one"))
    if not 0 < days <= MAX_DAYS:
        problems.append(FieldProblem("days", f"must be more than 0 and at most {MAX_DAYS}"))
    if problems:
        raise InvalidInput("The token does not fit.", problems=problems)
    now = app.clock.now()
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        token_id=new_id(),
        operator=whose,
        label=label.strip(),
        scopes=tuple(scope for scope in Permission if scope in set(scopes)),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    with engine.write(app.engine) as conn:
        found = operators.fetch(conn, whose)
        if found is None or not found.is_active:
            raise NotFound("open account", whose, hint="`interlock operator list` lists them.")
        tokens.insert(conn, token, secret_hash=people.hash_secret(secret))
        topics.bump(conn, "people")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="token:make",
            object_=f"token:{token.token_id}",
            after={
                "operator": whose,
                "label": token.label,
                "scopes": [scope.value for scope in token.scopes],
                "expires_at": token.expires_at.isoformat(),
            },
        )
    return Made(token=token, secret=secret)


def list_tokens(app: App) -> list[Token]:
    """Tokens, the newest first: one's own, or everybody's for an admin."""
    person = permitting.resolve(app)
    is_admin = Permission.ADMINISTER in people.permissions_of(person)
    with engine.read(app.engine) as conn:
        return tokens.fetch_many(conn, operator=None if is_admin else person.name)


@command(Permission.SEE)
def end(app: App, token_id: str, *, actor: str, reason: str = "") -> Token:
    """
    Make a token good for nothing: one's own, or anybody's for an admin.

    Raises:
        NotFound: There is no such token that is still good, or it is not theirs.
    """
    assert app.person is not None
    is_admin = Permission.ADMINISTER in people.permissions_of(app.person)
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        token = tokens.fetch(conn, token_id)
        is_theirs = token is not None and (is_admin or token.operator == actor)
        if token is None or not is_theirs or not tokens.end(conn, token_id, now=now):
            raise NotFound("token", token_id, hint="`interlock token list` lists them.")
        topics.bump(conn, "people")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="token:end",
            object_=f"token:{token_id}",
            before={"operator": token.operator, "label": token.label},
            reason=reason.strip(),
        )
    return token


def end_others(app: App, conn: Connection, name: str, *, now: datetime) -> None:
    """End all tokens of a person but the one that asks, as whoever holds it knows the new password."""
    asking = (
        tokens.fetch_with_operator(conn, app.caller.id)
        if app.caller.kind is CallerKind.TOKEN
        else None
    )
    held = tokens.fetch_many(conn, operator=name)
    if asking is None or asking[1].name != name or len(held) >= tokens.MOST:
        tokens.end_all(conn, name, now=now)
        return
    for token in held:
        if token.token_id != asking[0].token_id:
            tokens.end(conn, token.token_id, now=now)


def note_used(app: App) -> None:
    """Note that the token that asks was used; writes once a minute at most."""
    if app.caller.kind is not CallerKind.TOKEN:
        return
    now = app.clock.now()
    with engine.read(app.engine) as conn:
        found = tokens.fetch_with_operator(conn, app.caller.id)
    if found is not None and (
        found[0].used_at is None or now - found[0].used_at >= tokens.USED_EVERY
    ):
        with engine.write(app.engine) as conn:
            tokens.use(conn, found[0].token_id, now=now)
