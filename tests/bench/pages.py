"""Every page of the menu in a real browser: from its address to its first whole drawing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import figures
import rows
from browser import CHROMIUM_ARGUMENTS, WAIT_MS, started
from measuring import Row, percentile
from playwright.sync_api import Browser, sync_playwright

from interlock.core.bootstrap import build_app
from interlock.core.services import figuring
from interlock.core.settings import Settings

RUNS = 20_000  # of ten nodes each, over seven days
CARDS = 1_000
LOOKS = 5
PAGES = {
    "Overview": "/",
    "Inbox": "/inbox",
    "Launch": "/launch",
    "Runs": "/runs",
    "Metrics, 1 h": "/figures",
    "Metrics, 7 d": "/figures?window=7d",
    "Breakers": "/breakers",
    "Caches": "/caches",
    "Alerts": "/alerts",
    "Workflows": "/workflows",
    "System": "/system",
}


def measure(folder: Path) -> Iterator[Row]:
    """Each page several times, in a browser that has loaded the program before."""
    _fill(folder)
    with started(folder) as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_ARGUMENTS
        )
        for name, address in PAGES.items():
            yield _row(name, _time_loads(browser, url, address))
        browser.close()


def _row(name: str, spent_ms: list[float]) -> Row:
    measured = f"p50 {percentile(spent_ms, 0.5):.0f} ms, max {max(spent_ms):.0f} ms"
    figure = f"page {name}: from its address to all drawn"
    return Row(figure, f"{measured} (n = {len(spent_ms)})", "(none is stated)", None)


def _time_loads(browser: Browser, url: str, address: str) -> list[float]:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(WAIT_MS)
    spent: list[float] = []
    for _ in range(LOOKS + 1):
        begun = time.perf_counter()
        page.goto(f"{url}{address}", wait_until="commit")
        page.locator("h1").first.wait_for()
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        spent.append((time.perf_counter() - begun) * 1000)
    page.close()
    return spent[1:]


def _fill(folder: Path) -> None:
    app = build_app(Settings(data_dir=folder))
    figures.fill(app, runs=RUNS, end=datetime.now(UTC))
    rows.fill(app, CARDS)
    while figuring.roll(app):
        pass
    app.engine.dispose()
