"""
The product as its user has it: `interlock up` on a data folder of its own, and a real Chromium.

Nothing is skipped: without a browser the tests fail and say which command brings one.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from re import Pattern
from types import MappingProxyType
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

import psutil
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from playwright.sync_api import Error as BrowserError

from interlock.core.bootstrap import build_app
from interlock.core.model.approvals import Approval, Decision, Intent
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.model.runs import Run
from interlock.core.services import deciding, launching, observing, sifting
from interlock.core.settings import Settings
from interlock.dashboard import keys

DESK = Path(__file__).parent / "projects" / "desk" / "langgraph.json"
PYTHON = (sys.executable, "-P", "-m", "interlock.core.cli")
START_TIMEOUT_S = 90
SHOWN_OF_LOG = 5000
STOP_TIMEOUT_S = 30
ACT_TIMEOUT_MS = 40_000  # a loaded machine of two cores; what it waits for usually takes 0.3 s
TOKEN_S = "0.04"  # a text is written for seconds, so that a page can show it growing
NEED_BROWSER = (
    "There is no Chromium to run these tests in. Get one by `sh scripts/system_parts.sh browser`"
    " (Debian: apt-get install chromium; elsewhere: python -m playwright install chromium)."
)


RUNNING: list[Up] = []  # what a failed test shows the logs of


class Up:
    """One running `interlock up`."""

    def __init__(
        self,
        data_dir: Path,
        *,
        config: Path | None,
        env: Mapping[str, str],
        log: IO[bytes],
        options: Sequence[str] = (),
    ) -> None:
        self.data_dir = data_dir
        self._settings = ["--data-dir", str(data_dir)]
        if config is not None:
            self._settings += ["--config", str(config)]
        own = {k: v for k, v in os.environ.items() if not k.startswith("INTERLOCK_")}
        self._env = own | dict(env)
        self._log = log
        self.process = subprocess.Popen(
            [*PYTHON, "up", "--json", "--no-browser", "--port", "0", *self._settings, *options],
            env=self._env,
            cwd=data_dir.parent,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        self.told = self._read_announcement()
        self.url: str = self.told["url"]

    def read_log(self) -> str:
        """What its processes have said."""
        return Path(self._log.name).read_text(encoding="utf-8", errors="replace")

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

    def find_child(self, name: str) -> psutil.Process:
        """Its web process or its worker."""
        return next(child for child in self.children() if name in child.cmdline())

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Kill its web process or its worker, which comes back only after the block."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            _kill(self.find_child(name))
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

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
            told["url"]  # a refusal is a document too
        except (ValueError, KeyError):
            self.stop()
            said = self.read_log()[-SHOWN_OF_LOG:]
            pytest.fail(f"`interlock up` was not ready within {START_TIMEOUT_S} s:\n{said}")
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


def _kill(process: psutil.Process) -> None:
    """End a process for certain; its parent, which is held, has not heard of it yet."""
    descriptor = os.pidfd_open(process.pid)
    try:
        process.kill()
        assert select.select([descriptor], [], [], STOP_TIMEOUT_S)[0]
    finally:
        os.close(descriptor)


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

    def start(
        *,
        config: Path | None = None,
        data_dir: Path | None = None,
        env: Mapping[str, str] = MappingProxyType({}),
        options: Sequence[str] = (),
    ) -> Up:
        with (folder / f"up-{len(started)}.log").open("wb") as log:
            up = Up(data_dir or folder / "data", config=config, env=env, log=log, options=options)
        started.append(up)
        RUNNING.append(up)
        return up

    yield start
    for up in started:
        RUNNING.remove(up)
        if up.process.poll() is None:
            up.stop()


@pytest.fixture(scope="session")
def start_up_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Up]]:
    """Start `interlock up` for all modules of this process whose tests leave each other alone."""
    yield from _starter(tmp_path_factory.mktemp("up"))


@pytest.fixture(scope="session")
def up(start_up_session: Callable[..., Up], tmp_path_factory: pytest.TempPathFactory) -> Up:
    """`interlock up` with the shipped gallery, for all tests that share its data."""
    data_dir = tmp_path_factory.mktemp("gallery") / "data"
    return start_up_session(data_dir=data_dir, env={"INTERLOCK_GALLERY_LATENCY_S": TOKEN_S})


@pytest.fixture(scope="session")
def desk(start_up_session: Callable[..., Up], tmp_path_factory: pytest.TempPathFactory) -> Up:
    """`interlock up` with a project that asks and waits as a test tells it to."""
    data_dir = tmp_path_factory.mktemp("desk") / "data"
    return start_up_session(data_dir=data_dir, config=DESK)


class Office:
    """
    The services that pages and commands use, on the data of a running product: what is there is counted
    here, and what others do in the meantime is done here.
    """

    def __init__(self, data_dir: Path) -> None:
        self.app = build_app(Settings(data_dir=data_dir), name="interlock-test")

    def launch(self, workflow: str, input_: Any = None, **options: Any) -> Run:
        """Launch a run and wait until it ends or is held."""
        run = self.start(workflow, input_, **options)
        return observing.wait_for_run(self.app, run.run_id, timeout_s=ACT_TIMEOUT_MS / 1000)

    def start(self, workflow: str, input_: Any = None, **options: Any) -> Run:
        """Launch a run."""
        request = launching.Launch(workflow=workflow, input=input_, **options)
        return launching.launch(self.app, request, actor="launcher")

    def ask(self, question: Any, **options: Any) -> Approval:
        """Have the workflow `ask` put a question; its card."""
        return self.hold("ask", {"question": question}, **options)

    def hold(self, workflow: str, input_: Any = None, **options: Any) -> Approval:
        """Launch a run that is held by one card; the card."""
        run = self.launch(workflow, input_, **options)
        (card,) = observing.list_inbox(self.app, thread_id=run.thread_id)
        return card

    def decide(self, card: Approval, intent: Intent, *, actor: str) -> None:
        """Decide a card as somebody else."""
        deciding.decide(self.app, card.approval_id, intent, version=card.version, actor=actor)

    def card(self, card: Approval) -> observing.Card:
        """The card as it is now, with what was decided."""
        return observing.get_card(self.app, card.approval_id)

    def decisions(self, card: Approval) -> tuple[Decision, ...]:
        """What was decided on a card."""
        return tuple(self.card(card).decisions)

    def count(self) -> int:
        """How many cards wait."""
        return sifting.count(self.app, InboxFilter())

    def runs(self, **filters: Any) -> list[Run]:
        """The runs there are, newest first."""
        found = observing.list_runs(self.app, limit=1000, **filters)
        return [observing.get_run(self.app, run.run_id) for run in found]

    def values(self, card: Approval) -> Any:
        """The state of a card's thread after the run that its last decision started."""
        run = self.decisions(card)[0].run_id
        observing.wait_for_run(self.app, run, timeout_s=ACT_TIMEOUT_MS / 1000)
        snapshot = observing.run_detail(self.app, run).snapshot
        assert snapshot is not None
        return snapshot.values


@pytest.fixture(scope="session")
def offices() -> Iterator[Callable[[Up], Office]]:
    """Open the office of a running product; closed with the session."""
    opened: list[Office] = []

    def open_(up: Up) -> Office:
        opened.append(Office(up.data_dir))
        return opened[-1]

    yield open_
    for office in opened:
        office.app.engine.dispose()


@pytest.fixture(scope="session")
def office(desk: Up, offices: Callable[[Up], Office]) -> Office:
    """What is behind the pages of `desk`."""
    return offices(desk)


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


class Watch:
    """What a tab does beyond showing our pages."""

    # Streamlit asks there for its server before it asks at the root, which answers (facts: streamlit 1).
    PROBES = ("/_stcore/health", "/_stcore/host-config")
    SCRIPT = """document.addEventListener("securitypolicyviolation", (event) => {
      console.error("policy violated: " + event.violatedDirective + " " + event.blockedURI)
    })"""

    def __init__(self, page: Page, url: str) -> None:
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self._own = urlsplit(url).netloc
        page.add_init_script(self.SCRIPT)
        page.on("request", lambda request: self._note_request(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._note_message)
        page.on("dialog", self._note_dialog)

    def _note_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob", "about"} and parts.netloc != self._own:
            self.foreign.append(url)

    def _note_message(self, message: ConsoleMessage) -> None:
        path = urlsplit(message.location["url"]).path
        is_probe = path.endswith(self.PROBES) and "404" in message.text
        if message.type == "error" and not is_probe:
            self.complaints.append(f"{message.text} {message.location['url']}")

    def _note_dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@pytest.fixture(scope="session")
def watch() -> Callable[[Page, str], Watch]:
    """Watch what a tab says and asks for; call it before the page is opened."""
    return Watch


class Sheet:
    """One card as it is drawn on a page: what can be filled in and pressed."""

    def __init__(self, page: Page, card: Approval) -> None:
        self.page = page
        self._card = (card.approval_id, card.version)
        self.root = page.locator(keys.selector(keys.card(card.approval_id)))

    @property
    def outcome(self) -> Locator:
        """The quiet line about the last decision."""
        return self.page.locator(keys.selector(keys.inbox_outcome()))

    def told(self, text: str | Pattern[str]) -> Locator:
        """A loud line of the page, such as that somebody else was first."""
        return self.page.get_by_test_id("stMain").get_by_test_id("stAlert").filter(has_text=text)

    def place(self, key: Callable[..., str], *more: Any) -> Locator:
        """The element with one of the card's keys."""
        return self.page.locator(keys.selector(key(*self._card, *more)))

    def text(self, key: Callable[..., str], *more: Any) -> Locator:
        """A field for text."""
        return self.place(key, *more).get_by_role("textbox")

    def button(self, name: str) -> Locator:
        """A button of the card."""
        bar = self.page.locator(keys.selector(keys.decision_bar()))
        return bar.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        """Press a button of a page that is drawn: while it is, a button is replaced by its like."""
        wait_until_idle(self.page)
        self.button(name).click()

    def write_as(self, mode: str) -> None:
        """Choose how the answer is written."""
        self.place(keys.json_switch).get_by_role("radio", name=mode, exact=True).click()


@pytest.fixture(scope="session")
def sheet_of() -> Callable[[Page, Approval], Sheet]:
    """A card as it is drawn on a page that is open already."""
    return Sheet


@pytest.fixture
def open_card(desk: Up, new_page: Callable[..., Page]) -> Callable[..., Sheet]:
    """Open a card in a tab of its own, beside all that wait or those with a text."""

    def open_(card: Approval, *, text: str = "", width: int = 1280, height: int = 900) -> Sheet:
        page = new_page(width=width, height=height)
        chosen = urlencode({"approval_id": card.approval_id, "inbox-text": text})
        page.goto(f"{desk.url}/inbox?{chosen}")
        wait_until_live(page)
        sheet = Sheet(page, card)
        expect(sheet.root).to_be_visible()
        return sheet

    return open_


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the product itself said beside a test that failed."""
    report = yield
    if report.failed:
        for up in RUNNING:
            report.sections.append((f"log of {up.url}", up.read_log()[-SHOWN_OF_LOG:]))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser at a time: two of them and their servers starve each other on two cores."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.timeout(300))
