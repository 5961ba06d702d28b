"""The guided tour of a demonstration in a browser: every step does what it says, on what is live."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from interlock.core.model.demonstration import Service
from interlock.core.model.tours import TourStep
from interlock.dashboard import keys

NARROW = 390  # pixels: a phone
FAST = {"INTERLOCK_DEMO_PAST": "10", "INTERLOCK_GALLERY_LATENCY_S": "0.001"}


@pytest.fixture(scope="module")
def demo(start_up_module: Callable[..., Any]) -> Any:
    """A demonstration into which no new work comes but that of the first threads."""
    return start_up_module(options=("--demo", "--demo-rate", "0"), env=FAST)


class Tour:
    """The tour in the frame of a page, and the page that it leads to."""

    def __init__(self, page: Page, until_idle: Callable[[Page], None]) -> None:
        self.page = page
        self.main = page.get_by_test_id("stMain")
        self.strip = page.locator(keys.selector(keys.tour_strip()))
        self._until_idle = until_idle

    def press(self, name: str) -> None:
        """Press a button of the tour."""
        self._until_idle(self.page)
        self.strip.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str, title: str) -> None:
        """Follow a link of the step to the page of that title."""
        self.strip.get_by_role("link", name=re.compile(name)).click()
        expect(self.main.get_by_role("heading", name=title, exact=True)).to_be_visible()
        self._until_idle(self.page)

    def act(self, name: str) -> None:
        """Press a button of the page."""
        self._until_idle(self.page)
        self.button(name).click()

    def button(self, name: str) -> Locator:
        """A button of the page."""
        return self.main.get_by_role("button", name=name, exact=True)

    def launch(self, link: str) -> None:
        """Launch what a link of the step leads to, with its form as it is."""
        self.follow(link, "Launch")
        self.act("Launch")
        expect(self.page).to_have_url(re.compile("run_id="))

    def switch(self, service: Service) -> None:
        """Turn the fault of a service on or off."""
        toggle = self.page.locator(keys.selector(keys.demo_fault(service)))
        toggle.locator("label").first.click()

    def expect_step(self, number: int, title: str) -> None:
        """Wait until a step is shown."""
        expect(self.strip.get_by_text(f"Tour: {number} of 7")).to_be_visible()
        expect(self.strip.get_by_text(title, exact=True)).to_be_visible()

    def expect_done(self) -> None:
        """Wait until the deed of the step was seen."""
        expect(self.strip.get_by_text(re.compile("done$"))).to_be_visible()


def test_the_tour_is_walked_from_its_first_step_to_its_last(
    demo: Any,
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
    until_idle: Callable[[Page], None],
    watch: Callable[[Page, str], Any],
) -> None:
    page = new_page()
    seen = watch(page, demo.url)
    page.goto(demo.url)
    until_live(page)
    tour = Tour(page, until_idle)
    tour.press("Take the tour")

    tour.expect_step(1, "Launch a run")
    tour.launch("Launch the refund desk")
    tour.expect_done()
    tour.press("Next")

    tour.expect_step(2, "Decide what it asks")
    tour.follow("Open the card", "Inbox")
    expect(tour.main.get_by_text(re.compile("^Refund .* EUR to customer")).first).to_be_visible()
    bar = page.locator(keys.selector(keys.decision_bar()))
    until_idle(page)
    bar.get_by_role("button", name="Approve", exact=True).click()
    tour.expect_done()
    tour.press("Leave")
    expect(tour.strip.get_by_role("button", name="Leave")).to_have_count(0)
    page.goto(f"{demo.url}/system")
    until_live(page)
    tour.press("Resume the tour: 2 of 7")
    tour.expect_step(2, "Decide what it asks")
    tour.press("Next")

    tour.expect_step(3, "Read the figures")
    tour.follow("The week's metrics", "Metrics")
    assert "window=7d" in page.url
    tour.press("Next")

    tour.expect_step(4, "Trip a breaker")
    tour.follow("The switches", "Demonstration")
    tour.switch(Service.MARKET)
    tour.launch("Launch market data")
    tour.expect_done()
    tour.follow("The switches", "Demonstration")
    tour.switch(Service.MARKET)
    expect(tour.strip.get_by_text(re.compile("half open"))).to_be_visible()
    tour.follow("Breakers", "Breakers")
    tile = page.locator(keys.selector(keys.breaker_part("market feed", "tile")))
    expect(tile.get_by_text(re.compile("open$")).first).to_be_visible()
    tour.press("Next")

    tour.expect_step(5, "Watch the cache")
    tour.launch("Launch the help desk")
    tour.follow("Caches", "Caches")
    tour.press("Next")

    tour.expect_step(6, "Set a thread back")
    tour.follow("Open its history", "Time machine")
    branch = page.get_by_role("group", name="Checkpoints").get_by_role(
        "group", name=re.compile("Current branch")
    )
    branch.get_by_role("button", name=re.compile("^Start")).click()
    tour.act("Run again from here")
    tour.main.get_by_role("textbox", name="Reason").fill("shown on the tour")
    tour.act("Apply")
    tour.expect_done()
    tour.press("Next")

    tour.expect_step(7, "Compare two answers")
    tour.follow("Try two answers", "What if")
    tour.act("Try both")
    tour.expect_done()
    tour.press("Finish")
    expect(tour.strip.get_by_role("button", name="Take the tour again")).to_be_visible()

    page.goto(f"{demo.url}/breakers")
    expect(tile.get_by_text(re.compile(r"next call is tried\.$|^Lets everything"))).to_be_visible()
    page.goto(f"{demo.url}/launch?workflow=market_data")
    until_live(page)
    tour.act("Launch")
    page.goto(f"{demo.url}/breakers")
    expect(tile.get_by_text(re.compile("closed$")).first).to_be_visible()

    page.set_viewport_size({"width": NARROW, "height": 844})
    page.goto(f"{demo.url}/demonstration")
    show = page.locator(keys.selector(keys.tour_show(TourStep.DECIDE)))
    expect(show).to_be_visible()
    until_idle(page)
    widths = tour.main.evaluate("(main) => [document.body.scrollWidth, main.scrollWidth]")
    assert max(widths) <= NARROW
    show.get_by_role("button").click()
    expect(tour.main.get_by_role("heading", name="Inbox", exact=True)).to_be_visible()
    assert (seen.complaints, seen.foreign) == ([], [])
