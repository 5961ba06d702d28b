"""Every command by every role, generated from the table: a check that is missing anywhere fails here."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest

from interlock.core import services
from interlock.core.errors import NotAllowed, SignedOut
from interlock.core.model import people
from interlock.core.model.people import MAY, Caller, CallerKind, Operator, Permission, Role, Token
from interlock.core.services import permitting
from interlock.core.services.context import App
from interlock.core.store import engine as engines
from interlock.core.store import operators, tokens

# What takes an actor and is no command: notes of the doors, and what only reads.
NO_COMMANDS = {
    "repeating.begin",
    "repeating.end",
    "repeating.give_up",
    "touring.read",
}
MODULES = {
    found.name: importlib.import_module(f"{services.__name__}.{found.name}")
    for found in pkgutil.iter_modules(services.__path__)
}


def commands() -> dict[str, Callable[..., Any]]:
    found = {}
    for name, module in MODULES.items():
        for attribute, value in vars(module).items():
            is_own = inspect.isfunction(value) and value.__module__ == module.__name__
            if is_own and not attribute.startswith("_"):
                taken = inspect.signature(value).parameters
                if "actor" in taken and next(iter(taken)) == "app" and "conn" not in taken:
                    found[f"{name}.{attribute}"] = value
    return found


COMMANDS = {name: found for name, found in commands().items() if name not in NO_COMMANDS}


def test_every_service_that_takes_an_actor_asks_who_that_is():
    assert set(permitting.COMMANDS) == set(COMMANDS)
    assert set(commands()) >= NO_COMMANDS


def call(name: str, app: App, actor: str) -> None:
    """Call a command with nothing that makes sense: whoever may is refused for that, not as a person."""
    taken = inspect.signature(COMMANDS[name]).parameters.values()
    needed = {p.name: None for p in taken if p.default is p.empty and p.name != "app"}
    COMMANDS[name](app, **(needed | {"actor": actor}))


@pytest.fixture
def known(app) -> Callable[[Role, frozenset[str], tuple[Permission, ...]], App]:
    def make(role, groups=frozenset(), scopes=tuple(Permission)) -> App:
        now = app.clock.now()
        operator = Operator(
            name="ann", role=role, groups=tuple(groups), created_at=now, updated_at=now
        )
        token = Token(
            token_id="t1",
            operator="ann",
            label="test",
            scopes=scopes,
            created_at=now,
            expires_at=now.replace(year=now.year + 1),
        )
        with engines.write(app.engine) as conn:
            operators.insert(conn, operator, password_hash=None)
            tokens.insert(conn, token, secret_hash=people.hash_secret("s"))
            operators.set_sign_in(conn, "local", by="test", now=now)
        return permitting.bind(app, Caller(CallerKind.TOKEN, people.hash_secret("s")))

    return make


def is_let_in(name: str, app: App, actor: str = "ann") -> bool:
    try:
        call(name, app, actor)
    except NotAllowed as refused:
        return "may not" not in str(refused) and "cannot act as" not in str(refused)
    except Exception:
        return True
    return True


@pytest.mark.parametrize("role", Role)
def test_every_command_lets_in_the_roles_of_the_table_and_no_other(known, role):
    app = known(role)
    wrong = {
        name: permission
        for name, permission in permitting.COMMANDS.items()
        if is_let_in(name, app) is not (permission in MAY[role])
    }
    assert wrong == {}


def test_a_viewer_in_a_group_is_let_in_to_decide_and_nothing_else(known):
    app = known(Role.VIEWER, frozenset({"finance"}))
    let_in = {permitting.COMMANDS[name] for name in COMMANDS if is_let_in(name, app)}
    assert let_in == {Permission.SEE, Permission.DECIDE}


@pytest.mark.parametrize("scope", Permission)
def test_a_token_lets_in_to_what_its_scope_names(known, scope):
    app = known(Role.ADMIN, scopes=(scope,))
    assert {n for n in COMMANDS if is_let_in(n, app)} == {
        name for name, needed in permitting.COMMANDS.items() if needed is scope
    }


def test_nobody_is_let_in_under_another_name(known):
    app = known(Role.ADMIN)
    assert [name for name in COMMANDS if is_let_in(name, app, actor="bob")] == []


def test_nobody_unknown_is_let_in_anywhere(known, app):
    known(Role.ADMIN)
    unknown = Caller(CallerKind.SESSION, people.hash_secret("made up"))
    for caller in (people.LOCAL, unknown):
        for name in COMMANDS:
            with pytest.raises(SignedOut):
                call(name, permitting.bind(app, caller), "ann")
