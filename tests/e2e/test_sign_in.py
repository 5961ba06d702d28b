"""Signing in in a real browser: by a deep link to a card, and out in another tab while one is about to decide."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from interlock.core.model.people import SYSTEM, Role
from interlock.core.services import operators, signing_in
from interlock.dashboard import keys

DESK = Path(__file__).parent / "projects" / "desk" / "langgraph.json"
PASSWORD = "correct horse battery"
NEED = {"type": "approval_needed"}


def test_who_has_signed_out_in_another_tab_decides_nothing_more(
    start_up: Callable[..., Any],
    offices: Callable[[Any], Any],
    new_page: Callable[..., Page],
    sheet_of: Callable[..., Any],
    until_live: Callable[[Page], None],
) -> None:
    up = start_up(config=DESK, env={"INTERLOCK_SIGN_IN": "local"})
    office = offices(up)
    office.app = replace(office.app, caller=SYSTEM)
    operators.add(office.app, "ann", role=Role.ADMIN, password=PASSWORD, actor="setup")
    first = office.ask(NEED | {"question": "Open the valve?"})
    second = office.ask(NEED | {"question": "Shut the valve?"})
    up.call("runs", exit_code=5)  # a second door is shut as well

    page = new_page(f"{up.url}/inbox?approval_id={first.approval_id}")
    expect(page).to_have_url(re.compile("/sign-in"))
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(first.approval_id))
    until_live(page)
    foot = page.locator(keys.selector(keys.sidebar_foot()))
    expect(foot).to_contain_text("Signed in as ann, admin.")
    sheet = sheet_of(page, first)
    sheet.press("Approve")
    expect(sheet.outcome).to_contain_text("Done in")
    (decision,) = office.decisions(first)
    assert decision.actor == "ann"

    sheet = sheet_of(page, second)
    expect(sheet.root).to_be_visible()
    sheet.text(keys.reason).fill("It looks open.")
    other = page.context.new_page()
    other.goto(f"{up.url}/sign-in")
    with other.expect_navigation():
        other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_text("You are signed out.")).to_be_visible()
    expect(foot).to_contain_text("This session has ended.")
    sheet.button("Approve").click()
    expect(page.get_by_test_id("stMain")).to_contain_text("This session has ended.")
    assert office.decisions(second) == ()
    assert signing_in.list_sessions(office.app) == []

    expect(foot).to_contain_text("disconnected")  # its socket was closed

    foot.get_by_role("link", name="Sign in").click()
    expect(page.get_by_label("Name")).to_be_visible()
    other.close()
