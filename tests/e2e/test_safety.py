"""What an agent wrote stays text, other sites get nothing, and a page that fails tells no secrets."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

# One text that tries every way out: each would make a request to the sink, or run a script.
HOSTILE = """\
![markdown]({sink}/markdown.png) <img src="{sink}/img.png"> <img src=x onerror="alert(1)">
<script>fetch("{sink}/script")</script> <style>body {{ background: url({sink}/css) }}</style>
[link](javascript:alert(2)) <iframe src="{sink}/frame"></iframe> <svg onload="alert(3)"></svg>
![[ref]][x] $\\includegraphics{{{sink}/latex.png}}$ ::: "quoted" `code`

[x]: {sink}/reference.png
"""

PROJECT = """\
from pathlib import Path
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

TEXT = {text!r}


class State(TypedDict, total=False):
    note: str
    answer: Any


def build(question):
    def ask(state):
        print(TEXT)
        return {{"note": TEXT, "answer": interrupt(question)}}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    return graph.compile()


def fail(state):
    raise ValueError(TEXT)


inbox = build(
    [
        {{
            "action_request": {{"action": TEXT, "args": {{TEXT: TEXT, "body": TEXT}}}},
            "config": {{
                "allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True
            }},
            "description": TEXT,
        }}
    ]
)
choice = build({{"question": TEXT, "title": TEXT, "options": [TEXT, "no"]}})
value = build(TEXT)
failing = StateGraph(State).add_node("fail", fail).add_edge(START, "fail").compile()
"""

GRAPHS = ("inbox", "choice", "value", "failing")


class Sink:
    """Another web server of the same machine; remembers who asked it for what."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.page = ""
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sink.asked.append(self.path)
                body = sink.page.encode()
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    server = Sink()
    yield server
    server.close()


@pytest.fixture(scope="module")
def hostile_up(
    sink: Sink,
    start_up_module: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """The product, serving a project whose agent writes nothing but attacks."""
    folder = tmp_path_factory.mktemp("hostile")
    text = HOSTILE.format(sink=sink.url)
    (folder / "hostile.py").write_text(PROJECT.format(text=text), encoding="utf-8")
    graphs = {name: f"./hostile.py:{name}" for name in GRAPHS}
    config = folder / "langgraph.json"
    config.write_text(json.dumps({"dependencies": ["."], "graphs": graphs}), encoding="utf-8")
    return start_up_module(config=config)


class Watch:
    """What a tab does beyond showing our pages."""

    def __init__(self, page: Page, url: str) -> None:
        self.foreign: list[str] = []
        self.dialogs: list[str] = []
        self._own = urlsplit(url).netloc
        page.on("request", lambda request: self._note(request.url))
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob", "about"} and parts.netloc != self._own:
            self.foreign.append(url)


def open_everything(main: Locator, until_idle: Callable[[Page], None]) -> None:
    """Open what is folded away: expanders and tabs."""
    for tab in main.get_by_role("tab").all():
        tab.click()
        until_idle(main.page)
    for closed in main.locator("details:not([open]) > summary").all():
        if closed.is_visible():
            closed.click()
    until_idle(main.page)


@pytest.mark.timeout(300)  # eleven pages in a browser, on a machine that may be busy
def test_agent_text_is_shown_and_fetches_nothing(
    hostile_up: Any,
    sink: Sink,
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
    until_idle: Callable[[Page], None],
) -> None:
    runs = [hostile_up.call("launch", name, "--input", "{}", "--wait", "60") for name in GRAPHS[:3]]
    runs.append(hostile_up.call("launch", "failing", "--input", "{}", "--wait", "60", exit_code=1))
    cards = [card["approval_id"] for run in runs for card in run["approvals"]]
    assert len(cards) == 3
    before = list(sink.asked)
    page = new_page()
    watch = Watch(page, hostile_up.url)
    main = page.get_by_test_id("stMain")

    paths = ["/", "/runs", "/inbox"]
    paths += [f"/inbox?approval_id={approval_id}" for approval_id in cards]
    paths += [f"/run?run_id={run['run_id']}" for run in runs]
    for path in paths:
        page.goto(hostile_up.url + path)
        until_live(page)
        expect(main.get_by_test_id("stAlertContentError")).to_have_count(
            1 if path.endswith(runs[-1]["run_id"]) else 0
        )
        open_everything(main, until_idle)
        if "approval_id" in path:
            words = main.get_by_test_id("stCode").first  # the same text as a table's cell is hidden
            expect(words).to_contain_text("![markdown](")
            expect(words).to_contain_text("<img src=")

    assert watch.foreign == []
    assert watch.dialogs == []
    assert sink.asked == before


def test_the_policy_stops_what_gets_into_a_page_all_the_same(
    hostile_up: Any, sink: Sink, new_page: Callable[..., Page], until_live: Callable[[Page], None]
) -> None:
    page = new_page(hostile_up.url)
    until_live(page)
    before = len(sink.asked)

    outcome = page.evaluate(
        """async (sink) => {
          const image = new Promise((done) => {
            const element = new Image()
            element.onload = () => done("loaded")
            element.onerror = () => done("refused")
            element.src = sink + "/image.png"
            document.body.append(element)
          })
          const fetched = fetch(sink + "/fetch", {mode: "no-cors"}).then(() => "loaded", () => "refused")
          const script = document.createElement("script")
          script.textContent = "window.injected = true"
          document.body.append(script)
          return [await image, await fetched, window.injected === true]
        }""",
        sink.url,
    )

    assert outcome == ["refused", "refused", False]
    assert len(sink.asked) == before


def test_another_site_in_the_same_browser_gets_nothing(
    hostile_up: Any, sink: Sink, new_page: Callable[..., Page]
) -> None:
    app = hostile_up.url
    sink.page = "<!doctype html><title>another site</title>"
    page = new_page(sink.url)

    outcome = page.evaluate(
        """async (app) => {
          const ws = app.replace("http:", "ws:")
          const open = (path) => new Promise((done) => {
            const socket = new WebSocket(ws + path)
            socket.onopen = () => done("open")
            socket.onerror = () => done("refused")
          })
          const read = (path) => fetch(app + path).then((r) => r.text(), () => "refused")
          const frame = document.createElement("iframe")
          const framed = new Promise((done) => { frame.onload = done; frame.onerror = done })
          frame.src = app
          document.body.append(frame)
          await framed
          return [await open("/live"), await open("/_stcore/stream"), await read("/readyz")]
        }""",
        app,
    )

    assert outcome == ["refused", "refused", "refused"]
    (frame,) = page.frames[1:]
    expect(frame.locator("body.neterror")).to_be_attached()  # the browser's own page, not ours


def test_a_page_that_fails_tells_a_reference_and_the_log_the_reason(
    hostile_up: Any, new_page: Callable[..., Page]
) -> None:
    card = hostile_up.call("launch", "value", "--input", "{}", "--wait", "60")["approvals"][0]
    with broken_card(hostile_up.data_dir / "app.db", card["approval_id"]):
        page = new_page(f"{hostile_up.url}/inbox?approval_id={card['approval_id']}")
        expect(page.get_by_text("could not be drawn").first).to_be_visible()
        shown = page.locator("body").inner_text()
    found = re.search(r"under ([0-9a-f]{8})\b", shown)

    assert found is not None, shown
    for secret in ("Traceback", "ValueError", "no kind of ours", ".py"):
        assert secret not in shown
    log = (hostile_up.data_dir / "logs" / "web.log").read_text(encoding="utf-8")
    assert found[1] in log
    assert "no kind of ours" in log


@contextmanager
def broken_card(path: Path, approval_id: str) -> Iterator[None]:
    """A card that no page can read, for a while."""
    change = "UPDATE approvals SET kind = ? WHERE approval_id = ?"
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        find = connection.execute("SELECT kind FROM approvals WHERE approval_id = ?", [approval_id])
        (kind,) = find.fetchone()
        with connection:
            connection.execute(change, ["no kind of ours", approval_id])
        try:
            yield
        finally:
            with connection:
                connection.execute(change, [kind, approval_id])
