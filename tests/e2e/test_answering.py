"""Answering in the browser: every shape of question, and what the workflow then gets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, expect

from interlock.dashboard import keys

INBOX_ITEM = {
    "action_request": {"action": "send_mail", "args": {"to": "ann@example.org", "copies": 1}},
    "config": {
        "allow_accept": True,
        "allow_edit": True,
        "allow_respond": True,
        "allow_ignore": True,
    },
    "description": "Shall this be sent?",
}
TWO_ACTIONS = {
    "action_requests": [
        {"name": "delete", "args": {"path": "a.txt"}, "description": "Delete a.txt?"},
        {"name": "delete", "args": {"path": "b.txt"}, "description": "Delete b.txt?"},
    ],
    "review_configs": [
        {"action_name": "delete", "allowed_decisions": ["approve", "reject"]},
    ],
}


# Every shape of question --------------------------------------------------------------------------


def test_a_question_is_answered_in_words(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.ask("Which city?")
    sheet = open_card(card)
    expect(sheet.root).to_contain_text("Which city?")

    sheet.text(keys.answer_text).fill("Paris")
    sheet.press("Send answer")

    expect(sheet.outcome).to_contain_text("Answered · Which city?")
    expect(sheet.outcome).to_contain_text("Done in")
    assert office.values(card)["answer"] == "Paris"


def test_a_question_is_answered_in_json(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.ask("Which cities?")
    sheet = open_card(card)

    sheet.write_as("JSON")
    sheet.text(keys.answer_text).fill('{"cities": ["Paris"')
    sheet.press("Send answer")
    expect(sheet.root).to_contain_text("is not JSON")
    sheet.text(keys.answer_text).fill('{"cities": ["Paris", 7, null]}')
    sheet.press("Send answer")

    expect(sheet.outcome).to_contain_text("Done in")
    assert office.values(card)["answer"] == {"cities": ["Paris", 7, None]}


def test_a_question_is_answered_by_yes_or_no(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.ask("Is it late?")
    sheet = open_card(card)

    sheet.write_as("Yes / No")
    sheet.press("Send answer")
    expect(sheet.root).to_contain_text("choose yes or no")
    sheet.root.get_by_role("radio", name="No", exact=True).check(force=True)
    sheet.press("Send answer")

    expect(sheet.outcome).to_contain_text("Done in")
    assert office.values(card)["answer"] is False


def test_a_choice_is_made_among_what_is_offered(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.ask({"question": "Which colour?", "options": ["red", "green", 3]})
    sheet = open_card(card)

    sheet.press("Send answer")
    expect(sheet.root).to_contain_text("choose one")
    sheet.root.get_by_role("radio", name="3", exact=True).check(force=True)
    sheet.press("Send answer")

    expect(sheet.outcome).to_contain_text("Done in")
    assert office.values(card)["answer"] == 3


def test_a_rejection_takes_its_reason_along(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.ask({"type": "approval_needed", "question": "Delete everything?"})
    sheet = open_card(card)

    sheet.text(keys.reason).fill("Not before the backup.")
    sheet.press("Reject")

    expect(sheet.outcome).to_contain_text("Rejected · Delete everything?")
    expect(sheet.outcome).to_contain_text("Done in")
    assert office.values(card)["answer"] == {
        "approved": False,
        "reason": "Not before the backup.",
    }
    (decision,) = office.decisions(card)
    assert (decision.verb, decision.reason) == ("reject", "Not before the backup.")


def test_an_action_is_approved_with_changes(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.ask([INBOX_ITEM])
    sheet = open_card(card)

    sheet.text(keys.card_field, "to").fill("bob@example.org")
    sheet.press("Approve")
    expect(sheet.root).to_contain_text(re.compile("changes", re.IGNORECASE))
    assert office.decisions(card) == ()
    sheet.press("Approve with changes")

    expect(sheet.outcome).to_contain_text("Approved with changes · send_mail")
    assert office.values(card)["answer"] == [
        {
            "type": "edit",
            "args": {"action": "send_mail", "args": {"to": "bob@example.org", "copies": 1}},
        }
    ]


def test_an_action_is_answered_in_words(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.ask([INBOX_ITEM])
    sheet = open_card(card)

    sheet.text(keys.response).fill("Ask her first.")
    sheet.press("Respond")

    expect(sheet.outcome).to_contain_text("Answered · send_mail")
    assert office.values(card)["answer"] == [{"type": "response", "args": "Ask her first."}]


def test_several_actions_are_decided_one_by_one(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.ask(TWO_ACTIONS)
    sheet = open_card(card)

    for index, word in enumerate(("Approve", "Reject")):
        choice = sheet.place(keys.action_choice, index)
        if index == 1:
            sheet.press("Send 2 decisions")
            expect(sheet.root.get_by_text("error")).to_have_count(1)
        choice.get_by_role("radio", name=word, exact=True).check(force=True)
    sheet.press("Send 2 decisions")

    expect(sheet.outcome).to_contain_text("Done in")
    decisions = office.values(card)["answer"]["decisions"]
    assert [d["type"] for d in decisions] == ["approve", "reject"]


def test_a_form_is_checked_field_by_field(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.hold("order", {"item": "pencils"})
    sheet = open_card(card)
    amount = sheet.place(keys.card_field, "amount").get_by_role("spinbutton")

    sheet.text(keys.card_field, "code").fill("abc")
    sheet.text(keys.card_field, "note").fill("soon")
    sheet.press("Send answer")
    for field in ("amount", "colour", "day"):
        expect(below(sheet, field)).to_contain_text("is needed")
    amount.fill("400")
    amount.press("Tab")
    sheet.press("Send answer")
    expect(sheet.text(keys.card_field, "note")).to_have_value("soon")
    assert office.decisions(card) == ()


def below(sheet: Any, field: str) -> Locator:
    """What stands right below a field."""
    return sheet.place(keys.card_field, field).locator("xpath=following::p[1]")
