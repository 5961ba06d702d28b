"""Clicks that come too late or twice, and cards that come while another is being answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from interlock.core.model.approvals import Approval, Intent, Verb
from interlock.core.types import new_id
from interlock.dashboard import keys

NEED = {"type": "approval_needed"}


def need(office: Any, title: str) -> Approval:
    """A card that wants a yes or no."""
    card: Approval = office.ask(NEED | {"question": title})
    return card


def check_decided_once(office: Any, card: Approval, verb: str, actor: str) -> None:
    """One decision, one run that carried it out, one answer that reached the workflow."""
    (decision,) = office.decisions(card)
    assert (str(decision.verb), decision.actor) == (verb, actor)
    values = office.values(card)
    assert values["answer"]["approved"] is (verb == "approve")
    assert [str(r.status) for r in office.runs(thread_id=card.thread_id)] == ["done", "continued"]


def test_the_second_of_two_tabs_is_told_who_decided_what_and_when(
    office: Any, open_card: Callable[..., Any]
) -> None:
    card = need(office, "Open the valve?")
    first, second = open_card(card), open_card(card)
    second.text(keys.reason).fill("It looks shut.")

    first.press("Approve")
    expect(first.outcome).to_contain_text("Done in")
    expect(second.root).to_contain_text(re.compile(r"Already approved by local operator .+\."))
    expect(second.text(keys.reason)).to_have_value("It looks shut.")
    second.press("Reject")

    told = re.compile(r"Already approved by local operator .+ not used\.")
    expect(second.told(told)).to_be_visible()
    check_decided_once(office, card, "approve", "local operator")


def test_a_card_decided_on_the_command_line_says_so_on_the_screen(
    desk: Any, office: Any, open_card: Callable[..., Any]
) -> None:
    card = need(office, "Shut the valve?")
    sheet = open_card(card)

    desk.call("decide", card.approval_id, "--reject", "--reason", "too hot", "--as", "Ann")

    expect(sheet.root).to_contain_text(re.compile(r"Already rejected by Ann .+\."))
    sheet.press("Approve")
    expect(sheet.told(re.compile(r"Already rejected by Ann .+ not used\."))).to_be_visible()
    check_decided_once(office, card, "reject", "Ann")


def test_an_answer_to_an_older_version_never_reaches_the_newer_one(
    office: Any, open_card: Callable[..., Any]
) -> None:
    first = need(office, "The first of two?")
    sheet = open_card(first)
    office.decide(first, Intent(verb=Verb.APPROVE), actor="Ann")
    office.values(first)
    second = office.ask(NEED | {"question": "The second of two?"}, thread_id=first.thread_id)

    sheet.press("Reject")

    expect(sheet.told(re.compile(r"Already approved by Ann .+ not used\."))).to_be_visible()
    assert office.decisions(second) == ()


@pytest.mark.parametrize("pause_ms", [0, 60, 150])
def test_a_double_click_decides_one_card_once(
    office: Any, open_card: Callable[..., Any], pause_ms: int
) -> None:
    # The next card looks the same and has its button in the same place.
    cards = [need(office, f"Twice after {pause_ms} ms, {name}?") for name in ("one", "two")]
    sheet = open_card(cards[0])
    box = sheet.button("Approve").bounding_box()

    sheet.page.mouse.click(
        box["x"] + box["width"] / 2,
        box["y"] + box["height"] / 2,
        click_count=2,
        delay=pause_ms,
    )

    expect(sheet.outcome).to_contain_text("Done in")
    check_decided_once(office, cards[0], "approve", "local operator")
    assert office.decisions(cards[1]) == ()
    expect(sheet.told("not used")).to_have_count(0)
    office.decide(cards[1], Intent(verb=Verb.REJECT), actor="Ann")


def test_a_new_card_leaves_draft_selection_focus_and_list_alone(
    office: Any, open_card: Callable[..., Any]
) -> None:
    # Found by a word of their own: only some rows of a long list are drawn.
    card = office.ask("What shall it say?", thread_id=f"heron-{new_id()}")
    sheet = open_card(card, text="heron")
    page: Page = sheet.page
    listed = page.locator(keys.selector(keys.inbox_list()))
    table = listed.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    expect(table.locator("[role=gridcell]", has_text="What shall it say?")).to_be_attached()
    before = table.evaluate(READ_ROWS)
    draft = sheet.text(keys.answer_text)
    draft.press_sequentially("Hello wor")
    for _ in range(3):
        draft.press("Shift+ArrowLeft")

    newer = office.ask(NEED | {"question": "Something newer?"}, thread_id=f"heron-{new_id()}")

    announced = listed.get_by_role("button", name=re.compile("1 new"))
    expect(announced).to_be_visible()
    assert draft.evaluate(READ_DRAFT) == ["Hello wor", 6, 9, True]
    assert table.evaluate(READ_ROWS) == before
    page.keyboard.type("World")  # goes where the selection was
    expect(draft).to_have_value("Hello World")
    announced.click()
    expect(table.locator("[role=gridcell]", has_text="Something newer?")).to_be_attached()
    expect(draft).to_have_value("Hello World")
    sheet.press("Send answer")
    expect(sheet.outcome).to_contain_text("Answered · What shall it say?")
    assert office.values(card)["answer"] == "Hello World"
    office.decide(newer, Intent(verb=Verb.REJECT), actor="Ann")


READ_DRAFT = """(box) => [
  box.value, box.selectionStart, box.selectionEnd, document.activeElement === box
]"""
# Without the first column: how long a card has been waiting goes on.
READ_ROWS = """(table) => [...table.querySelectorAll("tbody [role=row]")].map((row) =>
  [...row.querySelectorAll("[role=gridcell]")].slice(1).map((cell) => cell.textContent)
)"""
