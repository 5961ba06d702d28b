"""The launch form: wrong input is refused field by field, nothing typed is lost, one click is one run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from interlock.dashboard import keys

STANDS_STILL = "() => document.getAnimations().every((each) => each.playState !== 'running')"


class LaunchForm:
    """The launch page of one workflow."""

    def __init__(self, page: Page, workflow: str, until_idle: Callable[[Page], None]) -> None:
        self.page = page
        self.workflow = workflow
        self._until_idle = until_idle
        self.main = page.get_by_test_id("stMain")
        self.submit = self._by_key(keys.launch_submit(workflow)).get_by_role("button")

    def field(self, label: str) -> Locator:
        return self.main.get_by_label(label, exact=True)

    def below(self, label: str) -> Locator:
        """What stands right below a field."""
        return self.field(label).locator("xpath=following::p[1]")

    def option(self, name: str) -> Locator:
        return self._by_key(keys.launch_option(self.workflow, name))

    def write_as(self, mode: str) -> None:
        switch = self._by_key(keys.launch_json_switch(self.workflow))
        switch.get_by_role("radio", name=mode, exact=True).click()
        self._until_idle(self.page)  # what is typed sooner goes to the way that is left

    def _by_key(self, key: str) -> Locator:
        return self.page.locator(keys.selector(key))


@pytest.fixture
def open_form(
    desk: Any,
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
    until_idle: Callable[[Page], None],
) -> Callable[[str], LaunchForm]:
    def open_(workflow: str) -> LaunchForm:
        page = new_page(f"{desk.url}/launch?workflow={workflow}")
        until_live(page)
        form = LaunchForm(page, workflow, until_idle)
        expect(form.submit).to_be_visible()
        return form

    return open_


def read_run(office: Any, page: Page) -> Any:
    """The run whose page was opened."""
    expect(page).to_have_url(re.compile(r"/run\?run_id="))
    # A double click can leave the launch page's own parameter in the address.
    (run_id,) = parse_qs(urlsplit(page.url).query)["run_id"]
    return next(r for r in office.runs() if r.run_id == run_id)


def test_wrong_input_is_refused_field_by_field_and_nothing_is_lost(
    office: Any, open_form: Callable[[str], LaunchForm]
) -> None:
    before = len(office.runs(workflow="order"))
    form = open_form("order")

    form.field("Item").fill("no")
    form.field("Copies").fill("7")
    form.field("Code").fill("abc")
    form.submit.click()

    expect(form.below("Item")).to_contain_text("3 characters")
    expect(form.below("Copies")).to_contain_text("5")
    expect(form.below("Code")).to_contain_text("pattern")
    for label, value in (("Item", "no"), ("Copies", "7"), ("Code", "abc")):
        expect(form.field(label)).to_have_value(value)
    assert len(office.runs(workflow="order")) == before

    form.field("Item").fill("pencils")
    form.field("Copies").fill("4")
    form.field("Code").fill("XYZ")
    form.submit.click()
    run = read_run(office, form.page)
    assert run.input == {"item": "pencils", "copies": 4, "code": "XYZ"}


def test_the_json_switch_keeps_what_was_typed(
    office: Any, open_form: Callable[[str], LaunchForm]
) -> None:
    form = open_form("order")
    form.field("Item").fill("crayons")

    form.write_as("JSON")
    raw = form.field("Input as JSON")
    expect(raw).to_have_value(re.compile("crayons"))
    raw.fill('{"item": "crayons", "copies": ')
    form.submit.click()
    expect(form.main).to_contain_text("is not JSON")
    expect(raw).to_have_value('{"item": "crayons", "copies": ')
    raw.fill('{"item": "crayons", "copies": 3, "code": "RED"}')
    form.write_as("Form")
    expect(form.field("Item")).to_have_value("crayons")
    expect(form.field("Copies")).to_have_value("3")
    expect(form.field("Code")).to_have_value("RED")
    form.submit.click()

    run = read_run(office, form.page)
    assert run.input == {"item": "crayons", "copies": 3, "code": "RED"}


@pytest.mark.parametrize("pause_ms", [0, 20, 60])
def test_a_double_click_launches_one_run(
    office: Any, open_form: Callable[[str], LaunchForm], pause_ms: int
) -> None:
    before = len(office.runs())
    form = open_form("order")
    form.field("Item").fill("paper")

    form.submit.click(click_count=2, delay=pause_ms)

    run = read_run(office, form.page)
    expect(form.page.get_by_role("heading", name="order")).to_be_visible()
    after = office.runs()
    assert len(after) == before + 1
    assert after[0].run_id == run.run_id


def test_a_thread_that_waits_takes_no_second_run(
    office: Any, open_form: Callable[[str], LaunchForm]
) -> None:
    card = office.hold("order", {}, thread_id="the-thread-that-waits")
    form = open_form("order")

    form.main.get_by_text("Breakpoints, thread, variant, limits").click()
    form.option("thread_id").get_by_role("textbox").fill(card.thread_id)
    form.submit.click()

    expect(form.main.get_by_test_id("stAlert")).to_contain_text("the-thread-that-waits")
    expect(form.option("thread_id").get_by_role("textbox")).to_have_value(card.thread_id)
    assert len(office.runs(thread_id=card.thread_id)) == 1


def test_a_breakpoint_holds_the_run_which_then_goes_on(
    office: Any, open_form: Callable[[str], LaunchForm], tmp_path: Any
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    page = pause_before(open_form("stages"), "second", gate)

    page.get_by_test_id("stMain").get_by_role("link", name="Open", exact=True).click()
    detail = page.locator(keys.selector(keys.inbox_detail()))
    expect(detail).to_contain_text("Paused before second")
    page.get_by_role("button", name="Go on", exact=True).click()

    outcome = page.locator(keys.selector(keys.inbox_outcome()))
    expect(outcome).to_contain_text("Done in")
    assert str(office.runs(workflow="stages")[0].status) == "done"


def test_a_run_is_stopped_at_its_breakpoint(
    office: Any, open_form: Callable[[str], LaunchForm], tmp_path: Any
) -> None:
    page = pause_before(open_form("stages"), "second", tmp_path / "gate")

    page.get_by_test_id("stMain").get_by_role("link", name="Open", exact=True).click()
    detail = page.locator(keys.selector(keys.inbox_detail()))
    expect(detail).to_contain_text("Paused before second")
    page.get_by_role("button", name="Stop", exact=True).click()

    outcome = page.locator(keys.selector(keys.inbox_outcome()))
    expect(outcome).to_contain_text("Stopped · Paused before second")
    expect(outcome).to_contain_text("cancelled")
    assert str(office.runs(workflow="stages")[0].status) == "cancelled"


def pause_before(form: LaunchForm, node: str, gate: Any) -> Page:
    """Launch the workflow with a breakpoint, by clicking; the run's page once it stands there."""
    form.main.get_by_text("Breakpoints, thread, variant, limits").click()
    # While the place unfolds, the list of a field in it shuts itself again.
    form.page.wait_for_function(STANDS_STILL)
    nodes = form.option("break_before").get_by_role("combobox")
    nodes.fill(node)
    wanted = form.page.get_by_role("option", name=node, exact=True)
    expect(wanted).to_be_visible()
    expect(nodes).to_have_attribute("aria-activedescendant", wanted.get_attribute("id") or "?")
    nodes.press("Enter")
    expect(form.option("break_before")).to_contain_text(node)
    nodes.press("Escape")
    form.write_as("JSON")
    form.field("Input as JSON").fill(json.dumps({"gate": str(gate)}))
    expect(form.option("break_before")).to_contain_text(node)
    form.submit.click()
    expect(form.page).to_have_url(re.compile(r"/run\?run_id="))
    expect(form.main.locator(".stMarkdownBadge").first).to_contain_text("paused")
    return form.page
