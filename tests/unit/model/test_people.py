"""Who may do what: the table of roles, groups, scopes; names; how long a wrong password makes one wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.errors import InvalidInput, NotAllowed
from interlock.core.model import people
from interlock.core.model.people import Permission, Person, Role

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def person(role=Role.OPERATOR, **changes) -> Person:
    return Person(name="ann", role=role, **changes)


def test_each_role_may_what_the_one_before_it_may():
    viewer, operator, admin = (people.permissions_of(person(role)) for role in Role)
    assert viewer == {Permission.SEE}
    assert viewer < operator < admin
    assert admin - operator == {Permission.ADMINISTER}
    assert set(people.WHAT) == set(Permission)


def test_a_group_lets_a_viewer_decide_and_nothing_else():
    found = people.permissions_of(person(Role.VIEWER, groups=frozenset({"finance"})))
    assert found == {Permission.SEE, Permission.DECIDE}


def test_a_token_may_only_what_its_person_may_too():
    scopes = frozenset({Permission.SEE, Permission.ADMINISTER})
    assert people.permissions_of(person(scopes=scopes)) == {Permission.SEE}
    assert people.permissions_of(person(Role.ADMIN, scopes=scopes)) == scopes


def test_a_refusal_says_who_may():
    with pytest.raises(NotAllowed, match="role operator or admin, and theirs is viewer"):
        people.require(person(Role.VIEWER), Permission.LAUNCH, actor="ann")
    with pytest.raises(NotAllowed, match="role admin, and theirs is operator"):
        people.require(person(), Permission.ADMINISTER, actor="ann")
    with pytest.raises(NotAllowed, match="lacks the scope 'launch'"):
        people.require(person(scopes=frozenset({Permission.SEE})), Permission.LAUNCH, actor="ann")


def test_nobody_acts_under_another_name_unless_trusted():
    people.require(person(), Permission.LAUNCH, actor="ann")
    with pytest.raises(NotAllowed, match="ann cannot act as 'bob'"):
        people.require(person(), Permission.LAUNCH, actor="bob")
    people.require(people.trusted("local"), Permission.ADMINISTER, actor="bob")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00", "\u202eevil", "group:x", "x" * 201])
def test_a_name_that_could_be_taken_for_another_is_refused(name):
    with pytest.raises(InvalidInput):
        people.read_name(name)


def test_a_name_is_kept_without_its_blanks():
    assert people.read_name("  Ann Lee ") == "Ann Lee"


@pytest.mark.parametrize(
    "words", [[""], ["a b"], ["a,b"], ["x" * 101], [3], ["a\t"], [str(n) for n in range(101)], 7]
)
def test_groups_that_do_not_fit_are_refused(words):
    with pytest.raises(InvalidInput, match="groups"):
        people.read_words(words, what="groups")


def test_groups_are_kept_once_and_in_order():
    assert people.read_words(["b", "a", "b"], what="groups") == ("a", "b")
    assert people.read_words("finance", what="groups") == ("finance",)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (4, 0), (5, 1), (6, 2), (9, 16), (14, 512), (15, 900), (10**6, 900)],
)
def test_wrong_passwords_make_one_wait_ever_longer(failures, seconds):
    assert people.wait_after(failures) == timedelta(seconds=seconds)


def test_a_session_is_over_when_it_ended_or_ran_out():
    assert not people.is_over(NOW, expires_at=NOW + timedelta(seconds=1), ended_at=None)
    assert people.is_over(NOW, expires_at=NOW, ended_at=None)
    assert people.is_over(NOW, expires_at=NOW + timedelta(hours=1), ended_at=NOW)


def test_what_is_kept_of_a_secret_is_not_the_secret():
    assert people.hash_secret("a") != people.hash_secret("b")
    assert len(people.hash_secret("\ud800")) == 64
