"""
Law 8: who asks is read anew for every command, where the command is carried out, whatever the door.

`command` is put on every service that changes something. Signing out, closing an account, another
role: each counts from the next command on, whatever a page that was drawn before still shows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection

from interlock.core.errors import NotAllowed, SignedOut
from interlock.core.model import people
from interlock.core.model.people import Caller, CallerKind, Operator, Permission, Person
from interlock.core.services.context import App
from interlock.core.store import engine, operators, sessions, sight, tokens, workflows

VOUCHED_FOR: Final = timedelta(days=30)  # how long tokens outlive a sign-in elsewhere
COMMANDS: Final[dict[str, Permission]] = {}  # "module.function" -> what it asks for

_Service = TypeVar("_Service", bound=Callable[..., Any])


def command(permission: Permission) -> Callable[[_Service], _Service]:
    """
    Carry a service out only for those who may; it finds who asks as `app.person`.

    The service takes the keyword `actor`, the name it is recorded under, which must be the person's own.

    Raises:
        SignedOut: Nobody known asks.
        NotAllowed: They may not do this.
    """

    def guard(service: _Service) -> _Service:
        COMMANDS[f"{service.__module__.rpartition('.')[2]}.{service.__name__}"] = permission

        @functools.wraps(service)
        def guarded(app: App, *args: Any, actor: str, **options: Any) -> Any:
            person = resolve(app, name=actor)
            people.require(person, permission, actor=actor)
            seeing = see(app, person)
            return service(replace(seeing, person=person), *args, actor=actor, **options)

        return cast(_Service, guarded)

    return guard


def resolve(app: App, *, name: str = "") -> Person:
    """
    Who asks, as of now.

    Args:
        app: The parts, with the caller.
        name: What somebody calls themselves whom nobody asks to sign in.

    Raises:
        SignedOut: Nobody known asks.
    """
    caller = app.caller
    if caller.kind is CallerKind.SYSTEM:
        return people.trusted(name or app.settings.operator)
    with engine.glance(app.engine) as conn:
        if caller.kind is CallerKind.LOCAL:
            _require_open(conn)
            return people.trusted(name or app.settings.operator)
        return _find(app, conn, caller)


def enter(app: App, caller: Caller) -> App:
    """
    The parts as somebody at a door gets them.

    Raises:
        SignedOut: Nobody known asks.
    """
    bound = bind(app, caller)
    return see(bound, resolve(bound))


def bind(app: App, caller: Caller, *, origin: str = "", address: str = "") -> App:
    """
    The parts with who asks, whoever that is: nobody has looked yet.

    Args:
        app: The parts of the process.
        caller: Who asks.
        origin: The door, for the audit, where it is not that of the process.
        address: From where, for the audit; empty is not kept.
    """
    options = {engine.ADDRESS: address} if address else {}
    if origin:
        options[engine.ORIGIN] = origin
    bound = app.engine.execution_options(**options) if options else app.engine
    return replace(app, caller=caller, engine=bound)


def see(app: App, person: Person) -> App:
    """The parts with which somebody who belongs to tenants sees the workflows of these, and no others."""
    if not person.tenants:
        return app
    with engine.read(app.engine.execution_options(**{sight.OPTION: None})) as conn:
        seen = workflows_of(conn, person.tenants)
    return replace(app, engine=app.engine.execution_options(**{sight.OPTION: seen}))


def workflows_of(conn: Connection, tenants: Collection[str]) -> frozenset[str]:
    """The workflows of these tenants, among those that this connection sees."""
    policies = workflows.fetch_policies(conn)
    return frozenset(
        name
        for name, policy in policies.items()
        if isinstance(policy, dict) and policy.get("tenant") in tenants
    )


def require_house(app: App, what: str) -> None:
    """
    See that somebody is of the whole house, where what they ask for cannot be told apart by tenant.

    Raises:
        NotAllowed: They belong to tenants.
    """
    if not is_of_house(app):
        raise NotAllowed(f"{what} is of all tenants, and is for those who belong to none.")


def is_of_house(app: App) -> bool:
    """Whether somebody sees every workflow."""
    return _seen(app) is None


def is_seen(app: App, workflow: str) -> bool:
    """Whether somebody sees a workflow, for what is kept beside its tables."""
    seen = _seen(app)
    return seen is None or workflow in seen


def is_about_seen(app: App, text: str) -> bool:
    """The same for a text that begins with the workflow's name: "refunds", "refunds/charge: …"."""
    seen = _seen(app)
    return seen is None or any(
        text == name or text.startswith((f"{name}/", f"{name}: ")) for name in seen
    )


def _seen(app: App) -> frozenset[str] | None:
    found: frozenset[str] | None = app.engine.get_execution_options().get(sight.OPTION)
    return found


def is_sign_in_on(app: App) -> bool:
    """Whether one has to sign in."""
    with engine.read(app.engine) as conn:
        return operators.fetch_sign_in(conn) != ""


def _require_open(conn: Connection) -> None:
    if operators.fetch_sign_in(conn):
        raise SignedOut(
            "One has to sign in here.",
            hint="On the command line, put a token into INTERLOCK_TOKEN;"
            " whoever is signed in makes one on the page People.",
        )


def _find(app: App, conn: Connection, caller: Caller) -> Person:
    now = app.clock.now()
    found: tuple[people.Session, Operator] | tuple[people.Token, Operator] | None
    if caller.kind is CallerKind.SESSION:
        found = sessions.fetch_with_operator(conn, caller.id)
    else:
        found = tokens.fetch_with_operator(conn, caller.id)
    if found is None:
        raise SignedOut("Nobody is known by this.", hint="Sign in.")
    shown, operator = found
    if people.is_over(now, expires_at=shown.expires_at, ended_at=shown.ended_at):
        raise SignedOut(f"This {caller.kind.value} has ended.", hint="Sign in again.")
    if not operator.is_active:
        raise SignedOut(f"The account of {operator.name} is closed.", hint="Ask an admin.")
    if caller.kind is CallerKind.TOKEN:
        _require_vouched(operator, now)
    return Person(
        name=operator.name,
        role=operator.role,
        groups=frozenset(operator.groups),
        tenants=frozenset(operator.tenants),
        scopes=frozenset(shown.scopes) if isinstance(shown, people.Token) else None,
    )


def _require_vouched(operator: Operator, now: datetime) -> None:
    """Whom the provider lets in no more is not heard of here: their tokens end with time."""
    if operator.source == "local":
        return
    if now - (operator.last_sign_in_at or operator.created_at) > VOUCHED_FOR:
        raise SignedOut(
            f"{operator.name} has not signed in for {VOUCHED_FOR.days} days,"
            " so their tokens are not good for now.",
            hint="They are again when their owner signs in; programs do better with a local account.",
        )
