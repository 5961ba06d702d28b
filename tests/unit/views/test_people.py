"""People as their page shows them, and who acts at the foot of the menu."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model import people as model
from interlock.core.model.people import Operator, Permission, Person, Role, Session, Token
from interlock.dashboard.views import people
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import NOTHING

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537"
)
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1"


def operator(name="ann", **fields):
    values = {"role": Role.OPERATOR, "created_at": NOW, "updated_at": NOW, "has_password": True}
    return Operator(name=name, **(values | fields))


def session(**fields):
    values = {
        "session_id": "a" * 64,
        "operator": "ann",
        "method": "local",
        "created_at": NOW - timedelta(hours=2),
        "expires_at": NOW + timedelta(hours=10),
        "seen_at": NOW - timedelta(minutes=5),
        "address": "192.0.2.7",
        "agent": CHROME,
    }
    return Session(**(values | fields))


def token(**fields):
    values = {
        "token_id": "0123456789abcdef",
        "operator": "ann",
        "label": "nightly",
        "scopes": (Permission.SEE, Permission.LAUNCH),
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=3),
    }
    return Token(**(values | fields))


def test_the_foot_says_who_acts():
    assert people.say_who(model.trusted("local operator")) == "You act as local operator."
    ann = Person(name="ann", role=Role.VIEWER, groups=frozenset({"legal", "finance"}))
    groups = md_escape("finance, legal")
    assert people.say_who(ann) == f"Signed in as ann, viewer, in {groups}."
    evil = Person(name="*[x](y)*", role=Role.ADMIN)
    assert people.say_who(evil) == f"Signed in as {md_escape('*[x](y)*')}, admin."


def test_where_nobody_signs_in_the_page_says_how_to_turn_it_on():
    assert people.build_notice("local") is None
    assert "INTERLOCK_SIGN_IN=local" in people.build_notice("").text


def test_admins_keep_accounts():
    assert people.may_administer(Person(name="a", role=Role.ADMIN))
    assert not people.may_administer(Person(name="a", role=Role.OPERATOR))


def test_accounts_that_are_open_come_first():
    rows = people.build_accounts(
        [
            operator("adam", is_active=False, source="oidc"),
            operator("zoe", groups=("finance", "legal"), tenants=("emea",)),
            operator("bot", has_password=False, last_sign_in_at=NOW - timedelta(hours=1)),
            operator("odd", source="other"),
        ],
        NOW,
    )
    assert [row["name"] for row in rows] == ["bot", "odd", "zoe", "adam"]
    assert [row["signs in by"] for row in rows] == ["token alone", "other", "password", "provider"]
    assert (rows[0]["groups"], rows[0]["tenants"], rows[0]["last sign-in"]) == (
        NOTHING,
        "all",
        "1 h ago",
    )
    assert (rows[2]["groups"], rows[2]["tenants"], rows[2]["last sign-in"]) == (
        "finance, legal",
        "emea",
        "never",
    )
    assert (rows[3]["account"], rows[3]["name"]) == ("closed", "adam")


def test_sessions_say_which_one_looks():
    found = [session(), session(session_id="b" * 64, agent="", address="")]
    here, there = people.build_sessions(found, NOW, own="a" * 64)
    assert (here["browser"], here["from"], here["since"], here["last seen"]) == (
        "Chrome on Linux",
        "192.0.2.7",
        "2 h ago",
        "now, here",
    )
    assert (there["browser"], there["from"], there["last seen"]) == (NOTHING, NOTHING, "5 min ago")
    listed = people.list_sessions(found, own="a" * 64)
    assert list(listed) == ["a" * 64, "b" * 64]
    assert listed["a" * 64].endswith("(this one)")
    assert not listed["b" * 64].endswith("(this one)")


def test_tokens_say_whether_they_are_good():
    good, run_out = token(used_at=NOW), token(token_id="f" * 16, expires_at=NOW)
    ended = token(token_id="e" * 16, ended_at=NOW)
    rows = people.build_tokens([good, run_out, ended], NOW)
    assert [row["state"] for row in rows] == ["good", "run out", "ended"]
    assert rows[0]["may"] == "see, launch"
    assert rows[1]["used"] == "never"
    assert people.list_good([good, run_out, ended], NOW) == {
        "0123456789abcdef": "nightly (ann, …abcdef)"
    }


def test_a_token_offers_what_its_maker_may():
    assert list(people.list_scopes(Person(name="a", role=Role.VIEWER))) == [Permission.SEE]
    scopes = people.list_scopes(Person(name="a", role=Role.ADMIN))
    assert list(scopes) == list(Permission)
    assert scopes[Permission.SEE] == "see: read every page, list and file"


@pytest.mark.parametrize(
    ("text", "words"),
    [("", []), (None, []), ("a", ["a"]), (" a, b\nc ,", ["a", "b", "c"])],
)
def test_words_are_read_as_they_are_typed(text, words):
    assert people.split_words(text) == words


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME, "Chrome on Linux"),
        (f"{CHROME} Edg/131.0", "Edge on Linux"),
        (PHONE, "Safari on iPhone"),
        ("Firefox/130", "Firefox"),
        ("Windows NT 10.0", "Windows"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", NOTHING),
        ("x\u202ey", "x⟨U+202E⟩y"),
    ],
)
def test_browsers_have_the_names_that_people_know(agent, name):
    assert people.name_browser(agent) == name
