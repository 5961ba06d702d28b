"""Who has a card, on its page: claimed, taken over, passed on; drawn without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.people import SYSTEM, Operator, Role
from interlock.core.services import assigning, attending, observing
from interlock.core.store import operators
from interlock.core.store.engine import write
from interlock.dashboard import deps, keys
from interlock.dashboard.app_pages import inbox_cards

ME = "local operator"


@pytest.fixture(autouse=True)
def _whole_page(monkeypatch):
    """Without a browser the whole page is drawn anyway, and nothing less can be."""
    monkeypatch.setattr(inbox_cards, "redraw", lambda: None)


@pytest.fixture
def team(app, clock, monkeypatch):
    """People sign in; Ben is one of them."""
    at = {"created_at": clock.now(), "updated_at": clock.now()}
    with write(app.engine) as conn:
        for name in (ME, "Ben"):
            operators.insert(
                conn, Operator(name=name, role=Role.OPERATOR, **at), password_hash=None
            )
        operators.set_sign_in(conn, "local", by="Ben", now=clock.now())
    bound = replace(app, caller=SYSTEM)
    monkeypatch.setattr(deps, "app", lambda: bound)
    return bound


def press(at, name, card):
    at.button(key=keys.hands_act(name, card.approval_id)).click().run()
    assert not at.exception
    return at


def said(at):
    boxes = [*at.markdown, *at.caption, *at.warning, *at.subheader]
    return " | ".join(str(box.value) for box in boxes).replace("\\", "")


def holder(app, card):
    held = assigning.fetch_claims(app, [card.approval_id]).get(card.approval_id)
    return held and held.person


def test_a_card_is_claimed_forwarded_taken_over_and_released(team, seed, open_page):
    card = seed.card()
    at = press(open_page("inbox"), "claim", card)
    assert holder(team, card) == ME
    assert "You have it" in said(at)
    at.selectbox(key=keys.hands_field("to", card.approval_id)).select("Ben").run()
    press(at, "pass", card)
    assert "say why" in said(at)
    at.text_input(key=keys.hands_field("note", card.approval_id)).set_value("knows them").run()
    press(at, "pass", card)
    assert holder(team, card) == "Ben"
    assert "Ben has it · 15:00 left, given by you" in said(at)
    assert f"{ME} forwarded it to Ben: knows them" in said(at)
    at.button(key=keys.verb("approve", card.approval_id, 1)).click().run()
    assert "Ben has this card" in said(at)
    assert observing.get_card(team, card.approval_id).approval.status is ApprovalStatus.PENDING
    press(at, "take-over", card)
    assert holder(team, card) == ME
    press(at, "release", card)
    assert holder(team, card) is None


def test_who_else_has_a_card_open_is_said_on_it_and_in_the_list(team, seed, open_page):
    card, other = seed.card(), seed.card()
    attending.tell(team, "elsewhere", [(card.approval_id, "Ben")], was_told=False)
    assigning.claim(team, other.approval_id, actor="Ben")
    at = open_page("inbox")
    assert "Ben has it open" in said(at)
    assert list(at.dataframe[0].value["Has it"]) == ["open: Ben", "Ben"]


def test_where_nobody_signs_in_the_row_is_there_only_while_somebody_has_it(app, seed, open_page):
    card = seed.card()
    at = open_page("inbox")
    with pytest.raises(KeyError):
        at.button(key=keys.hands_act("claim", card.approval_id))
    assigning.claim(app, card.approval_id, actor="night shift")
    at.run()
    assert "night shift has it" in said(at)
    press(at, "take-over", card)
    assert holder(app, card) == ME


def test_the_next_card_is_one_that_nobody_else_has(team, seed, open_page):
    first, second = seed.card(), seed.card()
    assigning.claim(team, first.approval_id, actor="Ben")
    at = open_page("inbox")
    assert at.query_params["approval_id"] == second.approval_id
    at.button(key=keys.verb("approve", second.approval_id, 1)).click().run()
    assert not at.exception
    assert "others have" in said(at)
