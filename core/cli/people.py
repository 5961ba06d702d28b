"""Commands for people: accounts, and whether one has to sign in."""

from __future__ import annotations

import getpass
import sys
from datetime import datetime
from typing import Annotated

import typer

from interlock.core.cli import printing, reading
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.errors import UsageError
from interlock.core.model.people import Operator, Role
from interlock.core.services import opening, operators
from interlock.core.services.context import App
from interlock.core.services.operators import Change
from interlock.core.types import Json

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of the account.")]
RoleOption = Annotated[
    Role | None, typer.Option("--role", metavar="ROLE", help="viewer, operator or admin.")
]
GroupOption = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="NAME", help="A group of approvers; repeatable, '' for none."),
]
TenantOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tenant", metavar="NAME", help="See the workflows of this tenant alone; repeatable."
    ),
]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin, its first line.")
]


def list_operators(call: Call) -> None:
    """List the accounts."""
    found = operators.list_operators(call.open())
    if call.as_json:
        printing.print_json([of_operator(each) for each in found])
        return
    printing.print_table(
        ["name", "role", "groups", "tenants", "signs in by", "open", "last sign-in"],
        [
            (
                each.name,
                each.role.value,
                ", ".join(each.groups),
                ", ".join(each.tenants),
                each.source,
                "yes" if each.is_active else "no",
                reading.when(each.last_sign_in_at),
            )
            for each in found
        ],
        empty="There are no accounts.",
        whole=["name"],
    )


def add(
    call: Call,
    name: NameArgument,
    role: RoleOption = None,
    group: GroupOption = None,
    tenant: TenantOption = None,
    password_stdin: StdinOption = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For a program, which signs in by a token alone.")
    ] = False,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Make an account. Needs no token while there is no admin."""
    app = _enter_for_adding(call)
    actor = actor_of(app, who)
    password = None if no_password else _read_password(from_stdin=password_stdin)
    made = operators.add(
        app,
        name,
        role=role or Role.VIEWER,
        groups=_words(group) or (),
        tenants=_words(tenant) or (),
        password=password,
        actor=actor,
        reason=reason,
    )
    _print(call, of_operator(made), f"{made.name} may sign in, as {made.role.value}.")


def change(
    call: Call,
    name: NameArgument,
    role: RoleOption = None,
    group: GroupOption = None,
    tenant: TenantOption = None,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Change the role, groups or tenants of an account. It counts from their next command on."""
    app = call.open()
    wanted = Change(role=role, groups=_words(group), tenants=_words(tenant))
    changed = operators.change(app, name, wanted, actor=actor_of(app, who), reason=reason)
    _print(call, of_operator(changed), f"{name} is changed.")


def close(call: Call, name: NameArgument, reason: ReasonOption = "", who: AsOption = None) -> None:
    """Close an account; its sessions and tokens end."""
    app = call.open()
    wanted = Change(is_active=False)
    changed = operators.change(app, name, wanted, actor=actor_of(app, who), reason=reason)
    _print(call, of_operator(changed), f"The account of {name} is closed.")


def reopen(call: Call, name: NameArgument, reason: ReasonOption = "", who: AsOption = None) -> None:
    """Open a closed account again."""
    app = call.open()
    wanted = Change(is_active=True)
    changed = operators.change(app, name, wanted, actor=actor_of(app, who), reason=reason)
    _print(call, of_operator(changed), f"The account of {name} is open.")


def password(
    call: Call,
    name: NameArgument,
    password_stdin: StdinOption = False,
    recover: Annotated[
        bool,
        typer.Option("--recover", help="Without a token, as whoever holds the database."),
    ] = False,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Give an account another password; its sessions end."""
    if recover:
        app = call.open_unasked()
        operators.get_operator(app, name)
        changed = opening.recover(app, name, _read_password(from_stdin=password_stdin))
    else:
        app = call.open()
        actor = actor_of(app, who)
        wanted = Change(password=_read_password(from_stdin=password_stdin))
        changed = operators.change(app, name, wanted, actor=actor, reason=reason)
    _print(call, of_operator(changed), f"{name} has another password.")


def show_sign_in(call: Call) -> None:
    """Show whether and how one has to sign in."""
    app = call.open_unasked()
    kept, has_admin = operators.read_sign_in(app), opening.has_admin(app)
    if call.as_json:
        printing.print_json({"sign_in": kept or "none", "has_admin": has_admin})
        return
    told = f"One signs in by {kept}." if kept else "Nobody has to sign in."
    printing.print_text(told)
    if kept == "local" and not has_admin:
        printing.print_text(f"There is no admin yet. {opening.FIRST}")


def end_sign_in(call: Call, reason: ReasonOption = "") -> None:
    """Let nobody have to sign in any more, as whoever holds the database wants it."""
    was_on = opening.end_sign_in(call.open_unasked(), reason=reason)
    told = "Nobody has to sign in any more." if was_on else "Nobody had to sign in."
    _print(call, {"sign_in": "none", "was_on": was_on}, told)
    if was_on and not call.as_json:
        printing.say(
            "It is kept in the audit. Start Interlock without INTERLOCK_SIGN_IN, which would turn it on again."
        )


def of_operator(each: Operator) -> dict[str, Json]:
    """One entry of `operator list`."""
    return {
        "name": each.name,
        "role": each.role.value,
        "groups": list(each.groups),
        "tenants": list(each.tenants),
        "source": each.source,
        "is_active": each.is_active,
        "has_password": each.has_password,
        "created_at": _iso(each.created_at),
        "last_sign_in_at": _iso(each.last_sign_in_at),
    }


def _enter_for_adding(call: Call) -> App:
    app = call.open_unasked()
    if app.settings.token is None and not opening.has_admin(app):
        return opening.enter_as_first(app)
    return call.open()


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not _has_terminal():
        raise UsageError("There is no terminal to ask for a password; use --password-stdin.")
    typed = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != typed:
        raise UsageError("The two are not the same.")
    return typed


def _has_terminal() -> bool:
    return sys.stdin.isatty()


def _words(given: list[str] | None) -> list[str] | None:
    return None if given is None else [word for word in given if word]


def _print(call: Call, document: Json, text: str) -> None:
    if call.as_json:
        printing.print_json(document)
    else:
        printing.print_text(text)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
