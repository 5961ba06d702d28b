"""The running product that pictures are taken of, and the browser that they are taken with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

INTERLOCK = [sys.executable, "-P", "-m", "interlock.core.cli"]
STOP_S = 30
READY_S = 120
SETTLE_MS = 1500  # fragments are drawn one after the other; nothing on the page says the last is
AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'
COLOUR_COUNT = 256  # of a picture's palette: no banding is seen, no state loses its colour, and it is half as large
BELOW_THE_TOP = (  # where the bar of the menu covers nothing of it
    "(place) => { place.style.scrollMarginTop = '64px'; place.scrollIntoView({block: 'start'}) }"
)

Scheme = Literal["light", "dark"]


@contextmanager
def interlock_up(data_dir: Path, **settings: str) -> Iterator[str]:
    """Run the product with these settings until the block ends; the address it answers at."""
    command = [*INTERLOCK, "up", "--json", "--no-browser", "--port", "0", "--data-dir", data_dir]
    environment = {**os.environ, **settings}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield read_document(process)["url"]
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def read_document(process: subprocess.Popen[str]) -> Any:
    """Read the one JSON document that `up` prints when it is ready."""
    text = ""
    for line in process.stdout or ():
        text += line
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            continue
    raise SystemExit(f"interlock up ended with {process.wait()} before it was ready: {text}")


def launch(data_dir: Path, workflow: str, *options: str) -> Any:
    """Launch a workflow and wait until it ends or waits."""
    return call(data_dir, "launch", workflow, "--wait", str(READY_S), *options)


def call(data_dir: Path, *arguments: str) -> Any:
    """Carry out one command; the document it prints. 1 says that a run has failed, as one shall."""
    command = [*INTERLOCK, *arguments, "--json", "--data-dir", str(data_dir)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False, text=True)
    if done.returncode not in {0, 1}:
        raise SystemExit(f"{arguments} ended with {done.returncode}: {done.stdout}")
    return json.loads(done.stdout)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Debian's Chromium where it is, else Playwright's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        yield browser
        browser.close()


def open_page(browser: Browser, size: tuple[int, int], scheme: Scheme, *, dots: float = 1) -> Page:
    """A tab of a browser of its own, so wide and high, with so many dots to a pixel."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=dots,
        color_scheme=scheme,
        reduced_motion="reduce",
        locale="en-GB",
    )
    page = context.new_page()
    page.set_default_timeout(READY_S * 1000)  # a busy machine is no reason to have no pictures
    return page


def wait_until_at_rest(page: Page) -> None:
    """Wait until the page is drawn, follows what happens, and no part is being drawn again."""
    page.locator(AT_REST).wait_for()
    page.get_by_role("heading").first.wait_for()
    page.locator('[data-state="live"]').first.wait_for(state="attached")
    page.evaluate("document.fonts.ready")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLE_MS)
    page.locator(AT_REST).wait_for()


def reduce_colours(path: Path) -> None:
    """Give a picture a palette of its own."""
    with Image.open(path) as picture:
        reduced = picture.convert("RGB").quantize(
            COLOUR_COUNT, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
    reduced.save(path, optimize=True)
