"""A run watched live: what it streams, how far it is, and what an operator may do to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from interlock.core.services import observing
from interlock.dashboard import keys

BADGE = ".stMarkdownBadge"


class RunPage:
    """The page of one run."""

    def __init__(self, page: Page, run_id: str) -> None:
        self.page = page
        self.main = page.get_by_test_id("stMain")
        self.run_id = run_id
        self.status = self.main.locator(BADGE).first
        self.graph = self.main.get_by_role("figure", name=re.compile("^Graph of")).first
        self.timeline = self.main.get_by_role("figure", name=re.compile("^Timeline"))

    def act(self, name: str, key: Callable[[str], str], reason: str) -> None:
        self.main.get_by_role("button", name="Cancel or retry", exact=True).click()
        field = self.page.locator(keys.selector(keys.run_reason(self.run_id)))
        field.get_by_role("textbox").fill(reason)
        self.button(key).click()

    def button(self, key: Callable[[str], str]) -> Locator:
        return self.page.locator(keys.selector(key(self.run_id))).get_by_role("button")

    def open_tab(self, name: str) -> Locator:
        self.main.get_by_role("tab", name=name, exact=True).click()
        return self.main.get_by_role("tabpanel", name=name, exact=True)


@pytest.fixture
def open_run(
    new_page: Callable[..., Page], until_live: Callable[[Page], None]
) -> Callable[[Any, Any], RunPage]:
    def open_(up: Any, run: Any) -> RunPage:
        page = new_page(f"{up.url}/run?run_id={run.run_id}")
        until_live(page)
        return RunPage(page, run.run_id)

    return open_


def test_graph_and_timeline_follow_the_run(
    desk: Any, office: Any, open_run: Callable[[Any, Any], RunPage], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    run = office.start("stages", {"gate": str(gate)})
    shown = open_run(desk, run)
    expect(shown.status).to_contain_text("running")
    expect(shown.graph).to_have_accessible_name(re.compile("first ok, second running"))
    expect(shown.timeline).to_have_accessible_name(re.compile(r"first: .+; second: "))

    gate.touch()

    expect(shown.status).to_contain_text("done")
    expect(shown.graph).to_have_accessible_name(re.compile("second ok, third ok"))
    expect(shown.timeline).to_have_accessible_name(re.compile("third: 1 x"))


def test_a_running_run_is_cancelled(
    desk: Any, office: Any, open_run: Callable[[Any, Any], RunPage], tmp_path: Path
) -> None:
    run = office.start("stages", {"gate": str(tmp_path / "gate")})
    shown = open_run(desk, run)
    expect(shown.graph).to_have_accessible_name(re.compile("second running"))

    shown.act("Cancel", keys.run_cancel, "Wrong file.")

    expect(shown.status).to_contain_text("cancelled")
    expect(shown.graph).to_have_accessible_name(re.compile("second cancelled"))
    assert str(observing.get_run(office.app, run.run_id).status) == "cancelled"


def test_a_failed_run_tells_why_and_is_retried(
    desk: Any, office: Any, open_run: Callable[[Any, Any], RunPage], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    run = office.launch("fragile", {"gate": str(gate)})
    shown = open_run(desk, run)
    expect(shown.status).to_contain_text("failed")
    expect(shown.main.get_by_test_id("stAlert")).to_contain_text("RuntimeError")
    expect(shown.main).to_contain_text("The gate is shut.")
    gate.touch()

    shown.act("Retry", keys.run_retry, "The gate is open.")

    expect(shown.status).to_contain_text("done")
    again, first = office.runs(thread_id=run.thread_id)
    assert (again.previous_run_id, again.reason) == (first.run_id, "The gate is open.")
    expect(shown.page).to_have_url(re.compile(f"run_id={again.run_id}$"))
    nodes = observing.run_detail(office.app, again.run_id).nodes
    assert [n.path for n in nodes] == ["hurdle"]
