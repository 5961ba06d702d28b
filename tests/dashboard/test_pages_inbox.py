"""The inbox, drawn without a browser: every shape of card, one decision a card, and what comes next."""

from __future__ import annotations

import pytest

from interlock.core.model.approvals import ApprovalStatus, Intent, Kind, Verb
from interlock.core.model.payloads import read_breakpoint, read_interrupt
from interlock.core.model.runs import RunStatus
from interlock.core.services import deciding, observing
from interlock.dashboard import keys
from interlock.dashboard.app_pages import inbox_cards
from interlock.dashboard.components import inbox_session

ACTION = {
    "action_request": {"action": "send_mail", "args": {"to": "a@b.c", "count": 2}},
    "config": {
        "allow_ignore": True,
        "allow_respond": True,
        "allow_edit": True,
        "allow_accept": True,
    },
    "description": "Sends a mail",
}
TYPED = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "amount": {"type": "number", "default": 620.0, "maximum": 620.0},
        "note": {"type": "string"},
    },
    "required": ["approved"],
}


@pytest.fixture(autouse=True)
def _whole_page(monkeypatch):
    """Without a browser the whole page is drawn anyway, and nothing less can be."""
    monkeypatch.setattr(inbox_cards, "redraw", lambda: None)


def ask(seed, value, schema=None, **fields):
    """A card as the worker would make it of an interrupt."""
    question = read_interrupt(value, schema, node="review")
    given = {
        "kind": question.kind,
        "title": question.title,
        "payload": value,
        "allowed": question.allowed,
        "schema": schema,
    }
    return seed.card(**(given | fields))


def press(at, card, name):
    at.button(key=keys.verb(name, card.approval_id, card.version)).click().run()
    assert not at.exception
    return at


def decided(app, card):
    found = observing.get_card(app, card.approval_id)
    return found.approval.status, [(d.verb, d.answer, d.reason) for d in found.decisions]


def said(at):
    boxes = [*at.markdown, *at.caption, *at.warning, *at.info]
    return " | ".join(box.value for box in boxes)


def test_nothing_waiting_says_what_would_fill_the_inbox(seed, open_page):
    seed.workflow()
    at = open_page("inbox")
    assert not at.exception
    assert "Nothing waits for you" in said(at)


def test_an_approval_is_recorded_and_the_next_card_is_there(app, seed, open_page):
    first, second = ask(seed, "Refund 1?"), ask(seed, "Refund 2?")
    at = open_page("inbox")
    saves = {button.key for button in at.get("download_button")}
    assert saves == {keys.metrics_save("cards", ending) for ending in ("csv", "json")}
    at.text_input(key=keys.reason(first.approval_id, 1)).set_value("fine")
    press(at, first, "approve")
    assert decided(app, first) == (ApprovalStatus.DECIDED, [(Verb.APPROVE, True, "fine")])
    assert decided(app, second)[0] is ApprovalStatus.PENDING
    assert at.button(key=keys.verb("approve", second.approval_id, 1))
    assert "Approved · Refund 1" in said(at).replace("\\", "")
    assert at.query_params["approval_id"] == second.approval_id


def test_a_card_that_has_just_come_up_is_not_decided(app, seed, open_page, monkeypatch):
    monkeypatch.setattr(inbox_session, "UNREAD_S", 60.0)
    first, second = ask(seed, "Refund 1?"), ask(seed, "Refund 2?")
    at = press(open_page("inbox"), first, "approve")
    press(at, second, "approve")
    assert "only just come up" in said(at)
    assert decided(app, second) == (ApprovalStatus.PENDING, [])
    monkeypatch.setattr(inbox_session, "UNREAD_S", 0.0)
    press(at, second, "approve")
    assert decided(app, second)[0] is ApprovalStatus.DECIDED


def test_the_second_click_of_a_double_click_is_no_second_decision(app, seed, monkeypatch):
    card = ask(seed, "Refund?")
    monkeypatch.setattr(inbox_session.st, "session_state", {})
    inbox_session.note_decided(card.approval_id, 1)

    assert inbox_session.has_just_decided(card.approval_id, 1)
    assert not inbox_session.has_just_decided(card.approval_id, 2)  # it was asked again
    monkeypatch.setattr(inbox_session, "UNREAD_S", 0.0)
    assert not inbox_session.has_just_decided(card.approval_id, 1)


def test_a_link_opens_exactly_its_card(seed, open_page):
    ask(seed, "Refund 1?")
    second = ask(seed, "Refund 2?")
    at = open_page("inbox", approval_id=second.approval_id)
    assert not at.exception
    assert at.button(key=keys.verb("reject", second.approval_id, 1))


def test_a_link_to_no_card_says_so(seed, open_page):
    at = open_page("inbox", approval_id="gone")
    assert not at.exception
    assert "There is no such card" in said(at).replace("\\", "")


def test_a_late_decision_is_told_who_was_first(app, seed, clock, open_page):
    card = ask(seed, "Refund?")
    at = open_page("inbox")
    deciding.decide(
        app, card.approval_id, Intent(verb=Verb.REJECT), version=card.version, actor="Ben"
    )
    clock.advance(seconds=240)
    press(at, card, "approve")
    assert "Already rejected by Ben 4 min ago" in said(at).replace("\\", "")
    assert [verb for verb, *_ in decided(app, card)[1]] == [Verb.REJECT]


def test_a_typed_answer_is_sent_with_its_edited_field(app, seed, open_page):
    card = ask(seed, {"question": "Refund?", "amount": 620.0}, TYPED)
    at = open_page("inbox")
    at.number_input(key=keys.card_field(card.approval_id, 1, "amount")).set_value(500.0)
    at.text_input(key=keys.reason(card.approval_id, 1)).set_value("goodwill")
    press(at, card, "approve")
    answer = {"approved": True, "amount": 500, "note": "goodwill"}
    assert decided(app, card)[1] == [(Verb.APPROVE, answer, "goodwill")]


def test_the_form_becomes_json_without_losing_what_was_typed(app, seed, open_page):
    card = ask(seed, {"question": "Refund?"}, TYPED)
    at = open_page("inbox")
    at.number_input(key=keys.card_field(card.approval_id, 1, "amount")).set_value(500.0)
    at.segmented_control(key=keys.json_switch(card.approval_id, 1)).set_value("json").run()
    assert not at.exception
    area = at.text_area(key=keys.answer_text(card.approval_id, 1))
    assert '"amount": 500' in area.value
    area.set_value('{"approved": false}')
    press(at, card, "answer")
    assert decided(app, card)[1][0][1] == {"approved": False}


def test_a_wrong_answer_is_refused_beside_its_field_and_nothing_is_lost(app, seed, open_page):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 3}, "why": {"type": "string"}},
        "required": ["name"],
    }
    card = ask(seed, "Who?", schema)
    at = open_page("inbox")
    at.text_input(key=keys.card_field(card.approval_id, 1, "name")).set_value("A")
    at.text_input(key=keys.card_field(card.approval_id, 1, "why")).set_value("because")
    press(at, card, "answer")
    assert "material/error" in said(at)
    assert at.text_input(key=keys.card_field(card.approval_id, 1, "why")).value == "because"
    assert decided(app, card) == (ApprovalStatus.PENDING, [])


def test_a_raw_question_takes_text_json_and_yes_or_no(app, seed, open_page, monkeypatch):
    monkeypatch.setattr(inbox_session, "UNREAD_S", 0.0)
    cards = [ask(seed, f"Name {i}?") for i in range(3)]
    at = open_page("inbox")
    first, second, third = [(c.approval_id, 1) for c in cards]
    at.text_area(key=keys.answer_text(*first)).set_value("42")
    press(at, cards[0], "answer")
    at.segmented_control(key=keys.json_switch(*second)).set_value("json").run()
    at.text_area(key=keys.answer_text(*second)).set_value("42")
    press(at, cards[1], "answer")
    at.segmented_control(key=keys.json_switch(*third)).set_value("yes_no").run()
    at.radio(key=keys.yes_no(*third)).set_value(True)
    press(at, cards[2], "answer")
    assert [decided(app, c)[1][0][1] for c in cards] == ["42", 42, True]


def test_one_of_a_list_is_chosen(app, seed, open_page):
    card = ask(seed, {"question": "Which?", "options": ["red", "blue"]})
    at = open_page("inbox")
    press(at, card, "answer")
    assert "choose one" in said(at)
    at.radio(key=keys.choice(card.approval_id, 1)).set_value(1)
    press(at, card, "answer")
    assert decided(app, card)[1][0][1] == "blue"


def test_an_action_is_edited_in_its_types(app, seed, open_page):
    card = ask(seed, ACTION)
    at = open_page("inbox")
    at.number_input(key=keys.card_field(card.approval_id, 1, "count")).set_value(3)
    press(at, card, "approve")
    assert decided(app, card)[0] is ApprovalStatus.PENDING
    assert "Approve with changes" in said(at)
    press(at, card, "edit")
    (answer,) = decided(app, card)[1][0][1]
    assert answer["args"]["args"] == {"to": "a@b.c", "count": 3}


def test_several_actions_are_answered_together(app, seed, open_page):
    card = ask(seed, [ACTION, ACTION])
    at = open_page("inbox")
    press(at, card, "each")
    assert "decide this one too" in said(at)
    at.radio(key=keys.action_choice(card.approval_id, 1, 0)).set_value("approve")
    at.radio(key=keys.action_choice(card.approval_id, 1, 1)).set_value("respond")
    at.text_input(key=keys.action_message(card.approval_id, 1, 1)).set_value("later")
    press(at, card, "each")
    assert [item["type"] for item in decided(app, card)[1][0][1]] == ["accept", "response"]


def test_a_breakpoint_goes_on_with_a_changed_field(app, seed, open_page):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    question = read_breakpoint(["deploy"], state_schema=schema)
    card = seed.card(
        run=seed.run(RunStatus.PAUSED),
        kind=Kind.BREAKPOINT,
        interrupt_id=None,
        title=question.title,
        payload={"next": ["deploy"]},
        allowed=question.allowed,
        schema=schema,
    )
    at = open_page("inbox")
    field = keys.state_fields(card.approval_id, 1)
    at.multiselect(key=field).set_value(["n"]).run()
    at.number_input(key=keys.card_field(card.approval_id, 1, "n")).set_value(4)
    press(at, card, "edit")
    assert decided(app, card)[1][0][1] == {"verb": "edit", "values": {"n": 4}}


def test_an_approval_in_words_is_confirmed(app, seed, open_page):
    card = ask(seed, {"type": "approval_needed", "message": "Deploy?"})
    at = open_page("inbox")
    at.text_input(key=keys.reason(card.approval_id, 1)).set_value("not today")
    press(at, card, "reject")
    assert decided(app, card)[1][0][1] == {"approved": False, "reason": "not today"}


def test_what_an_agent_wrote_is_drawn_letter_by_letter(seed, open_page):
    ask(seed, {"question": "![a](http://evil/q.png)", "letter": "<img src=x>\n![b](http://evil/l)"})
    at = open_page("inbox")
    assert not at.exception
    drawn = [m.value for m in at.markdown] + [c.value for c in at.caption]
    assert not any("![" in text for text in drawn)
    assert any("![b](http://evil/l)" in code.value for code in at.code)


def test_new_cards_wait_to_be_let_in(seed, clock, open_page):
    ask(seed, "Refund 1?")
    at = open_page("inbox")
    clock.advance(seconds=60)
    ask(seed, "Refund 2?", asked_at=clock.now())
    at.run()
    assert not at.exception
    assert at.button(key=keys.inbox_show_new()).label == "1 new"
    at.button(key=keys.inbox_show_new()).click().run()
    assert "2 pending" in said(at)


def test_what_is_chosen_comes_from_the_url_and_the_next_card_is_of_the_same_filter(
    app, seed, open_page, monkeypatch
):
    monkeypatch.setattr(inbox_session, "UNREAD_S", 0.0)
    mail = seed.run(RunStatus.WAITING, workflow="mails")
    ask(seed, "Refund 1?", risk="high")
    first = ask(seed, "Mail 1?", run=mail, risk="high", node="send")
    ask(seed, "Refund 2?")
    second = ask(seed, "Mail 2?", run=mail, risk="high", node="send")
    chosen = {keys.inbox_filter("workflow"): "mails", keys.inbox_filter("risk"): "high risk"}
    at = open_page("inbox", **chosen)
    assert at.selectbox(key=keys.inbox_filter("node")).options == ["send"]
    told = said(at).replace("\\", "")
    assert "only mails, high risk · 2 pending · 0 decided · 0 no longer asked" in told
    press(at, first, "approve")
    press(at, second, "approve")
    told = said(at).replace("\\", "")
    assert "No card of mails, high risk waits. 2 cards of other kinds wait." in told
    at.button(key=keys.inbox_clear("nothing")).click().run()
    assert not at.exception
    assert "2 pending" in said(at)
    assert at.selectbox(key=keys.inbox_filter("workflow")).value is None


def test_cards_are_gone_through_over_the_end_of_a_page(seed, open_page):
    cards = [ask(seed, f"Refund {number}?") for number in range(27)]
    at = open_page("inbox", approval_id=cards[24].approval_id)
    assert at.button(key=keys.inbox_step(1)).disabled is False
    for by, expected in ((1, 25), (1, 26), (-1, 25), (-1, 24)):
        at.button(key=keys.inbox_step(by)).click().run()
        assert not at.exception
        assert at.query_params["approval_id"] == cards[expected].approval_id


def test_a_search_finds_what_is_asked(seed, open_page):
    ask(seed, {"question": "Refund?", "customer": "Ada Lovelace"})
    ask(seed, {"question": "Refund?", "customer": "Charles Babbage"})
    at = open_page("inbox")
    at.text_input(key=keys.inbox_filter("text")).set_value("love").run()
    assert not at.exception
    assert "1 pending" in said(at)
    at.text_input(key=keys.inbox_filter("text")).set_value("nobody").run()
    assert "No card of" in said(at)
    at.button(key=keys.inbox_clear("empty")).click().run()
    assert "2 pending" in said(at)


def test_a_page_that_is_there_no_more_becomes_the_last(app, seed, open_page, monkeypatch):
    monkeypatch.setattr(inbox_session, "UNREAD_S", 0.0)
    cards = [ask(seed, f"Refund {number}?") for number in range(26)]
    at = open_page("inbox", approval_id=cards[24].approval_id)
    at.button(key=keys.inbox_step(1)).click().run()
    press(at, cards[25], "approve")
    assert at.query_params["approval_id"] == cards[0].approval_id
    assert "25 pending" in said(at)


def test_decided_cards_are_kept_on_their_shelf(app, seed, open_page):
    card = ask(seed, "Refund?")
    deciding.decide(app, card.approval_id, Intent(verb=Verb.APPROVE), version=1, actor="Ben")
    at = open_page("inbox", approval_id=card.approval_id)
    at.segmented_control(key=keys.inbox_status()).set_value("Decided").run()
    assert not at.exception
    assert "Already approved by Ben" in said(at).replace("\\", "")
    with pytest.raises(KeyError):
        at.button(key=keys.verb("approve", card.approval_id, 1))


def test_a_closed_card_leads_to_the_next_that_waits(app, seed, open_page):
    closed, waiting = ask(seed, "Refund 1?"), ask(seed, "Refund 2?")
    deciding.decide(app, closed.approval_id, Intent(verb=Verb.APPROVE), version=1, actor="Ben")
    at = open_page("inbox", approval_id=closed.approval_id)
    press(at, closed, "next")
    assert at.button(key=keys.verb("approve", waiting.approval_id, 1))


def test_a_schema_that_cannot_be_used_is_said_on_the_card(seed, open_page):
    seed.card(schema={"$ref": "https://example.org/answer.json"})
    at = open_page("inbox")
    assert not at.exception
    (said,) = [w.value for w in at.main.warning if "cannot be used" in w.value]
    assert "unchecked" in said
    assert any("which is not in it" in c.value for c in at.main.code)


@pytest.mark.parametrize(("lag_s", "shown"), [(60.0, "second"), (0.0, "first")])
def test_a_browser_that_still_tells_the_old_url_does_not_undo_a_choice(
    seed, open_page, monkeypatch, lag_s, shown
):
    monkeypatch.setattr(inbox_session, "URL_LAG_S", lag_s)
    cards = {"first": ask(seed, "First?"), "second": ask(seed, "Second?")}
    at = open_page("inbox")
    press(at, cards["first"], "approve")
    assert at.query_params["approval_id"] == cards["second"].approval_id

    # A live part asked to be drawn before the new URL had reached the browser.
    at.query_params["approval_id"] = cards["first"].approval_id
    at.run()

    assert not at.exception
    assert at.query_params["approval_id"] == cards[shown].approval_id
