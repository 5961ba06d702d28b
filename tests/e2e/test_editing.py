"""Editing in the browser: what a change changes is seen at once, and no click and no draft is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, expect

from interlock.dashboard import keys

MAIL = {
    "action_request": {
        "action": "send_mail",
        "args": {"to": "Ann Alder", "copies": 1, "body": "Dear Ann,\nthank you."},
    },
    "config": {"allow_accept": True, "allow_edit": True},
}
PRESS_MS = 250  # as long as people hold a button down; a redrawing in between must not lose it


def test_a_change_is_shown_while_it_is_typed(office: Any, open_card: Callable[..., Any]) -> None:
    sheet = open_card(office.ask(MAIL))
    to, copies = sheet.text(keys.card_field, "to"), number(sheet, "copies")
    reason = sheet.text(keys.reason)
    place = reason.bounding_box()

    to.fill("Bob Birch")
    expect(sheet.root).to_contain_text("to: Ann Alder arrow_forward Bob Birch")
    expect(to).to_be_focused()
    copies.fill("3")
    copies.press("Tab")
    expect(sheet.root).to_contain_text("copies: 1 arrow_forward 3")
    assert reason.bounding_box() == place

    to.fill("Ann Alder")
    expect(sheet.root).not_to_contain_text("Bob Birch")


def test_a_press_right_after_typing_is_not_lost(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.ask(MAIL)
    sheet = open_card(card)

    sheet.text(keys.card_field, "to").fill("Bob Birch")
    number(sheet, "copies").fill("2")
    sheet.text(keys.card_field, "body").fill("Dear Bob,\nthank you.")
    sheet.button("Approve with changes").click(delay=PRESS_MS)

    expect(sheet.outcome).to_contain_text("Approved with changes")
    ((answer,),) = (office.values(card)["answer"],)
    sent = {"to": "Bob Birch", "copies": 2, "body": "Dear Bob,\nthank you."}
    assert answer["args"] == {"action": "send_mail", "args": sent}
    assert type(answer["args"]["args"]["copies"]) is int


def test_a_press_in_the_instant_of_leaving_a_field_is_answered(
    office: Any, open_card: Callable[..., Any]
) -> None:
    card = office.ask(MAIL)
    sheet = open_card(card)

    sheet.text(keys.card_field, "to").fill("Bob Birch")
    sheet.button("Approve").click(delay=0)

    bar = sheet.page.locator(keys.selector(keys.decision_bar()))
    expect(bar).to_contain_text("Nothing was sent")
    assert office.decisions(card) == ()


def test_what_is_typed_while_another_field_is_read_stays(
    office: Any, open_card: Callable[..., Any]
) -> None:
    sheet = open_card(office.ask(MAIL))

    number(sheet, "copies").fill("7")
    body = sheet.text(keys.card_field, "body")
    body.click()
    body.press_sequentially(" And goodbye.", delay=30)

    expect(sheet.root).to_contain_text("copies: 1 arrow_forward 7")
    expect(body).to_be_focused()
    expect(body).to_have_value("Dear Ann,\nthank you. And goodbye.")


def number(sheet: Any, field: str) -> Locator:
    """A field for a number."""
    place: Locator = sheet.place(keys.card_field, field)
    return place.get_by_role("spinbutton")
