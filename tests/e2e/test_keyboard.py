"""The inbox by keys alone: from the first card to the last, and never a card that was not meant."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from interlock.core.model.approvals import Approval
from interlock.core.store import approvals, engine
from interlock.core.types import new_id
from interlock.dashboard import keys
from interlock.dashboard.views.inbox import PAGE_COUNT

NEED = {"type": "approval_needed"}
NOTHING_WAITS = re.compile("No card of .+ waits|No card waits")
MOVE_MS = 8_000


class Desk:
    """The inbox of one product in a tab, used by keys."""

    def __init__(self, page: Page, office: Any) -> None:
        self.page = page
        self._office = office
        self._keys = page.locator(keys.selector(keys.inbox_keyboard()))
        self.said = self._keys.locator(".said")
        self.hints = self._keys.locator(".keys")
        self.switch = self._keys.get_by_role("checkbox", name="Keys")
        self.search = page.locator(keys.selector(keys.inbox_filter("text"))).get_by_role("textbox")

    def wait_for(self, card: Approval) -> None:
        """Until this card is the one that keys decide, and they are heard."""
        ready = keys.card_form(card.approval_id, card.version)
        expect(self._keys.locator(f'.keys[data-ready="{ready}"]')).to_be_attached()

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def move(self, key: str, card: Approval) -> None:
        """Go to a card. A move that a busy page has missed is made again, as its user would."""
        ready = f'.keys[data-ready="{keys.card_form(card.approval_id, card.version)}"]'
        for _ in range(3):
            self.press(key)
            with suppress(AssertionError):
                expect(self._keys.locator(ready)).to_be_attached(timeout=MOVE_MS)
                return
        self.wait_for(card)

    def field(self, key: Callable[..., str], card: Approval, *more: Any) -> Locator:
        place = self.page.locator(keys.selector(key(card.approval_id, card.version, *more)))
        return place.locator("input, textarea").first

    def decided(self, card: Approval) -> list[tuple[str, Any]]:
        return [(str(d.verb), d.answer) for d in self._office.decisions(card)]


@pytest.fixture
def open_desk(
    new_page: Callable[..., Page], until_live: Callable[[Page], None]
) -> Callable[..., Desk]:
    """Open the inbox."""

    def open_(office: Any, url: str, **params: str) -> Desk:
        page = new_page(width=1400)
        query = "&".join(f"{name}={value}" for name, value in params.items())
        page.goto(f"{url}/inbox?{query}")
        until_live(page)
        return Desk(page, office)

    return open_


def need(office: Any, title: str) -> Approval:
    """A card that wants a yes or no."""
    card: Approval = office.ask(NEED | {"question": title})
    return card


def test_a_mixed_inbox_is_cleared_by_keys_alone(
    desk: Any, office: Any, open_desk: Callable[..., Desk]
) -> None:
    numbers = itertools.count()

    def own() -> str:
        """A thread by whose name the cards of this test are found among all others."""
        return f"zebra-{new_id()}-{next(numbers)}"

    yes = office.ask(NEED | {"question": "Refund?"}, thread_id=own())
    no = office.ask(NEED | {"question": "Deploy?"}, thread_id=own())
    words = office.ask("What shall it say?", thread_id=own())
    one = office.ask({"question": "Which?", "options": ["red", "blue"]}, thread_id=own())
    order = office.hold("order", {"item": "stamps"}, thread_id=own())
    held = office.hold("stages", {"gate": __file__}, break_before=("second",), thread_id=own())
    desk = open_desk(office, desk.url, **{"inbox-text": "zebra"})

    desk.wait_for(yes)
    desk.press("?")
    expect(desk.hints.get_by_text("leave a field")).to_be_visible()
    desk.move("j", no)
    desk.move("k", yes)
    desk.press("a")
    desk.wait_for(no)
    desk.press("x")
    desk.wait_for(words)
    desk.press("e")
    expect(desk.field(keys.answer_text, words)).to_be_focused()
    desk.page.keyboard.type("axe jk")  # each of them a key of ours, had nobody been typing
    desk.press("Control+Enter")
    desk.wait_for(one)
    desk.press("e")
    desk.press("Space")
    desk.press("Control+Enter")
    desk.wait_for(order)
    desk.press("e")
    desk.page.keyboard.type("20")
    for _ in range(3):  # the help of copies, copies, colour
        desk.press("Tab")
    desk.press("Space")
    desk.press("Tab")
    desk.page.keyboard.type("20260102")
    desk.press("Control+Enter")
    desk.wait_for(held)
    desk.press("a")

    expect(desk.page.get_by_text(NOTHING_WAITS)).to_be_visible()
    assert desk.decided(yes) == [("approve", {"approved": True})]
    assert desk.decided(no) == [("reject", {"approved": False, "reason": ""})]
    assert desk.decided(words) == [("answer", "axe jk")]
    assert desk.decided(one) == [("answer", "red")]
    ((verb, bought),) = desk.decided(order)
    assert (verb, bought["amount"], bought["colour"]) == ("answer", 20, "red")
    assert bought["day"] == "2026-01-02"
    assert [verb for verb, _ in desk.decided(held)] == ["approve"]


def test_keys_are_silent_while_somebody_types_and_when_switched_off(
    desk: Any, office: Any, open_desk: Callable[..., Desk]
) -> None:
    card = need(office, "Only by a click?")
    tab = open_desk(office, desk.url, approval_id=card.approval_id)
    tab.wait_for(card)
    tab.press("/")
    expect(tab.search).to_be_focused()
    tab.page.keyboard.type("xa?")
    expect(tab.search).to_have_value("xa?")
    tab.press("Escape")
    expect(tab.search).not_to_be_focused()
    tab.press("?")
    expect(tab.hints.get_by_text("leave a field")).to_be_visible()

    tab.switch.uncheck()
    tab.press("a")
    tab.page.reload()
    expect(tab.switch).not_to_be_checked()
    tab.wait_for(card)
    tab.press("a")
    tab.press("Control+Enter")
    tab.switch.check()  # clicks after the keys: had one been heard, this would come too late
    tab.wait_for(card)
    assert tab.decided(card) == []
    tab.press("x")
    expect(tab.page.locator(keys.selector(keys.inbox_outcome()))).to_contain_text("Rejected")
    assert [verb for verb, _ in tab.decided(card)] == ["reject"]


def test_no_key_approves_what_is_of_high_risk(
    desk: Any, office: Any, open_desk: Callable[..., Desk]
) -> None:
    card = need(office, "Delete everything?")
    with engine.write(office.app.engine) as conn:
        conn.execute(
            approvals.approvals.update()
            .where(approvals.approvals.c.approval_id == card.approval_id)
            .values(risk="high", risk_order=0)
        )
    tab = open_desk(office, desk.url, approval_id=card.approval_id)
    tab.wait_for(card)
    tab.press("a")
    expect(tab.said).to_contain_text("no key approves it")
    tab.wait_for(card)
    tab.press("Control+Enter")
    tab.wait_for(card)
    assert tab.decided(card) == []
    tab.press("x")
    expect(tab.page.locator(keys.selector(keys.inbox_outcome()))).to_contain_text("Rejected")


def test_a_key_held_down_decides_one_card(
    desk: Any, office: Any, open_desk: Callable[..., Desk]
) -> None:
    cards = [need(office, f"Held down, {name}?") for name in ("one", "two")]
    tab = open_desk(office, desk.url, **{"inbox-text": "held down"})
    tab.wait_for(cards[0])
    tab.page.keyboard.down("a")
    for _ in range(30):  # Chromium's own repetition of a key that is held
        tab.page.keyboard.down("a")
    tab.wait_for(cards[1])
    for _ in range(30):
        tab.page.keyboard.down("a")
    tab.page.keyboard.up("a")
    tab.wait_for(cards[1])
    assert [verb for verb, _ in tab.decided(cards[0])] == ["approve"]
    assert tab.decided(cards[1]) == []
    # What comes next is of the same filter, whatever else waits.
    tab.press("a")
    expect(tab.page.get_by_text(NOTHING_WAITS)).to_be_visible()


def test_quick_keys_go_over_the_end_of_a_page_and_a_yes_answers_no_question(
    desk: Any, office: Any, open_desk: Callable[..., Desk]
) -> None:
    cards = [office.ask(f"Paged, number {number}?") for number in range(PAGE_COUNT + 2)]
    tab = open_desk(office, desk.url, **{"inbox-text": "paged"})
    tab.wait_for(cards[0])
    for _ in cards[2:]:  # each before the one before it is answered
        tab.press("j")
    tab.move("j", cards[-1])
    tab.press("k")
    tab.wait_for(cards[-2])
    tab.press("k")
    tab.wait_for(cards[-3])
    tab.press("a")  # what is asked for are words
    expect(tab.said).to_contain_text("no such answer")
    tab.press("k")
    tab.wait_for(cards[-4])
    assert tab.decided(cards[-3]) == []


def test_two_of_three_cards_are_approved_together_and_the_third_still_waits(
    desk: Any, office: Any, open_desk: Callable[..., Desk]
) -> None:
    thread = f"together-{new_id()}"
    cards = [office.ask(NEED | {"question": f"{n}?"}, thread_id=f"{thread}-{n}") for n in (1, 2, 3)]
    desk = open_desk(office, desk.url, **{"inbox-text": thread.replace("-", " ")})
    page = desk.page

    def at(key: str) -> Locator:
        return page.locator(keys.selector(key))

    desk.wait_for(cards[0])
    at(keys.bulk_switch()).get_by_role("button").click()
    for card in (cards[0], cards[2]):
        at(keys.bulk_check(card.approval_id)).locator("label").click()
        expect(at(keys.bulk_card(card.approval_id, 1))).to_be_visible()
    at(keys.bulk_verb("approve")).get_by_role("button").click()
    expect(at(keys.bulk_report()).get_by_text("2 done")).to_be_visible()
    assert [[verb for verb, _ in desk.decided(card)] for card in cards] == [
        ["approve"],
        [],
        ["approve"],
    ]
    at(keys.bulk_close()).get_by_role("button").click()
    at(keys.bulk_switch()).get_by_role("button").click()
    desk.wait_for(cards[1])
