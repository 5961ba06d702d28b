"""Every page as a whole: nothing goes wrong in the browser, links lead where they say, small screens do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from interlock.core.model.approvals import Approval, Intent, Verb
from interlock.core.model.runs import Run
from interlock.core.services import observing
from interlock.dashboard import keys

ROW_HEIGHT = 33  # pixels: what a table draws a row with at our font size
NARROW = 390  # pixels: a phone
TALL = 1600  # pixels: a full page of a list, with nothing over it


@pytest.fixture(scope="module")
def cards(office: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Approval]:
    """One card with a list to choose from, one with a form, one at a breakpoint."""
    gate = str(tmp_path_factory.mktemp("gates") / "never")
    return [
        office.ask({"question": "Which?", "options": ["one", "two"]}),
        office.hold("order", {"item": "stamps"}),
        office.hold("stages", {"gate": gate}, break_before=("second",)),
    ]


@pytest.fixture(scope="module")
def runs(office: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run that failed, one that is done, one that goes on."""
    gate = str(tmp_path_factory.mktemp("gates") / "never")
    return {
        "failed": office.launch("fragile", {"gate": gate}),
        "done": office.launch("stages", {"gate": __file__}),
        "running": office.start("stages", {"gate": gate}),
    }


@pytest.fixture
def paths(cards: list[Approval], runs: dict[str, Run]) -> list[str]:
    """The address of every page with something on it."""
    return [
        "/",
        *(f"/inbox?approval_id={card.approval_id}" for card in cards),
        "/launch?workflow=order",
        "/runs",
        *(f"/run?run_id={run_id}" for run_id in (cards[0].run_id, cards[2].run_id)),
        *(f"/run?run_id={run.run_id}" for run in runs.values()),
    ]


@pytest.mark.timeout(240)
def test_nothing_goes_wrong_in_the_browser_on_any_page(
    desk: Any,
    paths: list[str],
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
    watch: Callable[[Page, str], Any],
) -> None:
    page = new_page()
    seen = watch(page, desk.url)

    for path in paths:
        page.goto(desk.url + path)
        until_live(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)

    assert seen.complaints == []
    assert seen.foreign == []


@pytest.mark.timeout(240)
def test_no_page_is_wider_than_a_phone(
    desk: Any,
    paths: list[str],
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
) -> None:
    page = new_page(width=NARROW, height=844)

    for path in paths:
        page.goto(desk.url + path)
        expect(page.get_by_test_id("stMain").get_by_role("heading").first).to_be_visible()
        widths = page.get_by_test_id("stMain").evaluate(
            "(main) => [document.documentElement.scrollWidth, main.scrollWidth]"
        )
        assert max(widths) <= NARROW, path


def test_a_phone_shows_the_list_above_the_card_and_its_buttons_can_be_pressed(
    office: Any, open_card: Callable[..., Any]
) -> None:
    card: Approval = office.hold("order", {"item": "stamps"})
    sheet = open_card(card, width=NARROW, height=844)

    listed = sheet.page.locator(keys.selector(keys.inbox_list())).bounding_box()
    shown = sheet.root.bounding_box()
    assert listed["y"] + listed["height"] <= shown["y"]
    for box in (listed, shown):
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= NARROW
    sheet.press("Send answer")
    expect(sheet.root.get_by_text("is needed").first).to_be_visible()
    assert office.decisions(card) == ()


@pytest.mark.parametrize(("width", "height"), [(NARROW, 844), (1400, 500)])
def test_the_decision_bar_stays_in_view_however_long_the_card_is(
    office: Any, open_card: Callable[..., Any], width: int, height: int
) -> None:
    card: Approval = office.ask({"question": "Enough?", "essay": "A line of it.\n" * 100})
    sheet = open_card(card, width=width, height=height)
    bar = sheet.page.locator(keys.selector(keys.decision_bar()))
    last = sheet.root.get_by_role("link", name="Its run")

    expect(bar).to_contain_text("Enough?")
    for place in (sheet.root, last):  # at the top, and scrolled to the end of the card
        place.scroll_into_view_if_needed()
        expect(bar.get_by_role("button", name="Approve", exact=True)).to_be_in_viewport(ratio=1)
    shown, end = bar.bounding_box(), last.bounding_box()
    assert end["y"] + end["height"] <= shown["y"]
    assert shown["y"] + shown["height"] <= height


def test_the_decision_bar_belongs_to_the_card_that_is_shown(
    office: Any, open_card: Callable[..., Any]
) -> None:
    closed = office.ask("Closed already?")
    office.decide(closed, Intent(verb=Verb.REJECT), actor="Ann")
    waiting = office.ask("Still to be decided?")
    oldest = find_oldest(office)
    sheet = open_card(closed)
    bar = sheet.page.locator(keys.selector(keys.decision_bar()))
    expect(sheet.root).to_contain_text("rejected by Ann")
    expect(bar.get_by_role("button")).to_have_count(0)

    click_row(sheet.page.get_by_test_id("stDataFrame"), oldest.title)
    expect(sheet.page).to_have_url(re.compile(f"approval_id={oldest.approval_id}$"))
    expect(bar).to_contain_text(oldest.title)
    expect(bar.get_by_role("button").first).to_be_visible()
    sheet.page.goto(sheet.page.url.replace(oldest.approval_id, waiting.approval_id))
    bar.get_by_role("button", name="Approve", exact=True).click()

    expect(sheet.outcome).to_contain_text("Approved · Still to be decided?")
    assert [str(d.verb) for d in office.decisions(waiting)] == ["approve"]
    assert len(office.decisions(closed)) == 1


def find_oldest(office: Any) -> Approval:
    """The card that stands first in the list, however many other tests have left there."""
    return observing.list_inbox(office.app, limit=1)[0]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/inbox?approval_id=no-such-card", "There is no such card."),
        ("/run?run_id=no-such-run", "There is no such run."),
        ("/run", "No run is chosen."),
        ("/inbox?approval_id=%3Cimg%20src%3Dx%3E", "There is no such card."),
    ],
)
def test_a_link_to_nothing_says_so(
    desk: Any,
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
    path: str,
    words: str,
) -> None:
    page = new_page(desk.url + path)
    until_live(page)
    expect(page.get_by_test_id("stMain").get_by_text(words)).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_link_opens_exactly_the_run_it_names(
    desk: Any, runs: dict[str, Run], new_page: Callable[..., Page]
) -> None:
    failed = runs["failed"]
    page = new_page(f"{desk.url}/run?run_id={failed.run_id}")
    main = page.get_by_test_id("stMain")
    expect(main.get_by_role("heading", name=failed.workflow, exact=True)).to_be_visible()
    expect(main.get_by_test_id("stAlert")).to_contain_text("RuntimeError")


def click_row(table: Locator, words: str) -> None:
    """Click a row of a table, which is a picture: beneath it the same stands as text, row by row."""
    cell = table.locator("tr[role=row]", has_text=words).first
    number = int(cell.get_attribute("aria-rowindex") or 0)
    # Not the picture itself: over it lies what scrolls it.
    table.click(position={"x": 150, "y": ROW_HEIGHT * (number - 0.5)})


def test_a_click_on_a_row_opens_what_stands_in_it(
    desk: Any,
    runs: dict[str, Run],
    office: Any,
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
) -> None:
    newest = office.ask("Not the first?")
    wanted = find_oldest(office)
    page = new_page(f"{desk.url}/inbox?approval_id={newest.approval_id}", height=TALL)
    until_live(page)
    click_row(page.get_by_test_id("stDataFrame"), wanted.title)
    expect(page).to_have_url(re.compile(f"approval_id={wanted.approval_id}$"))
    expect(page.locator(keys.selector(keys.card(wanted.approval_id)))).to_be_visible()

    page.goto(f"{desk.url}/runs")
    until_live(page)
    short = runs["failed"].run_id[-8:]
    click_row(page.get_by_test_id("stDataFrame"), short)
    expect(page).to_have_url(re.compile(f"run_id={runs['failed'].run_id}$"))
    expect(page.get_by_test_id("stMain").get_by_test_id("stAlert")).to_contain_text("RuntimeError")
