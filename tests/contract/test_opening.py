"""The door of a database: opened by a start, never closed or left open by a variable that was forgotten."""

from __future__ import annotations

import pytest

from interlock.core.errors import InvalidInput, NotAllowed, NotFound, RateLimited, SignedOut
from interlock.core.model.audit_lists import AuditFilter
from interlock.core.model.people import LOCAL, SYSTEM, Caller, CallerKind, Role, hash_secret
from interlock.core.queue.local import LocalQueue
from interlock.core.services import auditing, opening, operators, permitting, signing_in
from interlock.core.services.context import App
from interlock.core.services.operators import Change
from interlock.core.settings import Settings
from interlock.core.store import engine
from interlock.core.store import operators as kept

pytestmark = pytest.mark.usefixtures("quick_passwords")

PASSWORD = "correct horse battery"


@pytest.fixture
def open_app(engine, frozen, tmp_path):
    def open_(caller=LOCAL, **settings) -> App:
        read = Settings(data_dir=tmp_path, **settings)
        return App(read, engine, LocalQueue(), frozen, caller=caller)

    return open_


def entries(app, action):
    found = auditing.list_entries(app, AuditFilter(action=action)).entries
    return [(entry.actor, entry.after, entry.reason) for entry in found]


def test_a_start_turns_it_on_once_and_says_what_is_missing(open_app):
    web = open_app(SYSTEM, sign_in="local")
    assert "interlock operator add" in opening.open_door(web)
    opening.open_door(web)
    assert entries(web, "sign-in:mode") == [
        ("interlock", {"sign_in": "local"}, "as INTERLOCK_SIGN_IN says")
    ]
    with pytest.raises(SignedOut):
        permitting.resolve(open_app())
    operators.add(web, "root", role=Role.ADMIN, actor="setup")
    assert opening.open_door(web) == ""
    opening.open_door(
        open_app(SYSTEM, sign_in="proxy", trusted_proxies=("::1",), sign_in_roles={"a": "admin"})
    )
    assert operators.read_sign_in(web) == "proxy"


def test_a_start_without_it_is_refused_until_it_is_ended_on_purpose(open_app):
    opening.open_door(open_app(SYSTEM, sign_in="local"))
    forgetful = open_app(SYSTEM)
    with pytest.raises(InvalidInput, match="interlock sign-in off"):
        opening.open_door(forgetful)
    holder = open_app(operator="the holder")
    assert opening.end_sign_in(holder, reason="a test")
    assert not opening.end_sign_in(holder)
    assert opening.open_door(forgetful) == ""
    assert entries(forgetful, "sign-in:mode")[0] == ("the holder", {"sign_in": ""}, "a test")


def test_the_first_admin_is_made_by_whoever_holds_the_database(open_app):
    opening.open_door(open_app(SYSTEM, sign_in="local"))
    holder = open_app()
    first = opening.enter_as_first(holder)
    operators.add(first, "root", role=Role.ADMIN, actor=first.settings.operator)
    with pytest.raises(NotAllowed, match="There is an admin already"):
        opening.enter_as_first(holder)


def test_whoever_holds_the_database_gets_back_in(open_app):
    web = open_app(SYSTEM, sign_in="local")
    for name in ("root", "ann"):
        operators.add(web, name, role=Role.ADMIN, password=PASSWORD, actor="setup")
    opening.open_door(web)
    opened = signing_in.sign_in(web, "ann", PASSWORD)
    operators.change(web, "ann", Change(is_active=False), actor="root")
    with pytest.raises(NotFound):
        opening.recover(open_app(), "nobody", PASSWORD)
    recovered = opening.recover(open_app(operator="the holder"), "ann", "another horse battery")
    assert recovered.is_active
    with pytest.raises(SignedOut):
        permitting.resolve(
            permitting.bind(web, Caller(CallerKind.SESSION, hash_secret(opened.secret)))
        )
    signing_in.sign_in(web, "ann", "another horse battery")
    (actor, after, reason) = entries(web, "operator:change")[0]
    assert (actor, reason) == ("the holder", "recovery by whoever holds the database")
    assert "password" in after  # that it changed, not what to


def test_whoever_is_let_back_in_need_not_wait_for_the_wrong_tries_before(open_app):
    web = open_app(SYSTEM, sign_in="local")
    operators.add(web, "root", role=Role.ADMIN, password=PASSWORD, actor="setup")
    for _ in range(6):
        with pytest.raises((NotAllowed, RateLimited)):
            signing_in.sign_in(web, "root", "wrong")
    opening.recover(open_app(), "root", "another horse battery")
    signing_in.sign_in(web, "root", "another horse battery")


def test_an_admin_with_tenants_is_not_the_first(open_app):
    web = open_app(SYSTEM, sign_in="local")
    operators.add(web, "ann", role=Role.ADMIN, actor="setup")
    operators.add(web, "eve", role=Role.ADMIN, tenants=["emea"], actor="setup")
    with engine.write(web.engine) as conn:
        kept.change(conn, "ann", {"is_active": False})  # as a database of before may have it
    assert not opening.has_admin(web)
    assert "interlock operator add" in opening.open_door(web)
    operators.add(opening.enter_as_first(open_app()), "root", role=Role.ADMIN, actor="local")
    assert opening.has_admin(web)


def test_one_changes_ones_own_password_by_the_one_that_holds(open_app):
    web = open_app(SYSTEM, sign_in="local")
    operators.add(web, "ann", role=Role.VIEWER, password=PASSWORD, actor="setup")
    here, there = (
        permitting.bind(web, Caller(CallerKind.SESSION, hash_secret(opened.secret)))
        for opened in (signing_in.sign_in(web, "ann", PASSWORD) for _ in range(2))
    )
    for current, new in (("wrong", "another horse battery"), (PASSWORD, "short")):
        with pytest.raises(InvalidInput):
            signing_in.change_password(here, current, new, actor="ann")
    permitting.resolve(there)
    signing_in.change_password(here, PASSWORD, "another horse battery", actor="ann")
    permitting.resolve(here)
    with pytest.raises(SignedOut):
        permitting.resolve(there)
    signing_in.sign_in(web, "ann", "another horse battery")
