"""A page that is left alone stays true: new cards reach it, and a restarted server is found again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

REFUND = '{"requests": [{"amount": 620}]}'


def launch(up: Any) -> None:
    """Launch a refund that is held for a person."""
    run = up.call("launch", "refund_desk", "--input", REFUND, "--wait", "60")
    assert len(run["approvals"]) == 1


def test_a_new_card_reaches_every_tab_and_its_title(
    up: Any, page: Page, new_page: Callable[..., Page], until_live: Callable[[Page], None]
) -> None:
    other = new_page(f"{up.url}/runs")
    until_live(other)
    waiting = len(up.call("inbox"))

    launch(up)

    for tab in (page, other):
        expect(tab.get_by_test_id("stSidebar")).to_contain_text(f"{waiting + 1} waiting")
        expect(tab).to_have_title(re.compile(rf"^\({waiting + 1}\) \w+ · Interlock$"))


# What a browser without a desktop shows nowhere is kept, to be looked at.
KEPT = """
window.shown = []
const Real = window.Notification
window.Notification = class {
  constructor(title, options) { window.shown.push(this); this.said = [title, options.body] }
  close() {}
  static get permission() { return Real.permission }
  static requestPermission() { return Real.requestPermission() }
}
"""
SAID = "window.shown.map((each) => each.said)"


def test_of_two_tabs_one_tells_of_a_new_card_and_leads_to_it(
    up: Any, new_page: Callable[..., Page], until_live: Callable[[Page], None]
) -> None:
    first = new_page()
    first.context.grant_permissions(["notifications"])
    first.context.add_init_script(KEPT)
    second = first.context.new_page()
    for tab, path in ((first, "runs"), (second, "caches")):
        tab.goto(f"{up.url}/{path}")
        until_live(tab)
    notify = first.get_by_role("checkbox", name="Notify")
    expect(notify).not_to_be_checked()
    notify.check()
    second.reload()
    until_live(second)
    expect(second.get_by_role("checkbox", name="Notify")).to_be_checked()

    launch(up)

    for tab in (first, second):
        tab.wait_for_function("localStorage.getItem('interlock.told')")
        expect(tab).to_have_title(re.compile(r"^\(\d+\) "))
    said = [tab.evaluate(SAID) for tab in (first, second)]
    [(title, body)] = [*said[0], *said[1]]
    assert title == "A decision is needed"
    assert body == "refund_desk, refund/review, medium risk"
    teller = first if said[0] else second
    teller.evaluate("window.shown[0].onclick()")
    teller.wait_for_url("**/inbox?approval_id=*")


@pytest.mark.timeout(240)  # a killed process is started again, with its imports
def test_a_page_outlives_its_server(
    start_up: Callable[..., Any], new_page: Callable[..., Page], until_live: Callable[[Page], None]
) -> None:
    up = start_up()
    page, others = new_page(up.url), [new_page(f"{up.url}/{name}") for name in ("inbox", "launch")]
    for first in (page, *others):  # a server that nobody has asked before draws for all at once
        until_live(first)
    sidebar = page.get_by_test_id("stSidebar")

    with up.without("web"):
        expect(sidebar).to_contain_text("disconnected")

    expect(sidebar.get_by_text("live", exact=True)).to_be_visible(timeout=90_000)
    launch(up)
    expect(sidebar).to_contain_text("1 waiting")
    expect(page.get_by_test_id("stMain")).to_contain_text("620")


LEAVE_WHILE_NEWS_COMES = """(name) => {
  const { parts } = window[Symbol.for("interlock.live")]
  const links = [...document.querySelectorAll('[data-testid="stSidebarNav"] a')]
  links.find((link) => link.textContent.includes(name)).click()
  for (const after of [0, 20, 50, 100]) {
    setTimeout(() => parts.forEach((part) => part.showsWord || part.redraw()), after)
  }
}"""


def test_a_page_is_left_while_news_comes_for_it(
    up: Any, new_page: Callable[..., Page], until_live: Callable[[Page], None]
) -> None:
    page = new_page(up.url)
    until_live(page)
    main = page.get_by_test_id("stMain")

    for name in ("Inbox", "Runs") * 3:
        page.evaluate(LEAVE_WHILE_NEWS_COMES, name)
        expect(main.get_by_role("heading", name=name, exact=True)).to_be_visible()
        until_live(page)
        expect(main.get_by_role("heading", name=name, exact=True)).to_be_visible()
