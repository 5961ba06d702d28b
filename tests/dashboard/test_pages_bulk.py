"""Several cards of the inbox chosen and decided together, drawn without a browser."""

from __future__ import annotations

import pytest

from interlock.core.model.approvals import ApprovalStatus, Intent, Kind, Verb
from interlock.core.services import deciding, observing
from interlock.core.store import approvals, engine
from interlock.dashboard import keys
from interlock.dashboard.app_pages import inbox_cards
from interlock.dashboard.views import bulk


@pytest.fixture(autouse=True)
def _whole_page(monkeypatch):
    """Without a browser the whole page is drawn anyway, and nothing less can be."""
    monkeypatch.setattr(inbox_cards, "redraw", lambda: None)


@pytest.fixture
def choose(open_page):
    """The inbox with these cards chosen."""

    def choose_(*cards):
        at = open_page("inbox")
        at.button(key=keys.bulk_switch()).click().run()
        for card in cards:
            at.checkbox(key=keys.bulk_check(card.approval_id)).check().run()
        assert not at.exception
        return at

    return choose_


def status_of(app, card):
    return observing.get_card(app, card.approval_id).approval.status


def said(at):
    boxes = [*at.markdown, *at.caption, *at.warning, *at.subheader]
    return " | ".join(str(box.value) for box in boxes).replace("\\", "")


def test_two_of_three_are_approved_with_one_reason_and_reported(app, seed, choose):
    first, second, third = seed.card(), seed.card(), seed.card()
    at = choose(first, third)
    assert "2 cards to be decided together" in said(at)
    assert [code.value for code in at.code] == ["Refund number 1?", "Refund number 3?"]
    at.text_input(key=keys.bulk_reason()).set_value("checked")
    at.button(key=keys.bulk_verb(Verb.APPROVE)).click().run()
    assert not at.exception

    assert status_of(app, second) is ApprovalStatus.PENDING
    for card in (first, third):
        (made,) = observing.get_card(app, card.approval_id).decisions
        assert (made.verb, made.reason, made.version) == (Verb.APPROVE, "checked", 1)
    assert "2 done" in said(at)
    at.run()
    assert "2 done" in said(at)  # until it is left
    at.button(key=keys.bulk_close()).click().run()
    assert bulk.NOTHING_CHOSEN in said(at)
    at.button(key=keys.bulk_switch()).click().run()
    assert at.button(key=keys.verb("approve", second.approval_id, 1))


def test_high_risk_cannot_be_chosen_and_what_needs_a_form_is_left_out(app, seed, choose):
    risky, plain = seed.card(risk="high"), seed.card()
    fields = {"approved": {"type": "boolean"}, "amount": {"type": "number"}}
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    typed = seed.card(kind=Kind.SCHEMA, schema=schema)
    at = choose()
    assert at.checkbox(key=keys.bulk_check(risky.approval_id)).disabled
    at.button(key=keys.bulk_all(is_all=True)).click().run()
    assert "1 card to be decided together" in said(at)
    assert "has to be filled in" in said(at)
    at.button(key=keys.bulk_verb(Verb.REJECT)).click().run()
    assert (status_of(app, plain), status_of(app, typed)) == (
        ApprovalStatus.DECIDED,
        ApprovalStatus.PENDING,
    )
    assert "1 done · 1 refused" in said(at)


def test_what_changed_since_it_was_chosen_is_not_decided_as_it_is_now(app, seed, choose):
    decided, anew, plain = seed.card(), seed.card(), seed.card()
    at = choose(decided, anew, plain)
    deciding.decide(app, decided.approval_id, Intent(verb=Verb.REJECT), version=1, actor="Ben")
    with engine.write(app.engine) as conn:
        approvals.reopen(conn, anew.approval_id, version_from=1, approval=anew)
    at.button(key=keys.bulk_verb(Verb.APPROVE)).click().run()
    assert "1 done · 2 refused" in said(at)
    assert status_of(app, anew) is ApprovalStatus.PENDING
    assert [d.actor for d in observing.get_card(app, decided.approval_id).decisions] == ["Ben"]


def test_a_card_that_asks_anew_is_chosen_again_as_it_asks_now(app, seed, choose):
    card = seed.card()
    at = choose(card)
    with engine.write(app.engine) as conn:
        approvals.reopen(conn, card.approval_id, version_from=1, approval=card)
    at.run()
    assert "asks something else by now" in said(at)
    at.button(key=keys.bulk_anew(card.approval_id)).click().run()
    at.button(key=keys.bulk_verb(Verb.APPROVE)).click().run()
    assert status_of(app, card) is ApprovalStatus.DECIDED


def test_nothing_is_decided_before_all_its_pages_were_drawn(seed, choose, monkeypatch):
    monkeypatch.setattr(bulk, "PAGE_COUNT", 1)
    first, second = seed.card(), seed.card()
    at = choose(first, second)
    assert at.button(key=keys.bulk_verb(Verb.APPROVE)).disabled
    at.button(key=keys.bulk_drop(first.approval_id)).click().run()
    assert not at.button(key=keys.bulk_verb(Verb.APPROVE)).disabled


def test_a_link_to_one_card_ends_choosing(seed, choose):
    first, second = seed.card(), seed.card()
    at = choose(first)
    at.query_params["approval_id"] = second.approval_id
    at.run()
    assert at.button(key=keys.verb("approve", second.approval_id, 1))
