"""The page of people, and the foot of the menu: who acts, and what stands there once they are signed out."""

from __future__ import annotations

import pytest

from interlock.core.model.people import SYSTEM, Caller, CallerKind, Permission, Role, hash_secret
from interlock.core.services import operators, permitting, signing_in, token_keeping
from interlock.core.services.operators import Change
from interlock.dashboard import deps, keys

pytestmark = pytest.mark.usefixtures("quick_passwords")

PASSWORD = "correct horse battery"
EVIL = "<img src=x> [x](javascript:alert(1))"


@pytest.fixture
def house(app):
    """Root keeps the accounts, ann is in finance, and one has to sign in."""
    ours = permitting.bind(app, SYSTEM)
    operators.add(ours, "root", role=Role.ADMIN, password=PASSWORD, actor="setup")
    operators.add(
        ours, "ann", role=Role.VIEWER, groups=["finance"], password=PASSWORD, actor="root"
    )
    operators.set_sign_in(ours, "local", actor="root")
    return ours


@pytest.fixture
def enter(house, monkeypatch):
    """Sign somebody in; the pages are theirs from then on."""

    def enter_(name):
        opened = signing_in.sign_in(house, name, PASSWORD, agent="Firefox/130 Linux")
        bound = permitting.bind(
            house, Caller(CallerKind.SESSION, hash_secret(opened.secret)), origin="web"
        )

        def app():
            deps.forget(bound.caller)  # as if some seconds had gone by
            deps.person(bound)
            return bound

        monkeypatch.setattr(deps, "app", app)
        return bound

    return enter_


def texts(page):
    drawn = [*page.markdown, *page.caption, *page.subheader, *page.error, *page.warning, *page.info]
    return " ".join(element.value for element in drawn).replace("\\", "")


def field(page, form, name, account=""):
    key = keys.people_field(form, name, account)
    return next(each for each in (*page.text_input, *page.selectbox) if each.key == key)


def press(page, act, name=""):
    return page.button(key=keys.people_act(act, name)).click().run()


def test_where_nobody_signs_in_the_first_admin_is_made_on_the_page(app, open_page):
    page = open_page("people")
    assert not page.exception
    assert "INTERLOCK_SIGN_IN=local" in texts(page)
    assert "You act as" in texts(page)
    field(page, "add", "name").set_value("root")
    field(page, "add", "role").set_value("admin")
    field(page, "add", "groups").set_value("finance, legal")
    field(page, "add", "password").set_value(PASSWORD)
    page = press(page, "add")
    assert "root has an account." in texts(page)
    made = operators.get_operator(app, "root")
    assert (made.role, made.groups, made.has_password) == (Role.ADMIN, ("finance", "legal"), True)
    assert field(page, "add", "password").value == ""
    assert page.selectbox(key=keys.people_choice("accounts")).options == ["root"]


def test_what_does_not_fit_is_said_and_kept(app, open_page):
    page = open_page("people")
    field(page, "add", "name").set_value(EVIL)
    field(page, "add", "password").set_value("short")
    page = press(page, "add")
    assert "12 to 256 characters" in texts(page)
    assert (field(page, "add", "name").value, field(page, "add", "password").value) == (EVIL, "")
    assert operators.list_operators(app) == []


def test_an_admin_changes_closes_and_opens_accounts(house, enter, open_page):
    enter("root")
    page = open_page("people")
    assert not page.exception
    assert list(page.dataframe[0].value["Name"]) == ["ann", "root"]
    page.selectbox(key=keys.people_choice("accounts")).set_value("ann").run()
    account = operators.get_operator(house, "ann")
    tag = f"ann {account.updated_at.isoformat()}"
    field(page, "change", "role", tag).set_value("operator")
    field(page, "change", "tenants", tag).set_value("emea")
    page = press(page, "change", "ann")
    assert "ann is changed" in texts(page)
    account = operators.get_operator(house, "ann")
    assert (account.role, account.groups, account.tenants) == (
        Role.OPERATOR,
        ("finance",),
        ("emea",),
    )
    page = press(page, "close", "ann")
    assert not operators.get_operator(house, "ann").is_active
    press(page, "open", "ann")
    assert operators.get_operator(house, "ann").is_active


def test_the_last_admin_cannot_be_closed(house, enter, open_page):
    enter("root")
    page = open_page("people")
    page.selectbox(key=keys.people_choice("accounts")).set_value("root").run()
    page = press(page, "close", "root")
    assert "the last admin" in texts(page)


def test_what_others_wrote_stays_words(house, enter, open_page):
    operators.add(house, EVIL, role=Role.VIEWER, actor="root")
    token_keeping.make(house, EVIL, scopes=[Permission.SEE], days=3, operator=EVIL, actor="root")
    enter("root")
    page = open_page("people")
    page.selectbox(key=keys.people_choice("accounts")).set_value(EVIL).run()
    page = press(page, "close", EVIL)
    assert not operators.get_operator(house, EVIL).is_active
    drawn = [*page.markdown, *page.caption, *page.warning, *page.info]
    labels = [button.label for button in page.button]
    assert not [word for word in (*labels, *(each.value for each in drawn)) if EVIL in word]


def test_others_see_their_own_sessions_and_tokens_alone(house, enter, open_page):
    signing_in.sign_in(house, "root", PASSWORD)
    token_keeping.make(house, EVIL, scopes=[Permission.SEE], days=3, operator="root", actor="root")
    enter("ann")
    page = open_page("people")
    assert not page.exception
    assert "Signed in as ann, viewer, in finance." in texts(page)
    assert "Accounts" not in [each.value for each in page.subheader]
    (sessions,) = [each.value for each in page.dataframe]
    assert list(sessions["Who"]) == ["ann"]
    assert list(sessions["Browser"]) == ["Firefox on Linux"]
    assert "There are no tokens." in texts(page)


def test_a_token_is_shown_once_and_can_be_ended(house, enter, open_page):
    enter("ann")
    page = open_page("people")
    field(page, "token", "label").set_value("nightly")
    page = press(page, "token")
    (secret,) = [each.value for each in page.code if each.value.startswith("ilk_")]
    (token,) = token_keeping.list_tokens(house)
    assert (token.operator, token.label) == ("ann", "nightly")
    assert Permission.SEE in token.scopes
    assert secret not in str(open_page("people").code)
    page = page.run()
    assert not [each for each in page.code if each.value.startswith("ilk_")]
    page.selectbox(key=keys.people_choice("tokens")).set_value(token.token_id)
    page = press(page, "end-tokens")
    assert "It has ended" in texts(page)
    assert token_keeping.list_tokens(house)[0].ended_at is not None
    assert "must have 1 to" in texts(press(page, "token"))


def test_ending_a_session_asks_for_one_first(house, enter, open_page):
    other = signing_in.sign_in(house, "ann", PASSWORD)
    enter("ann")
    page = press(open_page("people"), "end-sessions")
    assert "Choose one first." in texts(page)
    page.selectbox(key=keys.people_choice("sessions")).set_value(other.session.session_id)
    press(page, "end-sessions")
    assert len(signing_in.list_sessions(house)) == 1


def test_one_changes_ones_own_password(house, enter, open_page):
    enter("ann")
    page = open_page("people")
    for current, again, told in (
        (PASSWORD, "another horse cart", "not the same"),
        ("wrong wrong wrong", "another horse battery", "is wrong"),
        (PASSWORD, "another horse battery", "It is changed."),
    ):
        field(page, "password", "current").set_value(current)
        field(page, "password", "new").set_value("another horse battery")
        field(page, "password", "again").set_value(again)
        page = press(page, "password")
        assert told in texts(page)
        assert field(page, "password", "current").value == ""
    signing_in.sign_in(house, "ann", "another horse battery")


def test_signing_out_ends_the_session_and_the_page(house, enter, open_page):
    enter("ann")
    page = open_page("people")
    page.button(key=keys.sign_out()).click().run()
    assert signing_in.list_sessions(house) == []
    page = page.run()
    assert not page.exception
    assert "This session has ended" in texts(page)
    assert page.subheader.values == []


def test_a_page_that_is_open_says_that_its_session_has_ended(house, enter, open_page):
    bound = enter("ann")
    page = open_page("people")
    operators.change(house, "ann", Change(is_active=False), actor="root")
    page = press(page, "token")
    assert not page.exception
    assert "has ended" in texts(page)
    assert token_keeping.list_tokens(house) == []
    deps.forget(bound.caller)
