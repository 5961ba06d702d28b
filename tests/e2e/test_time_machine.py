"""The time machine in a browser: find a point, see beforehand what would happen, do it, see the fork."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from interlock.core.model.approvals import Approval, ApprovalStatus, Intent, Verb
from interlock.core.services import history, observing, reading
from interlock.dashboard.components import history_tree

NARROW = 390  # pixels: a phone
PAID = {"approved": True, "amount": 620}


@pytest.fixture
def office(up: Any, offices: Callable[[Any], Any]) -> Any:
    """What is behind the pages of the shipped workflows."""
    return offices(up)


class Machine:
    """The page of one thread."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.main = page.get_by_test_id("stMain")
        self.tree = page.get_by_role("group", name="Checkpoints")

    def lane(self, name: str) -> Locator:
        """A branch of the tree by what it says of itself."""
        return self.tree.get_by_role("group", name=re.compile(name))

    def button(self, name: str) -> Locator:
        """A button of the page."""
        return self.main.get_by_role("button", name=name, exact=True)

    def apply(self, reason: str) -> None:
        """Say why and do it."""
        self.main.get_by_role("textbox", name="Reason").fill(reason)
        self.button("Apply").click()


@pytest.fixture
def open_machine(
    up: Any, new_page: Callable[..., Page], until_live: Callable[[Page], None]
) -> Callable[[str], Machine]:
    """Open the page of a thread."""

    def open_(thread_id: str) -> Machine:
        page = new_page(f"{up.url}/history?thread={thread_id}")
        until_live(page)
        return Machine(page)

    return open_


def refund(office: Any, order: str, intent: Intent) -> Approval:
    """Ask for a refund and have it decided; the card, of a thread that has ended."""
    request = {"order": order, "amount": 620, "message": f"Parcel of {order} is lost."}
    card: Approval = office.hold("refund_desk", {"requests": [request]})
    office.decide(card, intent, actor="ann")
    office.values(card)
    return card


def test_a_point_is_found_its_preview_read_and_the_fork_seen(
    up: Any,
    office: Any,
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
    until_idle: Callable[[Page], None],
    watch: Callable[[Page, str], Any],
) -> None:
    card = refund(office, "A-7701", Intent(verb=Verb.ANSWER, value=PAID))
    page = new_page()
    seen = watch(page, up.url)
    page.goto(f"{up.url}/history?q=A-7701")
    until_live(page)
    click_first_row(page.get_by_test_id("stDataFrame"))
    machine = Machine(page)
    expect(machine.lane("Current branch")).to_contain_text("Answered by")

    machine.lane("Current branch").get_by_role("button", name=re.compile("Answered by")).click()
    machine.button("Run again from here").click()
    expect(machine.main.get_by_text("Nothing has happened yet.")).to_be_visible()
    expect(machine.main.get_by_text("For certain, refund will run.")).to_be_visible()
    expect(machine.main.get_by_text(re.compile("refund/pay_out has side effects"))).to_be_visible()
    expect(machine.main.get_by_text(re.compile("This decision is asked again"))).to_be_visible()
    before = history.open_history(office.app, card.thread_id)

    machine.apply("the customer has called")
    expect(machine.lane("Current branch")).to_contain_text("the customer has called")
    expect(machine.lane("Branch 0")).to_contain_text("End")
    expect(machine.main.get_by_text("Nothing has happened yet.")).to_have_count(0)

    after = history.open_history(office.app, card.thread_id)
    assert after.points[-len(before.points) :] == before.points
    assert [fork.reason for fork in after.forks] == ["the customer has called"]
    asked = [c for c in after.cards if c.status is ApprovalStatus.PENDING]
    assert [c.title for c in asked] == [card.title]
    page.set_viewport_size({"width": NARROW, "height": 844})
    until_idle(page)
    widths = machine.main.evaluate("(main) => [document.body.scrollWidth, main.scrollWidth]")
    assert max(widths) <= NARROW
    assert (seen.complaints, seen.foreign) == ([], [])


def test_a_decision_is_changed_and_the_old_way_stays(
    office: Any, open_machine: Callable[[str], Machine]
) -> None:
    card = refund(office, "A-7702", Intent(verb=Verb.REJECT, reason="no proof"))
    machine = open_machine(card.thread_id)
    machine.lane("Current branch").get_by_role("button", name=re.compile("Rejected by")).click()
    machine.button("Change this decision").click()
    machine.main.get_by_role("radiogroup", name="Decide").get_by_text("Approve").click()
    machine.apply("the proof has come")

    current = machine.lane("Current branch")
    expect(current).to_contain_text("Decision changed by")
    expect(current).to_contain_text("End")
    expect(machine.lane("Branch 0")).to_contain_text("End")
    found = history.open_history(office.app, card.thread_id)
    assert [d.verb for d in found.decisions] == [Verb.REJECT, Verb.APPROVE]
    ends = [point for point in found.points if not point.next]
    states = [reading.state(office.app, card.thread_id, p.checkpoint_id) for p in ends]
    assert ["620.00 EUR paid back" in s.values["summary"] for s in states] == [True, False]


def test_two_answers_are_tried_on_copies_and_one_is_kept(
    up: Any,
    office: Any,
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
    until_idle: Callable[[Page], None],
) -> None:
    card = office.hold("refund_desk", {"requests": [{"order": "A-7703", "amount": 620}]})
    before = history.open_history(office.app, card.thread_id)
    page = new_page(f"{up.url}/inbox?approval_id={card.approval_id}")
    until_live(page)
    main = page.get_by_test_id("stMain")
    main.get_by_role("link", name=re.compile("What if")).click()

    # Names are labels before their markup is read, with what escapes the name of the node.
    pay = main.get_by_role("radiogroup", name=re.compile("^What becomes of refund.*pay"))
    pay.get_by_text("Give what it writes").click()
    paid = {"result": "paid", "paid_eur": 620, "text": "As if it had been paid."}
    receipt = json.dumps({"outcomes": {"A-7703": paid}})
    main.get_by_role("textbox", name=re.compile("^What refund.*pay")).fill(receipt)
    until_idle(page)
    main.get_by_role("button", name="Try both").click()
    expect(main.get_by_text(re.compile(r"\bEnded$"))).to_have_count(2)
    expect(main.get_by_text(re.compile("Not run, with a value in its place"))).to_be_visible()
    expect(main.get_by_text(re.compile("How their ends differ"))).to_be_visible()
    assert history.open_history(office.app, card.thread_id) == before

    main.get_by_role("textbox", name="Reason for keeping one").fill("no proof of the loss")
    until_idle(page)
    main.get_by_role("button", name="Keep answer B").click()
    expect(main.get_by_text("Answer B was kept")).to_be_visible()
    assert office.values(card)["outcomes"]["A-7703"]["text"].startswith("Declined")
    (decision,) = office.decisions(card)
    assert decision.verb is Verb.REJECT
    kept = next(c for c in observing.list_changes(office.app) if c.action == "what-if:keep")
    assert kept.reason == "no proof of the loss"


def click_first_row(table: Locator) -> None:
    """Click the first row of a table, which is a picture."""
    height = 33
    expect(table.locator("tr[role=row]").nth(1)).to_be_attached()
    table.click(position={"x": 60, "y": height * 1.5})


SCRIPT = Path(history_tree.__file__).with_suffix(".js")
TREE = {
    "columns": 2,
    "first": 7,
    "chosen": None,
    "head": None,
    "colors": {
        "tones": {"quiet": {"fill": "#000", "ground": "#fff", "ink": "#000"}},
        "accent": "#000",
        "line": "#000",
        "muted": "#000",
    },
    "lanes": [
        {
            "branch": 0,
            "is_current": True,
            "told": "",
            "begins_before": True,
            "from_column": None,
            "knots": [
                {
                    "id": f"c{column}",
                    "column": column,
                    "label": f"point {column}",
                    "word": "",
                    "lines": [],
                    "tone": "quiet",
                    "glyph": "point",
                    "is_chosen": False,
                    "is_second": False,
                    "is_dim": False,
                    "is_head": False,
                }
                for column in (7, 8)
            ],
        }
    ],
}


def test_keys_come_into_a_tree_that_shows_neither_its_head_nor_the_chosen_point(
    new_page: Callable[..., Page],
) -> None:
    page = new_page()
    page.set_content(
        '<div id="host"><button class="out">-</button><button class="in">+</button>'
        '<div class="scroll"></div></div>'
    )
    page.evaluate(
        """async ([script, data]) => {
          const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }))
          const { default: draw } = await import(url)
          draw({ data, parentElement: document.getElementById("host"), setTriggerValue: () => {} })
        }""",
        [SCRIPT.read_text(), TREE],
    )
    knots = page.locator(".knot")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(knots.nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(knots.nth(1)).to_be_focused()
