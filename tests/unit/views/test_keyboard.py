from __future__ import annotations

from types import SimpleNamespace

import pytest

from interlock.core.model.approvals import ApprovalStatus, Kind, Verb
from interlock.dashboard import keys
from interlock.dashboard.views import card as cards
from interlock.dashboard.views.keyboard import Keyboard, build


def of(make, **fields):
    card = SimpleNamespace(approval=make.card(**fields), decisions=(), siblings=(), votes=())
    return build(cards.build(card, state=None, now=make.now))


def key(name, version=1):
    return (keys.verb(name, "card-1", version),)


def test_keys_press_the_buttons_of_exactly_one_version_of_a_card(make):
    board = of(make, version=3)
    assert board.card == board.form == keys.card_form("card-1", 3)
    assert board.reject == key("reject", 3)
    assert board.approve == ()  # a plain question wants words, not a yes


def test_what_asks_for_a_yes_is_approved_by_key(make):
    board = of(make, payload={"a": 1}, version=3)
    assert board.approve == key("approve", 3)
    assert (board.approve_word, board.reject_word) == ("approve", "reject")


@pytest.mark.parametrize(
    ("kind", "words"), [(Kind.BREAKPOINT, ("go on", "stop")), (Kind.FAILURE, ("retry", "stop"))]
)
def test_keys_are_called_what_their_buttons_are(make, kind, words):
    allowed = (Verb.APPROVE, Verb.STOP)
    board = of(make, kind=kind, payload={"next": ["a"]}, allowed=allowed)
    assert (board.approve_word, board.reject_word) == words


def test_a_card_that_is_closed_is_told_from_the_next_one(make):
    assert of(make, status=ApprovalStatus.DECIDED).shown == "card-1"


def test_the_main_key_presses_the_main_button(make):
    assert of(make, payload={"a": 1}).submit == key("approve")
    assert of(make).submit == key("answer")  # a plain question wants words


def test_no_key_approves_what_is_of_high_risk(make):
    board = of(make, risk="high")
    assert (board.is_high_risk, board.approve, board.submit) == (True, (), ())
    assert board.reject == key("reject")


def test_a_breakpoint_is_stopped_where_another_card_is_rejected(make):
    allowed = (Verb.APPROVE, Verb.EDIT, Verb.SKIP, Verb.STOP)
    board = of(make, kind=Kind.BREAKPOINT, payload={"next": ["a"]}, allowed=allowed)
    assert (board.approve, board.reject) == (key("approve"), key("stop"))


def test_what_cannot_be_decided_takes_no_keys(make):
    assert build(None) == Keyboard()
    assert of(make, status=ApprovalStatus.DECIDED) == Keyboard(shown="card-1")
