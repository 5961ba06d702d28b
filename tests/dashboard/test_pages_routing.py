"""The card of one that is not everybody's: who may, votes, a revision; drawn without a browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.model import people
from interlock.core.model.approvals import ApprovalStatus, Intent, Verb
from interlock.core.model.people import Caller, CallerKind, Operator, Permission, Role, Token
from interlock.core.model.routes import Route
from interlock.core.services import deciding, observing
from interlock.core.store import engine, operators, tokens
from interlock.dashboard import deps, keys
from interlock.dashboard.app_pages import inbox_cards

VERBS = (Verb.APPROVE, Verb.REJECT, Verb.REVISE, Verb.ANSWER)


@pytest.fixture(autouse=True)
def _whole_page(monkeypatch):
    """Without a browser the whole page is drawn anyway, and nothing less can be."""
    monkeypatch.setattr(inbox_cards, "redraw", lambda: None)


@pytest.fixture
def sign_in(app, monkeypatch):
    """Somebody looks at the pages who signed in."""

    def sign_in(name, role=Role.OPERATOR, *groups):
        now = app.clock.now()
        account = Operator(name=name, role=role, groups=groups, created_at=now, updated_at=now)
        shown = Token(
            token_id=name,
            operator=name,
            label="",
            scopes=tuple(Permission),
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        with engine.write(app.engine) as conn:
            operators.insert(conn, account, password_hash=None)
            tokens.insert(conn, shown, secret_hash=people.hash_secret(name))
            operators.set_sign_in(conn, "local", by="test", now=now)
        bound = replace(app, caller=Caller(CallerKind.TOKEN, people.hash_secret(name)))
        monkeypatch.setattr(deps, "app", lambda: bound)
        monkeypatch.setattr(deps, "actor", lambda: name)
        deps.forget_all()
        return bound

    return sign_in


def said(at):
    boxes = [*at.markdown, *at.caption, *at.warning]
    return " | ".join(box.value.replace("\\", "") for box in boxes)


def button(at, card, name, version=None):
    return at.button(key=keys.verb(name, card.approval_id, version or card.version))


def test_whoever_may_not_decide_sees_why_and_who_does(seed, open_page, sign_in):
    card = seed.card(route=Route(approvers=("group:finance",)), allowed=VERBS)
    sign_in("ben")
    at = open_page("inbox", approval_id=card.approval_id)
    assert not at.exception
    assert "ben may not decide this card: the group finance decides it" in said(at)
    assert button(at, card, "approve").disabled
    assert button(at, card, "reject").disabled


def test_who_signed_in_sees_first_what_is_theirs(seed, open_page, sign_in):
    mine = seed.card(title="Of finance", route=Route(approvers=("group:finance",)))
    seed.card(title="Of others", route=Route(approvers=("group:legal",)))
    sign_in("vic", Role.VIEWER, "finance")
    at = open_page("inbox")
    assert not at.exception
    assert "only yours to decide · 1 pending" in said(at)
    assert not button(at, mine, "approve").disabled
    at.selectbox(key=keys.inbox_filter("whose")).select("Everybody's").run()
    assert "2 pending" in said(at)


def test_a_vote_waits_for_another_and_agreeing_decides(app, seed, open_page):
    card = seed.card(route=Route(quorum=2), payload={"a": 1}, allowed=VERBS)
    intent = Intent(verb=Verb.ANSWER, value={"n": 3}, reason="as agreed")
    deciding.decide(app, card.approval_id, intent, version=1, actor="Ann")
    at = open_page("inbox")
    shown = said(at)
    assert "It takes 2 people who say the same; 1 missing" in shown
    assert "whoever is at the screen decides" in shown
    assert "Ann: answered" in shown
    assert "as agreed" in " ".join(text.value for text in [*at.text, *at.code])
    at.button(key=keys.agree(0, card.approval_id, 1)).click().run()
    assert not at.exception
    found = observing.get_card(app, card.approval_id)
    assert found.approval.status is ApprovalStatus.DECIDED
    assert [d.answer for d in found.decisions] == [{"n": 3}]
    assert len(found.votes) == 2


def test_a_vote_that_is_not_enough_says_so(app, seed, open_page):
    card = seed.card(route=Route(quorum=3), payload={"a": 1}, allowed=VERBS)
    at = open_page("inbox")
    button(at, card, "approve").click().run()
    assert not at.exception
    assert "Your vote counts" in said(at)
    assert "2 more people" in said(at)
    (vote,) = observing.get_card(app, card.approval_id).votes
    assert vote.verb is Verb.APPROVE


def test_a_revision_takes_a_comment(app, seed, open_page):
    answers = {"revise": {"go": "back", "why": "$reason"}}
    seed.workflow(policy={"approval": {"review": {"answers": answers}}})
    card = seed.card(payload={"a": 1}, allowed=VERBS)
    at = open_page("inbox")
    button(at, card, "revise").click().run()
    assert "Nothing was sent" in said(at)
    at.text_input(key=keys.reason(card.approval_id, 1)).input("shorter")
    button(at, card, "revise").click().run()
    assert not at.exception
    (made,) = observing.get_card(app, card.approval_id).decisions
    assert (made.verb, made.answer) == (Verb.REVISE, {"go": "back", "why": "shorter"})
    assert "Sent back for revision" in said(at)
