"""What a newcomer does with the shipped workflows, by clicking only."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from interlock.core.services import observing, running
from interlock.dashboard import keys
from interlock.dashboard.components.inbox_session import UNREAD_S

DESK = "refund_desk"
SLOW_TOKEN_S = "0.3"  # half a minute a draft: it is still being written when it is looked at
BADGE = ".stMarkdownBadge"
FIRST = "Refund 620.00 EUR to customer 4711?"
WHY = "Broken for the third time."
SECOND = "Refund 1480.00 EUR to customer 1207?"


@pytest.fixture(scope="module")
def office(up: Any, offices: Callable[[Any], Any]) -> Any:
    return offices(up)


def go_to(page: Page, name: str) -> None:
    """Take the navigation to a page."""
    named = re.compile(rf"^{name}( \(\d+\))?$")  # the inbox's with how many wait
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=named).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def say_count(waiting: int) -> str:
    """How the title of a tab begins."""
    return f"({waiting}) " if waiting else ""


def main(page: Page) -> Locator:
    return page.get_by_test_id("stMain")


def submit(page: Page, workflow: str = DESK) -> Locator:
    return page.locator(keys.selector(keys.launch_submit(workflow))).get_by_role("button")


def read_run_id(page: Page) -> str:
    expect(page).to_have_url(re.compile(r"/run\?run_id="))
    (run_id,) = parse_qs(urlsplit(page.url).query)["run_id"]
    return run_id


def choose_workflow(page: Page, name: str) -> None:
    page.get_by_role("combobox", name="Workflow").click()
    page.get_by_role("option", name=name, exact=True).click()
    expect(submit(page, name)).to_be_visible()


def test_two_refunds_are_launched_released_and_finished_by_clicking_only(
    office: Any, page: Page
) -> None:
    waiting = office.count()
    go_to(page, "Launch")
    submit(page).click()

    first_id = read_run_id(page)
    card = page.locator("[class*='st-key-open--']", has_text=FIRST)
    expect(card).to_be_visible()
    expect(page).to_have_title(f"({waiting + 2}) Run · Interlock")
    card.get_by_role("link", name="Open").click()

    detail = page.locator(keys.selector(keys.inbox_detail()))
    outcome = page.locator(keys.selector(keys.inbox_outcome()))
    approve = page.get_by_role("button", name="Approve", exact=True)
    expect(detail).to_contain_text(FIRST)
    expect(detail).to_contain_text("lost parcel")
    approve.click()
    expect(outcome).to_contain_text(f"Approved · {FIRST}")
    expect(page).to_have_title(f"({waiting + 1}) Inbox · Interlock")
    expect(detail).to_contain_text(SECOND)  # the next card is there by itself
    expect(detail).to_contain_text("damaged")
    # Typed as a person types: a card that has only just come up takes no decision.
    reason = detail.get_by_role("textbox", name=re.compile("^Reason"))
    reason.press_sequentially(WHY, delay=1000 * UNREAD_S / len(WHY) + 10)
    approve.click()
    expect(outcome).to_contain_text(f"Approved · {SECOND}")
    expect(outcome).to_contain_text("Done in")
    expect(page).to_have_title(f"{say_count(waiting)}Inbox · Interlock")
    outcome.get_by_role("link", name="Run").click()

    expect(page.get_by_role("heading", name="Run", exact=True)).to_be_visible()
    expect(main(page).locator(BADGE).first).to_contain_text("done")
    last_id = read_run_id(page)
    assert WHY in [d.reason for d in observing.run_detail(office.app, last_id).decisions]
    thread_id = observing.get_run(office.app, first_id).thread_id
    ended = office.runs(thread_id=thread_id)
    assert [r.run_id for r in (ended[0], ended[-1])] == [last_id, first_id]
    assert [str(r.status) for r in ended] == ["done", *["continued"] * (len(ended) - 1)]


def test_an_essay_is_read_while_it_is_written(
    start_up: Callable[..., Any],
    offices: Callable[[Any], Any],
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
) -> None:
    up = start_up(env={"INTERLOCK_GALLERY_LATENCY_S": SLOW_TOKEN_S})
    office = offices(up)
    page = new_page(up.url)
    until_live(page)
    go_to(page, "Launch")
    choose_workflow(page, "essay_writer")
    submit(page, "essay_writer").click()
    run_id = read_run_id(page)
    main(page).get_by_role("tab", name="Stream", exact=True).click()

    stream = main(page).get_by_role("tabpanel", name="Stream", exact=True)
    writing = stream.get_by_text(re.compile(r"(draft|revise) · writing"))
    written = writing.locator("xpath=following::*[@data-testid='stCode'][1]")
    expect(written).to_contain_text(re.compile(r"\w+"))
    expect(written).not_to_have_text(written.inner_text())
    assert str(observing.get_run(office.app, run_id).status) == "running"
    running.cancel(office.app, run_id, actor="reader")
    expect(main(page).locator(BADGE).first).to_contain_text("cancelled")
