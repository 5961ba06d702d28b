"""
Sessions: every way to sign in ends in the same row, which can be ended here at any moment.

A password is tried against the account by name; wrong ones in a row make the name and the address wait.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.errors import FieldProblem, InvalidInput, NotAllowed, NotFound, RateLimited
from interlock.core.model import people
from interlock.core.model.people import CallerKind, Operator, Permission, Role, Session
from interlock.core.services import passwords, permitting, token_keeping
from interlock.core.services.context import App
from interlock.core.services.permitting import command
from interlock.core.store import audit, engine, operators, sessions, topics, workflows
from interlock.core.types import Json

_WRONG = "The name or the password is wrong."


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A session that was opened; the secret goes into the browser's cookie and is kept nowhere else."""

    secret: str
    session: Session
    operator: Operator


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Somebody whom an identity provider or a proxy vouches for; None for what it does not say."""

    name: str
    method: str
    role: Role | None = None
    groups: Sequence[str] | None = None
    tenants: Sequence[str] | None = None


def sign_in(app: App, name: str, password: str, *, address: str = "", agent: str = "") -> SignedIn:
    """
    Sign in with a password.

    Args:
        app: The parts.
        name: Of the account.
        password: As it was typed.
        address: From where.
        agent: What the browser calls itself.

    Raises:
        RateLimited: Too many wrong passwords for this name, or from this address; it says when again.
        NotAllowed: The name or the password is wrong, or the account is closed; not told apart. Or one
            signs in otherwise here.
    """
    keys = _keys_of(name, address)
    begun = _begin_try(app, keys)
    with engine.read(app.engine) as conn:
        hashed = operators.fetch_password_hash(conn, name)
    is_right = passwords.verify(password, hashed)
    with engine.write(app.engine) as conn:
        _require_method(conn, "local")
        operator = operators.fetch(conn, name) if is_right else None
        if operator is not None and operator.is_active:
            _end_try(conn, begun)
            return _open(app, conn, operator, method="local", address=address, agent=agent)
        _tell_refused(conn, keys, now=app.clock.now())
    raise NotAllowed(_WRONG)


def admit(app: App, known: Elsewhere, *, address: str = "", agent: str = "") -> SignedIn:
    """
    Open a session for somebody who has signed in elsewhere; their account is made or brought level.

    Where workflows belong to tenants and nothing says to which somebody new does, their account is made
    closed: without tenants they would see everything.

    Raises:
        InvalidInput: The name or a group does not fit.
        NotAllowed: The account is closed here, or is one of this name that signs in otherwise, or an
            admin has to open it first; or one signs in otherwise here.
    """
    name = people.read_name(known.name)
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        _require_method(conn, known.method)
        before = operators.fetch(conn, name)
        is_waiting = before is None and _is_to_wait(conn, known)
        if before is None:
            operator = _make(conn, known, name, now, is_active=not is_waiting)
        elif before.source != known.method:
            raise NotAllowed(f"There is an account {name!r} that signs in otherwise.")
        elif not before.is_active:
            raise NotAllowed(f"The account of {name} is closed.")
        else:
            operator = _bring_level(conn, before, known, now)

        def tell_level() -> None:
            if operator is not before:
                _tell_level(conn, before, operator, now)

        if not is_waiting:
            return _open(
                app,
                conn,
                operator,
                method=known.method,
                address=address,
                agent=agent,
                tell_first=tell_level,
            )
        topics.bump(conn, "people")
        _tell_level(conn, None, operator, now)
    raise NotAllowed(
        f"The account of {name} is made, and closed for now: an admin has to say of which tenants"
        f" {name} is, and open it.",
        hint=f"`interlock operator change {name} --tenant …` and `interlock operator open {name}`,"
        " or the page People.",
    )


def sign_out(app: App) -> bool:
    """End the session that asks; False if it had ended, or nobody had to sign in."""
    if app.caller.kind is not CallerKind.SESSION:
        return False
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        session = sessions.fetch(conn, app.caller.id)
        if session is None or not sessions.end(conn, session.session_id, now=now):
            return False
        topics.bump(conn, "people")
        _tell(conn, session, action="sign-out", actor=session.operator, now=now)
    return True


def list_sessions(app: App) -> list[Session]:
    """Open sessions, the newest first: one's own, or everybody's for an admin."""
    person = permitting.resolve(app)
    is_admin = Permission.ADMINISTER in people.permissions_of(person)
    with engine.read(app.engine) as conn:
        return sessions.fetch_open(
            conn, now=app.clock.now(), operator=None if is_admin else person.name
        )


@command(Permission.SEE)
def end_session(app: App, session_id: str, *, actor: str, reason: str = "") -> Session:
    """
    End a session: one's own, or anybody's for an admin.

    Raises:
        NotFound: There is no such open session, or it is not theirs.
    """
    assert app.person is not None
    is_admin = Permission.ADMINISTER in people.permissions_of(app.person)
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        session = sessions.fetch(conn, session_id)
        is_theirs = session is not None and (is_admin or session.operator == actor)
        if session is None or not is_theirs or not sessions.end(conn, session_id, now=now):
            raise NotFound("open session", session_id[:12])
        topics.bump(conn, "people")
        _tell(conn, session, action="session:end", actor=actor, now=now, reason=reason.strip())
    return session


@command(Permission.SEE)
def change_password(app: App, current: str, new: str, *, actor: str) -> None:
    """
    Change one's own password; one's other sessions and one's tokens end.

    Raises:
        InvalidInput: The current one is wrong, the new one does not fit, or nobody signs in with one here.
        RateLimited: Too many wrong ones; it says when again.
    """
    keys = _keys_of(actor, "")
    begun = _begin_try(app, keys)
    with engine.read(app.engine) as conn:
        hashed = operators.fetch_password_hash(conn, actor)
    is_right = passwords.verify(current, hashed)
    kept = passwords.hash_new(new, name=actor) if is_right else None
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        if kept is None:
            _tell_refused(conn, keys, now=now)
        else:
            _end_try(conn, begun)
            operators.change(conn, actor, {"password_hash": kept, "updated_at": now})
            sessions.end_all(conn, actor, now=now, but=app.caller.id)
            token_keeping.end_others(app, conn, actor, now=now)
            topics.bump(conn, "people")
            audit.append(
                conn,
                at=now,
                actor=actor,
                action="operator:change",
                object_=f"operator:{actor}",
                after={"password": "changed"},
            )
    if kept is None:
        problem = FieldProblem("current password", "is wrong")
        raise InvalidInput("The password was not changed.", problems=[problem])


def note_seen(app: App) -> None:
    """Note that a session is in use; writes once a minute at most."""
    if app.caller.kind is CallerKind.SESSION:
        now = app.clock.now()
        with engine.read(app.engine) as conn:
            session = sessions.fetch(conn, app.caller.id)
        if session is not None and now - session.seen_at >= sessions.SEEN_EVERY:
            with engine.write(app.engine) as conn:
                sessions.see(conn, session.session_id, now=now)


def _open(
    app: App,
    conn: Connection,
    operator: Operator,
    *,
    method: str,
    address: str,
    agent: str,
    tell_first: Callable[[], None] = lambda: None,
) -> SignedIn:
    """Open a session; `tell_first` adds to the audit, whose end is locked from then on."""
    now = app.clock.now()
    secret = secrets.token_urlsafe(32)
    session = Session(
        session_id=people.hash_secret(secret),
        operator=operator.name,
        method=method,
        created_at=now,
        expires_at=now + timedelta(hours=app.settings.session_hours),
        seen_at=now,
        address=address,
        agent=agent,
    )
    sessions.forget(conn, until=now - timedelta(days=30))
    sessions.insert(conn, session)
    operators.change(conn, operator.name, {"last_sign_in_at": now})
    topics.bump(conn, "people")
    tell_first()
    _tell(conn, session, action="sign-in", actor=operator.name, now=now)
    return SignedIn(secret=secret, session=session, operator=operator)


def _require_method(conn: Connection, method: str) -> None:
    """Another process may have said since this one was started how one signs in."""
    if operators.fetch_sign_in(conn) not in ("", method):
        raise NotAllowed("Here one signs in otherwise.")


def _is_to_wait(conn: Connection, known: Elsewhere) -> bool:
    """Whether somebody new would see all tenants as nobody said of which they are."""
    if known.tenants is not None:
        return False
    if known.role is Role.ADMIN and not operators.count_admins(conn):
        return False  # the first admin: nobody else could open their account
    policies = workflows.fetch_policies(conn).values()
    return any(isinstance(policy, dict) and policy.get("tenant") for policy in policies)


def _make(
    conn: Connection, known: Elsewhere, name: str, now: datetime, *, is_active: bool
) -> Operator:
    new = Operator(
        name=name,
        role=known.role or Role.VIEWER,
        groups=people.read_words(list(known.groups or ()), what="groups"),
        tenants=people.read_words(list(known.tenants or ()), what="tenants"),
        source=known.method,
        is_active=is_active,
        created_at=now,
        updated_at=now,
    )
    operators.insert(conn, new, password_hash=None)
    return new


def _bring_level(conn: Connection, operator: Operator, known: Elsewhere, now: datetime) -> Operator:
    """What the other side says of role, groups and tenants is so from now on, in all open sessions."""
    values: dict[str, Json] = {}
    if known.role is not None and known.role is not operator.role:
        values["role"] = known.role.value
    for column, given in (("groups", known.groups), ("tenants", known.tenants)):
        if given is not None:
            words = list(people.read_words(list(given), what=column))
            if words != list(getattr(operator, column)):
                values[column] = words
    if not values:
        return operator
    operators.change(conn, operator.name, values | {"updated_at": now})
    after = operators.fetch(conn, operator.name)
    assert after is not None
    return after


def _tell_level(conn: Connection, before: Operator | None, after: Operator, now: datetime) -> None:
    def show(operator: Operator) -> Json:
        return {
            "role": operator.role.value,
            "groups": list(operator.groups),
            "tenants": list(operator.tenants),
            "source": operator.source,
            "is_active": operator.is_active,
        }

    audit.append(
        conn,
        at=now,
        actor=after.name,
        action="operator:level",
        object_=f"operator:{after.name}",
        before=None if before is None else show(before),
        after=show(after),
        reason=f"as told by {after.source}",
    )


def _tell(
    conn: Connection, session: Session, *, action: str, actor: str, now: datetime, reason: str = ""
) -> None:
    audit.append(
        conn,
        at=now,
        actor=actor,
        action=action,
        object_=f"operator:{session.operator}",
        after={
            "session": session.session_id[:12],
            "method": session.method,
            "address": session.address,
        },
        reason=reason,
    )


def _keys_of(name: str, address: str) -> tuple[str, ...]:
    return (sessions.key_of(name), *((f"from:{address}",) if address else ()))


@dataclass(frozen=True)
class _Try:
    """A password that is being looked at, and what was counted before it, by name and by address."""

    at: datetime
    before: Mapping[str, tuple[int, datetime] | None]


def _begin_try(app: App, keys: Sequence[str]) -> _Try:
    """
    Count a try as wrong before it is looked at, so that many at the same moment count as many.

    Raises:
        RateLimited: There were too many; it says when again.
    """
    with engine.write(app.engine) as conn:
        now = app.clock.now()
        for key in sorted(keys):  # one order: two tries must not wait for each other
            sessions.lock_failures(conn, key)
        found = {key: sessions.fetch_failure(conn, key) for key in keys}
        again = [at + people.wait_after(count) for count, at in filter(None, found.values())]
        wait_s = max(((at - now).total_seconds() for at in again), default=0.0)
        if wait_s > 0:
            raise RateLimited(
                f"Too many wrong passwords; try again in {math.ceil(wait_s)} s.",
                name="sign-in",
                now=now,
                wait_s=wait_s,
            )
        for key, before in found.items():
            is_old = before is not None and now - before[1] >= people.FORGOTTEN_AFTER
            count = 0 if before is None or is_old else before[0]
            sessions.keep_failure(conn, key, count=count + 1, now=now)
        sessions.forget_failures(conn, until=now - timedelta(days=1))
    return _Try(now, found)


def _end_try(conn: Connection, begun: _Try) -> None:
    """The password was right: the name is forgiven, of the address only this try is taken back."""
    # One right password must not pay for guessing others.
    name, *address = begun.before
    sessions.forgive(conn, name)
    for key in address:
        sessions.take_back_failure(conn, key, begun.before[key], now=begun.at)


def _tell_refused(conn: Connection, keys: Sequence[str], *, now: datetime) -> None:
    name = keys[0].removeprefix("name:")
    audit.append(conn, at=now, actor=name, action="sign-in:refused", object_=f"operator:{name}")
