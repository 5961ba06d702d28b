"""Processes that die under an open page: it says so, comes back by itself, and works."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from interlock.core.services import observing
from interlock.core.store import engine, workers
from interlock.dashboard import keys

pytestmark = pytest.mark.timeout(240)
DESK = Path(__file__).parent / "projects" / "desk" / "langgraph.json"
COMING_BACK_MS = 90_000  # a killed process is started again, with its imports, on a busy machine


@pytest.fixture(scope="module")
def desk(start_up_module: Callable[..., Any]) -> Any:
    """A product of its own: others would notice what is killed here."""
    return start_up_module(config=DESK)


@pytest.fixture(scope="module")
def office(desk: Any, offices: Callable[[Any], Any]) -> Any:
    return offices(desk)


def test_a_card_is_answered_after_the_server_died_under_it(
    desk: Any, office: Any, open_card: Callable[..., Any]
) -> None:
    card = office.ask("Still there?")
    sheet = open_card(card)
    draft = sheet.text(keys.answer_text)
    draft.fill("Yes, I am.")
    draft.blur()
    state = sheet.page.get_by_test_id("stSidebar").get_by_role("status").first

    with desk.without("web"):
        expect(state).not_to_have_text("live")
    expect(state).to_have_text("live", timeout=COMING_BACK_MS)

    expect(draft).to_have_value("Yes, I am.")
    sheet.press("Send answer")
    expect(sheet.outcome).to_contain_text("Done in")
    assert office.values(card)["answer"] == "Yes, I am."
    assert len(office.decisions(card)) == 1


def test_a_run_goes_on_after_its_worker_died(
    desk: Any,
    office: Any,
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
    tmp_path: Path,
) -> None:
    gate = tmp_path / "gate"
    run = office.start("stages", {"gate": str(gate)})
    page = new_page(f"{desk.url}/run?run_id={run.run_id}")
    until_live(page)
    main = page.get_by_test_id("stMain")
    graph = main.get_by_role("figure", name=re.compile("^Graph of")).first
    expect(graph).to_have_accessible_name(re.compile("second running"))

    desk.find_child("worker").kill()

    expect(main).to_contain_text("handed to a worker 2 times", timeout=COMING_BACK_MS)
    gate.touch()
    expect(main.locator(".stMarkdownBadge").first).to_contain_text("done")
    expect(graph).to_have_accessible_name(re.compile("first ok, second ok, third ok"))


def test_a_page_says_when_no_worker_is_there_and_when_one_is_back(
    desk: Any, office: Any, new_page: Callable[..., Page], until_live: Callable[[Page], None]
) -> None:
    page = new_page(desk.url)
    until_live(page)
    sidebar, main = page.get_by_test_id("stSidebar"), page.get_by_test_id("stMain")
    silent = re.compile("No worker has been seen")
    expect(sidebar.get_by_text(silent)).to_have_count(0)

    with no_worker(desk, office):
        expect(sidebar.get_by_text(silent)).to_be_visible()
        run = office.start("ask", {"question": "Anybody?"})
        page.goto(f"{desk.url}/run?run_id={run.run_id}")
        expect(main.locator(".stMarkdownBadge").first).to_contain_text("queued")
        expect(main.get_by_test_id("stAlert")).to_contain_text(re.compile("[Ww]orker"))

    expect(sidebar.get_by_text(silent)).to_have_count(0, timeout=COMING_BACK_MS)
    expect(main.locator(".stMarkdownBadge").first).to_contain_text("waiting")


@contextmanager
def no_worker(up: Any, office: Any) -> Iterator[None]:
    """Kill the worker, let no other come, and let it be 41 s later."""
    with up.without("worker"):
        with engine.write(office.app.engine) as conn:
            for worker in observing.list_workers(office.app):
                before = worker.heartbeat_at - timedelta(seconds=observing.ALIVE_S + 1)
                workers.beat(conn, replace(worker, heartbeat_at=before))
        yield
