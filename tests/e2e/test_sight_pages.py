"""The pages of threads, figures and safety switches in a browser: they open, fit a phone, and complain of nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

NARROW = 390  # pixels: a phone
PAGES = {
    "/history": "Time machine",
    "/figures": "Metrics",
    "/report": "Report",
    "/breakers": "Breakers",
    "/caches": "Caches",
    "/alerts": "Alerts",
    "/notices": "Notices",
    "/workflows?workflow=refund_desk": "Workflows",
    "/audit": "Audit",
    "/system": "System",
}
SECTIONS = (
    *("Overview", "Inbox", "Launch", "Runs", "Time machine"),
    *("Health", "Metrics", "Breakers", "Caches", "Alerts", "Notices"),
    *("Setup", "Workflows", "Audit", "People", "System"),
)


@pytest.mark.timeout(240)
def test_each_of_these_pages_opens_and_fits_a_phone(
    up: Any,
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
    until_idle: Callable[[Page], None],
    watch: Callable[[Page, str], Any],
) -> None:
    page = new_page()
    seen = watch(page, up.url)

    for path, title in PAGES.items():
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(up.url + path)
        until_live(page)
        main = page.get_by_test_id("stMain")
        expect(main.get_by_role("heading", name=title, exact=True)).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)

        page.set_viewport_size({"width": NARROW, "height": 844})
        until_idle(page)
        widths = main.evaluate("(main) => [document.documentElement.scrollWidth, main.scrollWidth]")
        assert max(widths) <= NARROW, path

    assert seen.complaints == []
    assert seen.foreign == []


def test_the_menu_stands_in_sections_and_is_never_cut(
    up: Any, new_page: Callable[..., Page], until_live: Callable[[Page], None]
) -> None:
    page = new_page(up.url + "/system")
    until_live(page)
    menu = page.get_by_test_id("stSidebarNav")
    said = [line for line in menu.inner_text().splitlines() if line.strip()]
    # How many wait or call differs with what other tests have left.
    words = [line.partition(" (")[0] for line in said if not line.startswith(":")]
    assert [word for word in words if word in SECTIONS] == list(SECTIONS)
    assert "more" not in menu.inner_text()


def test_a_node_of_a_graph_opens_its_figures_by_key(
    up: Any, new_page: Callable[..., Page], until_live: Callable[[Page], None]
) -> None:
    page = new_page(up.url + "/?graph=refund_desk")
    until_live(page)
    page.get_by_test_id("stGraphVizChart").locator("a", has_text="collect").focus()
    page.keyboard.press("Enter")
    main = page.get_by_test_id("stMain")
    expect(main.get_by_role("button", name="Only collect")).to_be_visible()
