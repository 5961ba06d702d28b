"""
Opening the door: what the settings ask of sign-in is kept in the database, where all doors read it.

Whoever holds the database can do all that is in it; the ways back in are here, and are written down.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.core.errors import FieldProblem, InvalidInput, NotAllowed
from interlock.core.model.people import SYSTEM, Operator
from interlock.core.services import operators
from interlock.core.services.context import App
from interlock.core.services.operators import Change
from interlock.core.settings import Settings
from interlock.core.store import engine
from interlock.core.store import operators as kept

ACTOR = "interlock"  # under which a start changes how one signs in
FIRST = "`interlock operator add NAME --role admin` makes the first admin; it asks for a password."


def open_door(app: App) -> str:
    """
    See that how one signs in is as the settings say, for every door of this database.

    Returns:
        What is still missing before anybody can sign in; empty if nothing is.

    Raises:
        InvalidInput: A setting that this way to sign in needs is missing, or nobody would have to
            sign in any more where one has to.
    """
    require_settings(app.settings)
    wanted = "" if app.settings.sign_in == "none" else app.settings.sign_in
    if not wanted:
        _refuse_quiet_end(app)
        return ""
    by_us = replace(app, caller=SYSTEM)
    operators.set_sign_in(by_us, wanted, actor=ACTOR, reason="as INTERLOCK_SIGN_IN says")
    return FIRST if wanted == "local" and not has_admin(app) else ""


def require_settings(settings: Settings) -> None:
    """
    See that all is set that the way to sign in needs.

    Raises:
        InvalidInput: Something is missing; each is named with its variable.
    """
    needed: dict[str, object] = {}
    if settings.sign_in == "oidc":
        needed = {"OIDC_ISSUER": settings.oidc_issuer, "OIDC_CLIENT_ID": settings.oidc_client_id}
    elif settings.sign_in == "proxy":
        needed = {"TRUSTED_PROXIES": settings.trusted_proxies}
    problems = [
        FieldProblem(f"INTERLOCK_{name}", f"is needed to sign in by {settings.sign_in}")
        for name, value in needed.items()
        if not value
    ]
    if needed and "admin" not in dict(settings.sign_in_roles or ()).values():
        told = 'must lead to the role admin, for example {"interlock-admins": "admin"}'
        problems.append(FieldProblem("INTERLOCK_SIGN_IN_ROLES", told))
    if problems:
        raise InvalidInput("Nobody could sign in:", problems=problems)


def has_admin(app: App) -> bool:
    """Whether there is an admin whose account is open."""
    with engine.read(app.engine) as conn:
        return kept.count_admins(conn) > 0


def enter_as_first(app: App) -> App:
    """
    The parts for whoever holds the database and makes the first admin.

    Raises:
        NotAllowed: There is an admin, who can make others.
    """
    if has_admin(app):
        raise NotAllowed(
            "There is an admin already.",
            hint="Put a token of theirs into INTERLOCK_TOKEN, or let them add people on the page People.",
        )
    return enter_as_holder(app)


def enter_as_holder(app: App) -> App:
    """The parts for whoever holds the database, and so may do all that is in it; under their own name."""
    return replace(app, caller=SYSTEM)


def recover(app: App, name: str, password: str) -> Operator:
    """
    Give an account another password, for whoever holds the database; a closed one is opened.

    Raises:
        NotFound: There is none of this name.
        InvalidInput: The password does not fit, or they sign in elsewhere.
    """
    return operators.change(
        enter_as_holder(app),
        name,
        Change(password=password, is_active=True),
        actor=app.settings.operator,
        reason="recovery by whoever holds the database",
    )


def end_sign_in(app: App, *, reason: str = "") -> bool:
    """
    Let everybody in again who reaches a door, as whoever holds the database wants it.

    Returns:
        Whether one had to sign in before.
    """
    if not operators.read_sign_in(app):
        return False
    holder = enter_as_holder(app)
    operators.set_sign_in(holder, "", actor=app.settings.operator, reason=reason)
    return True


def _refuse_quiet_end(app: App) -> None:
    before = operators.read_sign_in(app)
    if before:
        raise InvalidInput(
            "One has to sign in on this database, and the settings say that nobody has to:",
            problems=[FieldProblem("INTERLOCK_SIGN_IN", f"is none, and was {before}")],
            hint=f"Set INTERLOCK_SIGN_IN={before}; or run `interlock sign-in off`, if nobody shall have to"
            " sign in any more.",
        )
