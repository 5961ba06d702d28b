"""Accounts, sessions and tokens on both databases: what is changed counts from the next command on."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from interlock.core.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    RateLimited,
    SignedOut,
)
from interlock.core.model import people
from interlock.core.model.people import SYSTEM, Caller, CallerKind, Permission, Role
from interlock.core.queue.local import LocalQueue
from interlock.core.services import auditing, operators, passwords, permitting, signing_in
from interlock.core.services import token_keeping as tokens
from interlock.core.services.context import App
from interlock.core.services.operators import Change
from interlock.core.services.signing_in import Elsewhere
from interlock.core.settings import Settings
from interlock.core.store import audit
from interlock.core.store import engine as engines

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Argon2 as fast as it goes: what it costs is not what is tested here."""
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    monkeypatch.setattr(passwords, "_hasher", lambda: cheap)
    passwords._decoy.cache_clear()
    yield
    passwords._decoy.cache_clear()


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen, caller=SYSTEM)


@pytest.fixture
def team(app) -> App:
    operators.add(app, "root", role=Role.ADMIN, password=PASSWORD, actor="setup")
    operators.add(
        app, "ann", role=Role.OPERATOR, groups=["finance"], password=PASSWORD, actor="root"
    )
    operators.set_sign_in(app, "local", actor="root")
    return app


def as_(app, signed) -> App:
    caller = Caller(CallerKind.SESSION, people.hash_secret(signed.secret))
    return permitting.bind(app, caller, origin="web", address="192.0.2.7")


def with_token(app, made) -> App:
    return permitting.bind(app, Caller(CallerKind.TOKEN, people.hash_secret(made.secret)))


def enter(app, name="ann") -> App:
    return as_(app, signing_in.sign_in(app, name, PASSWORD, address="192.0.2.7"))


def actions(app) -> list[tuple[str, str, str]]:
    with engines.read(app.engine) as conn:
        found = audit.fetch_many(conn, limit=100)
        assert audit.verify(conn) is None
    return [(entry.actor, entry.action, entry.object) for entry in reversed(found)]


def test_whoever_signs_in_is_who_the_account_says(team):
    ann = permitting.resolve(enter(team))
    assert (ann.name, ann.role, ann.groups) == ("ann", Role.OPERATOR, {"finance"})
    assert not ann.is_trusted
    assert operators.get_operator(team, "ann").last_sign_in_at == team.clock.now()


def test_a_wrong_password_a_closed_account_and_no_account_are_told_alike(team):
    operators.change(team, "ann", Change(is_active=False), actor="root")
    told = set()
    for name, password in (
        ("root", "wrong"),
        ("ann", PASSWORD),
        ("nobody", PASSWORD),
        ("root", "x" * 999),
    ):
        with pytest.raises(NotAllowed) as caught:
            signing_in.sign_in(team, name, password)
        told.add(str(caught.value))
    assert len(told) == 1


def test_guessing_makes_the_name_and_the_address_wait(team, frozen):
    for _ in range(people.FREE_TRIES):
        with pytest.raises(NotAllowed):
            signing_in.sign_in(team, "ann", "wrong", address="192.0.2.7")
    for name, address in (("ann", "192.0.2.8"), ("root", "192.0.2.7")):
        with pytest.raises(RateLimited, match="try again in 1 s"):
            signing_in.sign_in(team, name, PASSWORD, address=address)
    frozen.advance(seconds=1)
    enter(team)
    with pytest.raises(NotAllowed):
        signing_in.sign_in(team, "root", "wrong", address="192.0.2.7")
    with pytest.raises(RateLimited, match="try again in 2 s"):
        enter(team, "root")


def test_wrong_passwords_at_the_same_moment_count_each(team):
    def guess(_number: int) -> type[Exception]:
        with pytest.raises((NotAllowed, RateLimited)) as caught:
            signing_in.sign_in(team, "ann", "wrong", address="192.0.2.7")
        return caught.type

    tries = 3 * people.FREE_TRIES
    with ThreadPoolExecutor(tries) as pool:
        told = Counter(pool.map(guess, range(tries)))
    assert told == {NotAllowed: people.FREE_TRIES, RateLimited: 2 * people.FREE_TRIES}


def test_a_new_password_forgives_the_wrong_ones_before_it(team):
    for _ in range(people.FREE_TRIES + 1):
        with pytest.raises((NotAllowed, RateLimited)):
            signing_in.sign_in(team, "ann", "wrong")
    operators.change(team, "ann", Change(password="another long password"), actor="root")
    assert signing_in.sign_in(team, "ann", "another long password").operator.name == "ann"


def test_wrong_passwords_are_forgotten_after_an_hour(team, frozen):
    for _ in range(people.FREE_TRIES - 1):
        with pytest.raises(NotAllowed):
            signing_in.sign_in(team, "ann", "wrong", address="192.0.2.7")
    frozen.advance(seconds=people.FORGOTTEN_AFTER.total_seconds())
    with pytest.raises(NotAllowed):
        signing_in.sign_in(team, "ann", "wrong", address="192.0.2.7")
    enter(team)


def test_signing_out_counts_from_the_next_command_on(team):
    ann = enter(team)
    assert signing_in.sign_out(ann)
    assert not signing_in.sign_out(ann)
    with pytest.raises(SignedOut, match="has ended"):
        permitting.resolve(ann)
    assert not signing_in.sign_out(team)


def test_a_session_runs_out(team, frozen):
    ann = enter(team)
    frozen.advance(seconds=12 * 3600)
    with pytest.raises(SignedOut):
        permitting.resolve(ann)


def test_another_role_counts_from_the_next_command_on(team):
    root = enter(team, "root")
    ann = enter(team)
    with pytest.raises(NotAllowed, match="role admin"):
        operators.add(ann, "eve", role=Role.ADMIN, actor="ann")
    operators.change(
        root, "ann", Change(role=Role.ADMIN, groups=()), actor="root", reason="promoted"
    )
    operators.add(ann, "eve", role=Role.VIEWER, actor="ann")
    with pytest.raises(NotAllowed, match="cannot act as 'root'"):
        operators.add(ann, "mal", role=Role.VIEWER, actor="root")


def test_closing_an_account_ends_its_sessions_and_tokens(team):
    ann = enter(team)
    made = tokens.make(ann, "ci", scopes=[Permission.SEE], days=30, actor="ann")
    operators.change(team, "ann", Change(is_active=False), actor="root")
    for gone in (ann, with_token(team, made)):
        with pytest.raises(SignedOut):
            permitting.resolve(gone)
    operators.change(team, "ann", Change(is_active=True), actor="root")
    with pytest.raises(SignedOut):
        permitting.resolve(ann)


def test_a_new_password_ends_the_sessions_and_the_tokens(team):
    ann = enter(team)
    made = tokens.make(ann, "ci", scopes=[Permission.SEE], days=30, actor="ann")
    operators.change(team, "ann", Change(password="another long password"), actor="root")
    for gone in (ann, with_token(team, made)):
        with pytest.raises(SignedOut, match="has ended"):
            permitting.resolve(gone)


def test_ones_own_new_password_ends_ones_tokens(team):
    ann = enter(team)
    made = tokens.make(ann, "ci", scopes=[Permission.SEE], days=30, actor="ann")
    signing_in.change_password(ann, PASSWORD, "another long password", actor="ann")
    assert permitting.resolve(ann).name == "ann"
    with pytest.raises(SignedOut, match="has ended"):
        permitting.resolve(with_token(team, made))


def test_a_token_that_sets_the_password_of_its_own_account_stays(team):
    root = enter(team, "root")
    used, other, of_ann = (
        tokens.make(root, "x", scopes=list(Permission), days=30, operator=whose, actor="root")
        for whose in ("root", "root", "ann")
    )
    asking = with_token(team, used)
    operators.change(asking, "root", Change(password="another long password"), actor="root")
    operators.change(asking, "ann", Change(password="another long password"), actor="root")
    assert permitting.resolve(asking).name == "root"
    for gone in (other, of_ann):
        with pytest.raises(SignedOut, match="has ended"):
            permitting.resolve(with_token(team, gone))


def test_tokens_of_somebody_from_elsewhere_want_a_sign_in_now_and_then(team, frozen):
    operators.set_sign_in(team, "oidc", actor="root")
    known = Elsewhere(name="olga", method="oidc", role=Role.OPERATOR)
    olga = as_(team, signing_in.admit(team, known))
    of_olga = tokens.make(olga, "ci", scopes=[Permission.SEE], days=90, actor="olga")
    of_ann = tokens.make(
        team, "ci", scopes=[Permission.SEE], days=90, operator="ann", actor="setup"
    )
    frozen.advance(seconds=permitting.VOUCHED_FOR.total_seconds())
    assert permitting.resolve(with_token(team, of_olga)).name == "olga"
    frozen.advance(seconds=1)
    with pytest.raises(SignedOut, match="has not signed in for 30 days"):
        permitting.resolve(with_token(team, of_olga))
    assert permitting.resolve(with_token(team, of_ann)).name == "ann"
    signing_in.admit(team, known)
    assert permitting.resolve(with_token(team, of_olga)).name == "olga"


def test_the_last_admin_stays(team):
    for wanted in (Change(role=Role.VIEWER), Change(is_active=False)):
        with pytest.raises(Conflict, match="last admin"):
            operators.change(team, "root", wanted, actor="root")
    assert operators.get_operator(team, "root").role is Role.ADMIN
    operators.add(team, "second", role=Role.ADMIN, actor="root")
    operators.change(team, "root", Change(role=Role.VIEWER), actor="second")


def test_an_admin_with_tenants_is_none_of_those_who_may_change_accounts(team):
    operators.add(team, "second", role=Role.ADMIN, tenants=["emea"], actor="root")
    for wanted in (Change(role=Role.VIEWER), Change(tenants=["emea"])):
        with pytest.raises(Conflict, match="last admin"):
            operators.change(team, "root", wanted, actor="root")
    operators.change(team, "second", Change(tenants=[]), actor="root")
    operators.change(team, "root", Change(tenants=["emea"]), actor="root")


def test_the_first_account_belongs_to_no_tenants(app):
    for role in (Role.ADMIN, Role.VIEWER):
        with pytest.raises(InvalidInput, match="Nobody could change accounts"):
            operators.add(app, "root", role=role, tenants=["emea"], actor="setup")
    assert operators.list_operators(app) == []
    operators.add(app, "ann", role=Role.VIEWER, actor="setup")
    with pytest.raises(InvalidInput):
        operators.add(app, "root", role=Role.ADMIN, tenants=["emea"], actor="setup")
    operators.add(app, "root", role=Role.ADMIN, actor="setup")


def test_an_account_is_made_once_and_refused_where_it_does_not_fit(team):
    with pytest.raises(Conflict):
        operators.add(team, "ann", role=Role.VIEWER, actor="root")
    for password in ("short", "x" * 999, "password1234"):
        with pytest.raises(InvalidInput):
            operators.add(team, "bob", role=Role.VIEWER, password=password, actor="root")
    with pytest.raises(InvalidInput):
        operators.change(team, "ann", Change(), actor="root")
    with pytest.raises(NotFound):
        operators.change(team, "nobody", Change(role=Role.ADMIN), actor="root")
    assert [found.name for found in operators.list_operators(team)] == ["ann", "root"]


def test_whoever_holds_the_database_is_asked_for_a_token_once_one_has_to_sign_in(team):
    local = permitting.bind(team, people.LOCAL)
    with pytest.raises(SignedOut, match="INTERLOCK_TOKEN"):
        operators.add(local, "eve", role=Role.ADMIN, actor="root")
    operators.set_sign_in(team, "", actor="root")
    operators.add(local, "eve", role=Role.ADMIN, actor="anybody")
    with pytest.raises(InvalidInput):
        operators.set_sign_in(local, "magic", actor="root")
    assert operators.read_sign_in(local) == ""


def test_a_token_may_what_its_scopes_and_its_person_may(team, frozen):
    ann = enter(team)
    made = tokens.make(
        ann, "ci", scopes=[Permission.SEE, Permission.ADMINISTER], days=1, actor="ann"
    )
    ci = with_token(team, made)
    assert permitting.resolve(ci).name == "ann"
    with pytest.raises(NotAllowed):
        operators.add(ci, "eve", role=Role.ADMIN, actor="ann")
    with pytest.raises(NotAllowed, match="cannot make tokens"):
        tokens.make(ci, "child", scopes=[Permission.SEE], days=1, actor="ann")
    tokens.note_used(ci)
    tokens.note_used(ann)
    assert tokens.list_tokens(ann)[0].used_at == frozen.now()
    frozen.advance(seconds=86_400)
    with pytest.raises(SignedOut, match="token has ended"):
        permitting.resolve(ci)


def test_a_token_is_refused_where_it_does_not_fit(team):
    ann, root = enter(team), enter(team, "root")
    for wrong in ({"days": 0}, {"days": 999}, {"scopes": []}, {"label": " "}):
        wanted = {"label": "ci", "scopes": [Permission.SEE], "days": 1} | wrong
        with pytest.raises(InvalidInput):
            tokens.make(ann, wanted.pop("label"), actor="ann", **wanted)
    with pytest.raises(NotAllowed, match="made by admins"):
        tokens.make(ann, "x", scopes=[Permission.SEE], days=1, operator="root", actor="ann")
    with pytest.raises(NotFound):
        tokens.make(root, "x", scopes=[Permission.SEE], days=1, operator="nobody", actor="root")
    tokens.make(root, "for ann", scopes=[Permission.SEE], days=1, operator="ann", actor="root")
    assert [token.label for token in tokens.list_tokens(ann)] == ["for ann"]


def test_ones_own_sessions_and_tokens_are_seen_and_ended_others_are_not(team):
    ann, root = enter(team), enter(team, "root")
    of_root = tokens.make(root, "ops", scopes=[Permission.SEE], days=1, actor="root")
    assert [session.operator for session in signing_in.list_sessions(ann)] == ["ann"]
    assert len(signing_in.list_sessions(root)) == 2
    assert tokens.list_tokens(ann) == []
    with pytest.raises(NotFound):
        signing_in.end_session(ann, root.caller.id, actor="ann")
    with pytest.raises(NotFound):
        tokens.end(ann, of_root.token.token_id, actor="ann")
    signing_in.end_session(root, ann.caller.id, actor="root", reason="left")
    with pytest.raises(SignedOut):
        permitting.resolve(ann)
    tokens.end(root, of_root.token.token_id, actor="root")
    with pytest.raises(NotFound):
        tokens.end(root, of_root.token.token_id, actor="root")


def test_who_signed_in_elsewhere_gets_an_account_that_follows_what_is_said_there(team):
    operators.set_sign_in(team, "oidc", actor="root")
    known = Elsewhere(name="olga", method="oidc", role=Role.OPERATOR, groups=["ops"])
    olga = as_(team, signing_in.admit(team, known))
    assert permitting.resolve(olga).groups == {"ops"}
    signing_in.admit(team, replace(known, role=None, groups=["finance"], tenants=["emea"]))
    found = permitting.resolve(olga)
    assert (found.role, found.groups, found.tenants) == (Role.OPERATOR, {"finance"}, {"emea"})
    assert (
        permitting.resolve(as_(team, signing_in.admit(team, replace(known, groups=None)))) == found
    )
    with pytest.raises(InvalidInput, match="changed there"):
        operators.change(team, "olga", Change(role=Role.ADMIN), actor="root")
    operators.change(team, "olga", Change(is_active=False), actor="root")
    for refused in (known, replace(known, name="ann")):
        with pytest.raises(NotAllowed):
            signing_in.admit(team, refused)
    newcomer = signing_in.admit(team, Elsewhere(name="pat", method="oidc"))
    assert newcomer.operator.role is Role.VIEWER


def test_one_signs_in_as_the_database_says_and_not_otherwise(team):
    for method in ("oidc", "proxy"):
        with pytest.raises(NotAllowed, match="signs in otherwise"):
            signing_in.admit(team, Elsewhere(name="olga", method=method))
    operators.set_sign_in(team, "proxy", actor="root")
    for password in (PASSWORD, "wrong"):
        with pytest.raises(NotAllowed, match="signs in otherwise"):
            signing_in.sign_in(team, "ann", password)
    assert signing_in.admit(team, Elsewhere(name="olga", method="proxy"))
    operators.set_sign_in(team, "", actor="root")
    assert signing_in.sign_in(team, "ann", PASSWORD)


def test_a_sign_in_writes_all_else_before_the_audit_and_the_topics(team, list_written):
    operators.set_sign_in(team, "oidc", actor="root")
    known = Elsewhere(name="olga", method="oidc", role=Role.OPERATOR)
    for level in (known, replace(known, groups=["ops"])):  # made, and brought level
        written = list_written(team.engine, partial(signing_in.admit, team, level))
        assert written[-2:] == ["audit", "topics"]
        assert set(written[:-2]) == {"operators", "sessions"}


def test_a_session_in_use_is_noted_once_a_minute(team, frozen):
    ann = enter(team)
    frozen.advance(seconds=59)
    signing_in.note_seen(ann)
    assert signing_in.list_sessions(ann)[0].seen_at < frozen.now()
    frozen.advance(seconds=1)
    signing_in.note_seen(ann)
    signing_in.note_seen(team)
    assert signing_in.list_sessions(ann)[0].seen_at == frozen.now()


def test_what_changes_people_is_in_the_audit_with_the_address(team):
    ann = enter(team)
    with pytest.raises(NotAllowed):
        signing_in.sign_in(team, "ann", "wrong")
    made = tokens.make(ann, "ci", scopes=[Permission.SEE], days=1, actor="ann")
    tokens.end(ann, made.token.token_id, actor="ann")
    signing_in.sign_out(ann)
    assert actions(team)[:4] == [
        ("setup", "operator:add", "operator:root"),
        ("root", "operator:add", "operator:ann"),
        ("root", "sign-in:mode", "access"),
        ("ann", "sign-in", "operator:ann"),
    ]
    assert [action for _, action, _ in actions(team)[4:]] == [
        "sign-in:refused",
        "token:make",
        "token:end",
        "sign-out",
    ]
    with engines.read(team.engine) as conn:
        last = audit.fetch_many(conn, limit=1)[0]
    assert (last.origin, last.address) == ("web", "192.0.2.7")
    assert auditing.verify(team).holds


def test_nobody_is_known_by_a_made_up_secret(team):
    for kind in (CallerKind.SESSION, CallerKind.TOKEN):
        with pytest.raises(SignedOut):
            permitting.enter(team, Caller(kind, people.hash_secret("made up")))
    assert permitting.is_sign_in_on(team)
    assert permitting.enter(team, enter(team).caller).caller.kind is CallerKind.SESSION
