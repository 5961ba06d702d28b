"""
The product as its user has it: `interlock up` on a data folder of its own, and a real Chromium.

Nothing is skipped: without a browser the tests fail and say which command brings one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright
from playwright.sync_api import Error as BrowserError

PYTHON = (sys.executable, "-P", "-m", "interlock.core.cli")
START_TIMEOUT_S = 90
STOP_TIMEOUT_S = 30
ACT_TIMEOUT_MS = 20_000  # a loaded machine of two cores; what it waits for usually takes 0.3 s
NEED_BROWSER = (
    "There is no Chromium to run these tests in. Get one by `sh scripts/system_parts.sh browser`"
    " (Debian: apt-get install chromium; elsewhere: python -m playwright install chromium)."
)


class Up:
    """One running `interlock up`."""

    def __init__(self, data_dir: Path, *, config: Path | None, log: IO[bytes]) -> None:
        self.data_dir = data_dir
        self._settings = ["--data-dir", str(data_dir)]
        if config is not None:
            self._settings += ["--config", str(config)]
        self._env = {k: v for k, v in os.environ.items() if not k.startswith("INTERLOCK_")}
        self._log = log
        self.process = subprocess.Popen(
            [*PYTHON, "up", "--json", "--no-browser", "--port", "0", *self._settings],
            env=self._env,
            cwd=data_dir.parent,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        self.told = self._read_announcement()
        self.url: str = self.told["url"]

    def call(self, *arguments: str, exit_code: int = 0) -> Any:
        """Run a command on the same data folder; what it printed as JSON."""
        done = subprocess.run(
            [*PYTHON, *arguments, "--json", *self._settings],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == exit_code, f"{arguments}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def children(self) -> list[psutil.Process]:
        """The processes it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> None:
        """Ctrl-C, and whatever it takes."""
        children = self.children() if self.process.poll() is None else []
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for child in psutil.wait_procs(children, timeout=STOP_TIMEOUT_S)[1]:
            child.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read_announcement(self) -> dict[str, Any]:
        """What it prints once it is ready: one JSON document."""
        lines: list[bytes] = []
        reader = threading.Thread(target=self._read_document, args=(lines,), daemon=True)
        reader.start()
        reader.join(START_TIMEOUT_S)
        try:
            told: dict[str, Any] = json.loads(b"".join(lines))
        except ValueError:
            self.stop()
            said = Path(self._log.name).read_text(encoding="utf-8", errors="replace")
            pytest.fail(f"`interlock up` was not ready within {START_TIMEOUT_S} s:\n{said[-5000:]}")
        return told

    def _read_document(self, lines: list[bytes]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            lines.append(line)
            try:
                json.loads(b"".join(lines))
            except ValueError:
                continue
            return


@pytest.fixture(scope="module")
def start_up_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Up]]:
    """Start `interlock up` for a whole module."""
    yield from _starter(tmp_path_factory.mktemp("up"))


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Start `interlock up` for one test; a second call with the same folder is a restart."""
    yield from _starter(tmp_path)


def _starter(folder: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(*, config: Path | None = None, data_dir: Path | None = None) -> Up:
        with (folder / f"up-{len(started)}.log").open("wb") as log:
            up = Up(data_dir or folder / "data", config=config, log=log)
        started.append(up)
        return up

    yield start
    for up in started:
        if up.process.poll() is None:
            up.stop()


@pytest.fixture(scope="module")
def up(start_up_module: Callable[..., Up]) -> Up:
    """`interlock up` with the shipped gallery, for all tests of the module that share its data."""
    return start_up_module()


# The browser ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium where it is, else Playwright's own."""
    # For one module: while it is open no other test of this process could run an event loop.
    with sync_playwright() as playwright:
        chromium = _launch(playwright)
        yield chromium
        chromium.close()


def _launch(playwright: Playwright) -> Browser:
    arguments = ["--disable-dev-shm-usage"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses its sandbox to root
    try:
        return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
    except BrowserError as exc:
        pytest.fail(f"{NEED_BROWSER}\n{exc}")


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a tab of a browser of its own at a URL; closed with the test."""
    expect.set_options(timeout=ACT_TIMEOUT_MS)
    contexts: list[BrowserContext] = []

    def open_(url: str = "about:blank", *, width: int = 1280, height: int = 900) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
        contexts.append(context)
        context.set_default_timeout(ACT_TIMEOUT_MS)
        page = context.new_page()
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture
def page(up: Up, new_page: Callable[..., Page]) -> Page:
    """The dashboard of the shipped gallery, open on its first page and live."""
    opened = new_page(up.url)
    wait_until_live(opened)
    return opened


@pytest.fixture(scope="session")
def until_live() -> Callable[[Page], None]:
    """Wait until a page is drawn and its live socket is up."""
    return wait_until_live


def wait_until_live(page: Page) -> None:
    """Wait until a page is drawn and its live socket is up."""
    expect(page.get_by_test_id("stSidebar").get_by_text("live", exact=True)).to_be_visible()
    wait_until_idle(page)


@pytest.fixture(scope="session")
def until_idle() -> Callable[[Page], None]:
    """Wait until no script of a page is running."""
    return wait_until_idle


def wait_until_idle(page: Page) -> None:
    """Wait until no script of a page is running."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
