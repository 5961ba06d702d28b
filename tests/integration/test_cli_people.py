"""`interlock operator`, `token`, `session` and `sign-in`: the first admin, tokens, and the ways back in."""

from __future__ import annotations

import getpass
import io
import json
from dataclasses import replace

import pytest

from interlock.core import cli
from interlock.core.cli import people
from interlock.core.clock import SystemClock
from interlock.core.model.people import SYSTEM, Permission, Role
from interlock.core.services import opening, operators, signing_in, token_keeping

pytestmark = pytest.mark.usefixtures("quick_passwords")

PASSWORD = "correct horse battery"


@pytest.fixture
def call(app, capsys, monkeypatch):
    def run(*args, stdin="", token=None):
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        monkeypatch.setenv("INTERLOCK_TOKEN", token or "")
        capsys.readouterr()
        code = cli.main([*args, "--data-dir", str(app.settings.data_dir)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def ours(app):
    return replace(app, caller=SYSTEM, clock=SystemClock())  # as the commands have it


@pytest.fixture
def root(ours):
    """One has to sign in; a token of the admin's, good for all."""
    operators.add(ours, "root", role=Role.ADMIN, password=PASSWORD, actor="setup")
    operators.set_sign_in(ours, "local", actor="setup")
    made = token_keeping.make(
        ours, "all", scopes=list(Permission), days=1, operator="root", actor="setup"
    )
    return made.secret


def test_the_first_admin_is_made_without_a_token_and_the_second_is_not(call, ours):
    operators.set_sign_in(ours, "local", actor="setup")
    assert "There is no admin yet" in call("sign-in", "show")[1]
    assert call("operator", "list")[0] == 5
    add = ("operator", "add", "root", "--role", "admin", "--group", "finance", "--password-stdin")
    code, out, _ = call(*add, "--json", stdin=f"{PASSWORD}\n")
    assert (code, json.loads(out)["groups"]) == (0, ["finance"])
    assert signing_in.sign_in(ours, "root", PASSWORD)
    code, _, err = call("operator", "add", "eve", "--role", "admin", "--no-password")
    assert (code, operators.list_operators(ours)[0].name) == (5, "root")
    assert "INTERLOCK_TOKEN" in err
    assert json.loads(call("sign-in", "show", "--json")[1]) == {
        "sign_in": "local",
        "has_admin": True,
    }


def test_with_sign_in_on_commands_take_a_token_and_act_as_whose_it_is(call, ours, root):
    for command in (("runs",), ("inbox",), ("operator", "list"), ("audit", "verify")):
        assert call(*command)[0] == 5
        assert call(*command, token="ilk_made_up")[0] == 5
        assert call(*command, token=root)[0] == 0
    assert call("hold", "--as", "somebody else", token=root)[0] == 5
    code, out, _ = call("hold", "--json", token=root)
    assert (code, json.loads(out)["held_by"]) == (0, "root")
    assert call("doctor")[0] in {0, 1}  # counts for whoever holds the database, and shows nothing


def test_accounts_are_changed_closed_and_opened(call, ours, root):
    code, *_ = call("operator", "add", "ann", "--no-password", "--group", "x", token=root)
    assert code == 0
    change = ("operator", "change", "ann", "--role", "operator", "--group", "", "--tenant", "emea")
    code, out, _ = call(*change, "--json", token=root)
    changed = json.loads(out)
    assert (changed["role"], changed["groups"], changed["tenants"]) == ("operator", [], ["emea"])
    assert "closed" in call("operator", "close", "ann", token=root)[1]
    assert "no" in call("operator", "list", token=root)[1].splitlines()[1].split()
    assert "open" in call("operator", "open", "ann", token=root)[1]
    assert call("operator", "change", "nobody", "--role", "viewer", token=root)[0] == 4
    assert call("operator", "close", "root", token=root)[0] == 3
    assert call("operator", "change", "ann", "--role", "god", token=root)[0] == 2


def test_a_password_is_asked_for_twice_or_read_from_stdin(call, ours, root, monkeypatch):
    assert call("operator", "password", "root", token=root)[0] == 2  # no terminal to ask
    new = "another horse battery"
    code, out, _ = call("operator", "password", "root", "--password-stdin", stdin=new, token=root)
    assert (code, new in out) == (0, False)
    assert signing_in.sign_in(ours, "root", new)
    typed = iter(("third horse battery", "third horse battery", "a", "b"))
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(typed))
    monkeypatch.setattr(people, "_has_terminal", lambda: True)
    assert call("operator", "password", "root", token=root)[0] == 0
    assert signing_in.sign_in(ours, "root", "third horse battery")
    assert call("operator", "password", "root", token=root)[0] == 2


def test_whoever_holds_the_database_gets_back_in(call, ours, root):
    recover = ("operator", "password", "root", "--recover", "--password-stdin")
    assert call(*recover, stdin="a recovered password\n")[0] == 0
    assert signing_in.sign_in(ours, "root", "a recovered password")
    assert call("operator", "password", "eve", "--recover", "--password-stdin")[0] == 4
    code, out, err = call("sign-in", "off", "--reason", "a test")
    assert (code, out) == (0, "Nobody has to sign in any more.\n")
    assert "INTERLOCK_SIGN_IN" in err
    assert call("runs")[0] == 0
    assert json.loads(call("sign-in", "off", "--json")[1])["was_on"] is False
    assert opening.has_admin(ours)


def test_tokens_are_printed_once_listed_and_ended(call, ours, root):
    make = ("token", "make", "ci", "--scope", "see", "--scope", "decide", "--days", "7")
    assert "cannot make tokens" in call(*make, token=root)[2]
    assert call(*make, "--operator", "root")[0] == 5
    make = (*make, "--operator", "root", "--recover")
    code, out, err = call(*make)
    secret = out.strip()
    assert (code, secret.startswith("ilk_"), "once" in err) == (0, True, True)
    listed = json.loads(call("token", "list", "--json", token=root)[1])
    (token,) = [each for each in listed if each["label"] == "ci"]
    assert (token["operator"], token["scopes"]) == ("root", ["see", "decide"])
    assert secret not in str(listed)
    assert call("runs", token=secret)[0] == 0
    assert call("hold", token=secret)[0] == 5
    assert "has ended" in call("token", "end", token["token_id"], token=root)[1]
    assert call("runs", token=secret)[0] == 5
    assert "ci" in call("token", "list", token=root)[1]
    made = json.loads(call(*make, "--json")[1])
    assert made["secret"].startswith("ilk_")


def test_sessions_are_listed_and_ended_by_the_beginning_of_their_id(call, ours, root):
    assert "Nobody is signed in" in call("session", "list", token=root)[2]
    opened = signing_in.sign_in(ours, "root", PASSWORD, address="192.0.2.7", agent="curl")
    (listed,) = json.loads(call("session", "list", "--json", token=root)[1])
    assert (listed["session_id"], listed["address"]) == (opened.session.session_id, "192.0.2.7")
    assert "192.0.2.7" in call("session", "list", token=root)[1]
    start = listed["session_id"][:12]
    assert call("session", "end", start[:3], token=root)[0] == 2
    assert "has ended" in call("session", "end", start, token=root)[1]
    assert call("session", "end", start, token=root)[0] == 4
