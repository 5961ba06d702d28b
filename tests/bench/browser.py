"""From a click on Approve in a real browser to the start of the next node."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import serving
from playwright.sync_api import Page, expect, sync_playwright

from interlock.core.bootstrap import build_app
from interlock.core.services import launching, observing
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings

CARDS = 25
WARM_UP = 3
START_S = 60.0
WAIT_MS = 20_000
READ_S = 1.5  # a card is looked at before it is decided; a click within a second is refused
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


def measure(folder: Path) -> list[float]:
    """Milliseconds for each of some cards, approved one after another."""
    with started(folder) as (url, _):
        app = build_app(Settings(data_dir=folder, config=serving.PROJECT))
        for _number in range(CARDS):
            request = Launch(workflow="hold", input=serving.INPUT)
            run = launching.launch(app, request, actor="bench")
            observing.wait_for_run(app, run.run_id, timeout_s=START_S)
        clicked_at = _approve_all(url)
        return _spent(app, clicked_at)[WARM_UP:]


@contextmanager
def started(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run `interlock up` on the measured graphs; its URL and its parent process."""
    port = _free_port()
    environment = {**os.environ, "INTERLOCK_CONFIG": str(serving.PROJECT)}
    arguments = ["up", "--no-browser", "--data-dir", str(folder), "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "interlock.core.cli", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_ready(url)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _approve_all(url: str) -> list[float]:
    clicked_at: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_ARGUMENTS
        )
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{url}/inbox")
        for left in range(CARDS, 0, -1):
            button = page.get_by_role("button", name="Approve", exact=True)
            button.wait_for()
            page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
            time.sleep(READ_S)
            owner = _find_key(page)
            clicked_at.append(time.time())
            button.click()
            expect(page).to_have_title(_count_in_title(left - 1), timeout=WAIT_MS)
            expect(page.locator(f".{owner}")).to_have_count(0, timeout=WAIT_MS)
        browser.close()
    return clicked_at


def _find_key(page: Page) -> str:
    """The class of the card's own button: the next card brings another."""
    classes = page.locator("[class*=st-key-approve]").first.get_attribute("class") or ""
    return next(name for name in classes.split() if name.startswith("st-key-approve"))


def _count_in_title(waiting: int) -> re.Pattern[str]:
    return re.compile(rf"^\({waiting}\) " if waiting else r"^\w")


def _spent(app: App, clicked_at: list[float]) -> list[float]:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        ended = [
            r
            for r in observing.list_runs(app, workflow="hold", statuses=("done",), limit=CARDS)
            if r.started_at
        ]
        if len(ended) == CARDS:
            break
        time.sleep(0.1)
    started = sorted(
        min(n.started_at.timestamp() for n in observing.run_detail(app, r.run_id).nodes)
        for r in ended
    )
    return [(s - c) * 1000 for s, c in zip(started, clicked_at, strict=True)]


def _wait_ready(url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise TimeoutError("Interlock did not become ready.")


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
