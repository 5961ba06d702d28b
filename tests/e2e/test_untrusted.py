"""
What an attacker writes into everything that a workflow can say: shown letter by letter on every page,
and nothing is fetched, run or opened. How cards of every shape do it is in `test_safety`.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.runs import Run
from interlock.dashboard import keys

PROJECT = Path(__file__).parent / "projects" / "hostile"
NAME = "<img src=x onerror=alert(1)> ![n](/hostile.png)"
TEXT = (
    "![image]({sink}/image.png) <img src={sink}/img.png onerror=alert(1)>"
    " <script>fetch('{sink}/script')</script> [link](javascript:alert(2))"
    " [remote]({sink}/link) <iframe src={sink}/frame></iframe> :material/home: $x^2$ **bold**"
)
UNFOLD = """(main) => main.querySelectorAll("details:not([open]) > summary").forEach(
  (summary) => summary.click()
)"""
# Whatever could fetch from elsewhere, run, or lead to a script.
DANGERS = """(root) => [...root.querySelectorAll("*")].filter((element) =>
  ["SCRIPT", "IFRAME", "OBJECT", "EMBED"].includes(element.tagName)
  || /hostile|image\\.png|img\\.png/.test(element.getAttribute("src") ?? "")
  || /^\\s*javascript:/i.test(element.getAttribute("href") ?? "")
  || element.hasAttribute("onerror")
).map((element) => element.outerHTML.slice(0, 200))"""


class Sink(ThreadingHTTPServer):
    """Another server of this machine; remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Sink

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    server = Sink()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def text(sink: Sink) -> str:
    return TEXT.format(sink=sink.url)


@pytest.fixture(scope="module")
def hostile(
    text: str, start_up_module: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Any:
    folder = tmp_path_factory.mktemp("hostile") / "project"
    shutil.copytree(PROJECT, folder)
    graphs = {
        name: {"path": f"./{name}.py:graph", "description": text}
        for name in ("telling", "asking", "broken")
    }
    config = folder / "langgraph.json"
    config.write_text(json.dumps({"dependencies": ["."], "graphs": graphs}), encoding="utf-8")
    return start_up_module(config=config, env={"HOSTILE_TEXT": text, "HOSTILE_NAME": NAME})


@pytest.fixture(scope="module")
def office(hostile: Any, offices: Callable[[Any], Any]) -> Any:
    return offices(hostile)


@pytest.fixture(scope="module")
def told(office: Any) -> Run:
    """A run that said everything and failed, on a thread with an attacker's name."""
    run: Run = office.launch("telling", {"note": ""}, thread_id=NAME)
    assert str(run.status) == "failed"
    return run


@pytest.fixture(scope="module")
def asked(office: Any, text: str) -> dict[str, Any]:
    """A card that waits, and one that was decided for a reason that is an attack itself."""
    cards = {name: office.hold("asking", {}) for name in ("pending", "decided")}
    answer = Intent(verb=Verb.ANSWER, value={"word": text, "choice": text}, reason=text)
    office.decide(cards["decided"], answer, actor=NAME)
    office.values(cards["decided"])
    return cards


@pytest.fixture
def look(
    hostile: Any,
    sink: Sink,
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
    until_idle: Callable[[Page], None],
    watch: Callable[[Page, str], Any],
) -> Iterator[Callable[[str], Locator]]:
    """Open a page and all that is folded away on it; afterwards nothing has happened but that."""
    page = new_page()
    seen = watch(page, hostile.url)
    main = page.get_by_test_id("stMain")

    def look_(path: str) -> Locator:
        page.goto(hostile.url + path)
        until_live(page)
        main.evaluate(UNFOLD)
        check()
        return main

    def check() -> None:
        until_idle(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        assert page.locator("body").evaluate(DANGERS) == []

    yield look_
    check()
    assert seen.complaints == []
    assert seen.foreign == []
    assert sink.asked == []


def test_all_that_a_run_says_is_shown_and_inert(
    told: Run, text: str, look: Callable[[str], Locator], until_idle: Callable[[Page], None]
) -> None:
    main = look(f"/run?run_id={told.run_id}")
    code = main.get_by_test_id("stCode").filter(visible=True)
    expect(main.get_by_test_id("stAlert")).to_contain_text(NAME)  # the error's type
    expect(code.filter(has_text=text).first).to_be_visible()  # its message
    for name in ("Steps", "Stream", "Logs", "State", "Decisions", "Events", "Input"):
        main.get_by_role("tab", name=name, exact=True).click()
        until_idle(main.page)
        panel = main.get_by_role("tabpanel", name=name, exact=True)
        if name == "Stream":
            for shown in (text, f'"{text}"'):  # the model's, the custom event's
                expect(panel).to_contain_text(shown)
        if name == "Logs":
            expect(panel).to_contain_text(NAME)  # the logger's
        if name == "State":
            expect(panel.get_by_test_id("stJson")).to_contain_text(text)


def test_a_form_of_an_attacker_is_shown_and_inert(
    asked: dict[str, Any], text: str, look: Callable[[str], Locator]
) -> None:
    main = look(f"/inbox?approval_id={asked['pending'].approval_id}")
    expect(main.get_by_role("heading", level=3)).to_contain_text("![image](")
    form = main.locator(keys.selector(keys.inbox_detail()))
    expect(form.get_by_role("textbox").first).to_have_value(text)


def test_the_record_of_a_decision_is_shown_and_inert(
    asked: dict[str, Any], text: str, look: Callable[[str], Locator]
) -> None:
    main = look(f"/inbox?approval_id={asked['decided'].approval_id}")
    expect(main.get_by_test_id("stCode").filter(has_text=text).first).to_be_visible()
    expect(main).to_contain_text(NAME)  # who decided


@pytest.mark.parametrize("workflow", ["asking", "telling", "broken"])
def test_the_launch_page_shows_an_attackers_workflow_inert(
    told: Run, text: str, look: Callable[[str], Locator], workflow: str
) -> None:
    main = look(f"/launch?workflow={workflow}")
    expect(main).to_contain_text(text)  # its description
    if workflow == "broken":
        expect(main.get_by_test_id("stCode")).to_contain_text(text)


@pytest.mark.parametrize("path", ["/", "/runs", "/inbox"])
def test_lists_show_an_attackers_words_inert(
    told: Run, asked: dict[str, Any], look: Callable[[str], Locator], path: str
) -> None:
    main = look(path)
    expect(main.get_by_text("![image](").or_(main.locator("canvas")).first).to_be_visible()
