from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.core.model.claims import Claim, Move
from interlock.core.services.handing import Hands
from interlock.dashboard.views import hands


@pytest.fixture
def claim(make):
    def claim_(person="Ben", **fields):
        until = make.now + timedelta(minutes=10)
        return Claim(approval_id="a1", person=person, claimed_at=make.now, until=until, **fields)

    return claim_


def build(make, found, *, may_act=True, is_open=True):
    return hands.build(found, me="Ann", may_act=may_act, is_open=is_open, now=make.now)


def team(claim=None, **fields):
    return Hands(claim=claim, people=("Ann", "Ben", "Cleo"), has_team=True, **fields)


def test_where_nobody_signs_in_nothing_is_said_of_a_card_that_nobody_has(make, claim):
    assert build(make, Hands(claim=None)) is None
    view = build(make, Hands(claim=claim()))
    assert (view.text, view.can_take_over, view.people) == ("Ben has it · 10:00 left", True, ())
    assert build(make, Hands(claim=claim()), is_open=False) is None


def test_a_card_that_nobody_has_can_be_claimed_or_given_away(make):
    view = build(make, team())
    assert (view.text, view.exact) == ("Nobody has it", "")
    assert (view.can_claim, view.can_release, view.can_take_over) == (True, False, False)
    assert (view.verb, view.needs_note, view.people) == ("Assign", False, ("Ben", "Cleo"))


def test_who_has_it_releases_it_or_forwards_it_with_a_note(make, claim):
    view = build(make, team(claim("Ann", assigned_by="Ben", note="a  b")))
    assert view.text == "You have it · 10:00 left, given by Ben: a b"
    assert view.exact == "until 2026-03-02 12:10:00 UTC"
    assert (view.can_claim, view.can_release, view.can_take_over) == (False, True, False)
    assert (view.verb, view.needs_note, view.people) == ("Forward", True, ("Ben", "Cleo"))


def test_what_somebody_else_has_can_be_taken_over_and_by_who_gave_it_released(make, claim):
    view = build(make, team(claim(assigned_by="Ann")))
    assert view.text == "Ben has it · 10:00 left, given by you"
    assert (view.can_release, view.can_take_over, view.people) == (True, True, ())
    looking = build(make, team(claim(), opened=("Ben", "Cleo")))
    assert (looking.text, looking.open_text) == (
        "Ben has it open · 10:00 left",
        "Cleo has it open",
    )
    assert not looking.can_release
    idle = build(make, team(claim()), may_act=False)
    assert not (idle.can_claim or idle.can_release or idle.can_take_over or idle.people)
    closed = build(make, team(claim()), is_open=False)
    assert (closed.text, closed.can_take_over) == ("", False)


@pytest.mark.parametrize(
    ("opened", "said"),
    [
        (("Ann",), ""),
        (("Ann", "Ben"), "Ben has it open"),
        (("Ben", "Cleo"), "Ben and Cleo have it open"),
        (("Ben", "Cleo", "Dan", "Eve", "Fay"), "Ben, Cleo, Dan and 2 more have it open"),
    ],
)
def test_who_has_it_open_is_said_but_not_oneself(make, opened, said):
    assert build(make, team(opened=opened)).open_text == said


def test_the_trail_says_who_gave_it_to_whom_and_why(make):
    moves = (
        Move(at=make.ago(minutes=4), actor="Ben", verb="forward", to="Ann", note="knows\nthem"),
        Move(at=make.ago(minutes=5), actor="Ben", verb="take over", to="Ben", note=""),
        Move(at=make.ago(minutes=6), actor="Cleo\u202e", verb="unclaim", to=None, note=""),
    )
    told = build(make, team(moves=moves)).moves
    assert told[0] == "4 min ago · Ben forwarded it to Ann: knows them"
    assert told[1] == "5 min ago · Ben took it over"
    assert "\u202e" not in told[2]
    assert "released it" in told[2]


@pytest.mark.parametrize(
    ("person", "opened", "said"),
    [
        (None, (), ""),
        (None, ("Ann",), ""),
        ("Ann", ("Ann", "Ben"), "you · open: Ben"),
        ("Ben", ("Ben",), "Ben"),
        ("Ben", ("Ben", "Cleo", "Dan"), "Ben · open: Cleo +1"),
        (None, ("Somebody with a long name",), "open: Somebody with a l…"),
    ],
)
def test_the_list_says_it_in_a_few_letters(claim, person, opened, said):
    held = None if person is None else claim(person)
    assert hands.say_in_list(held, opened, me="Ann") == said
