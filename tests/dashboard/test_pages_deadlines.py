"""A card's deadline on the page: the menu that puts it off, and a stale tab that is too late for it."""

from __future__ import annotations

from datetime import timedelta

from interlock.core.model.approvals import Intent, Verb
from interlock.core.services import deciding, observing
from interlock.dashboard import keys


def test_a_deadline_is_put_off_on_the_card_but_not_on_a_stale_one(app, seed, open_page):
    at = app.clock.now() + timedelta(minutes=1)
    card = seed.card(
        deadline_at=at, warn_at=at - timedelta(minutes=2), due_at=at, on_timeout="reject"
    )
    page = open_page("inbox")
    assert "If nobody decides until then: rejected" in said(page)
    page.button(key=keys.extend("1 h", card.approval_id, 1)).click().run()
    assert not page.exception
    kept = observing.get_card(app, card.approval_id).approval
    assert (kept.deadline_at, kept.version) == (at + timedelta(hours=1), 1)

    deciding.decide(app, card.approval_id, Intent(verb=Verb.APPROVE), version=1, actor="ben")
    button = page.button(key=keys.extend("1 day", card.approval_id, 1))
    button.click().run()
    assert not page.exception
    assert "Its deadline was not moved" in said(page)
    assert observing.get_card(app, card.approval_id).approval.deadline_at == kept.deadline_at


def said(page):
    drawn = (*page.markdown, *page.caption, *page.warning, *page.info, *page.error)
    return "\n".join(element.value for element in drawn).replace("\\", "")
