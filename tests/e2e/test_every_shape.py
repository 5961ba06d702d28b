"""
Every shape of question, answered in one inbox by one operator: what is filled in, refused, sent, and got.

One product, one tab, one page load: after each decision the next card comes up by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from interlock.core.services import observing
from interlock.dashboard import keys

PROJECT = Path(__file__).parents[1] / "integration" / "projects" / "shapes" / "langgraph.json"
REQUEST = {
    "action_request": {"action": "send", "args": {"to": "ann", "copies": 1}},
    "config": {
        "allow_accept": True,
        "allow_edit": True,
        "allow_respond": True,
        "allow_ignore": True,
    },
    "description": "Shall this be sent?",
}
SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
        "copies": {"type": "integer", "default": 2},
        "colour": {"enum": ["red", "green", "blue"]},
        "day": {"type": "string", "format": "date"},
        "who": {
            "type": "object",
            "properties": {"name": {"type": "string", "minLength": 2}},
            "required": ["name"],
        },
        "code": {"type": "string", "pattern": "^[A-Z]{3}$", "default": "ABC"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "extra": {"anyOf": [{"type": "integer"}, {"type": "array"}]},
    },
    "required": ["amount", "colour", "day", "who", "extra"],
}


def calls(*names_and_args: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """What the agent of the project is told to call."""
    text = json.dumps([{"name": name, "args": args} for name, args in names_and_args])
    return {"messages": [{"role": "user", "content": text}]}


@dataclass(frozen=True)
class Step:
    """
    One question and its answer.

    `act` fills in and presses on the card; `got` is what the node says it got, `said` what the page says
    of the decision; `hold` are the nodes to pause before.
    """

    workflow: str
    input: Any
    act: Callable[[Any], None]
    got: Any
    said: str
    hold: tuple[str, ...] = ()


def act(**way: Any) -> Callable[[Any], None]:
    """Do something that several steps do."""

    def do(sheet: Any) -> None:
        if "mode" in way:
            sheet.write_as(way["mode"])
        if "text" in way:
            sheet.text(keys.answer_text).fill(way["text"])
        if "reason" in way:
            sheet.text(keys.reason).fill(way["reason"])
        sheet.press(way["press"])

    return do


def check(sheet: Any, name: str, *place: Any) -> None:
    """Choose one of several buttons."""
    root = sheet.place(*place) if place else sheet.root
    root.get_by_role("radio", name=name, exact=True).check(force=True)


def number(sheet: Any, field: str) -> Any:
    return sheet.place(keys.card_field, field).get_by_role("spinbutton")


def pick(sheet: Any, key: Any, *names: str) -> None:
    """Choose some of a list that unfolds."""
    box = sheet.place(key).get_by_role("combobox")
    for name in names:
        box.fill(name)
        box.press("Enter")
    box.press("Escape")


def below(sheet: Any, field: str) -> Any:
    """What stands right below a field."""
    return sheet.place(keys.card_field, field).locator("xpath=following::p[1]")


def write_json(sheet: Any) -> None:
    sheet.write_as("JSON")
    sheet.text(keys.answer_text).fill('{"cities": ["Paris"')
    sheet.press("Send answer")
    expect(sheet.root).to_contain_text("is not JSON")
    sheet.text(keys.answer_text).fill('{"cities": ["Paris", 7, null]}')
    sheet.press("Send answer")


def say_no(sheet: Any) -> None:
    sheet.write_as("Yes / No")
    sheet.press("Send answer")
    expect(sheet.root).to_contain_text("choose yes or no")
    check(sheet, "No", keys.yes_no)
    sheet.press("Send answer")


def choose(sheet: Any) -> None:
    sheet.press("Send answer")
    expect(sheet.root).to_contain_text("choose one")
    check(sheet, "3", keys.choice)
    sheet.press("Send answer")


def choose_several(sheet: Any) -> None:
    pick(sheet, keys.choices, "red", "blue")
    sheet.press("Send answer")


def change_request(sheet: Any) -> None:
    sheet.text(keys.card_field, "to").fill("bob")
    number(sheet, "copies").fill("2")
    sheet.press("Approve")
    expect(sheet.root).to_contain_text(re.compile("changes", re.IGNORECASE))
    sheet.press("Approve with changes")


def respond(sheet: Any) -> None:
    sheet.text(keys.response).fill("Ask her first.")
    sheet.press("Respond")


def decide_each(sheet: Any) -> None:
    check(sheet, "Approve", keys.action_choice, 0)
    sheet.press("Send 2 decisions")
    expect(sheet.root).to_contain_text("decide this one too")
    check(sheet, "Reject", keys.action_choice, 1)
    sheet.press("Send 2 decisions")


def change_call(sheet: Any) -> None:
    number(sheet, "n").fill("4")
    sheet.press("Approve with changes")


def fill_in(sheet: Any) -> None:
    amount = number(sheet, "amount")
    sheet.text(keys.card_field, "code").fill("abc")
    sheet.press("Send answer")
    for field in ("amount", "colour", "day", "extra"):
        expect(below(sheet, field)).to_contain_text("is needed")
    amount.fill("400")
    check(sheet, "green", keys.card_field, "colour")
    sheet.place(keys.card_field, "day").get_by_role("spinbutton").first.click()
    sheet.page.keyboard.type("20260228")  # its parts, each of which leads to the next
    sheet.page.keyboard.press("Tab")
    sheet.text(keys.card_field, "who.name").fill("Ada")
    sheet.text(keys.card_field, "extra").fill("[1, 2.5]")
    sheet.press("Send answer")
    expect(below(sheet, "amount")).to_contain_text("at most 100")
    expect(sheet.text(keys.card_field, "who.name")).to_have_value("Ada")
    amount.fill("12.5")
    sheet.text(keys.card_field, "code").fill("XYZ")
    sheet.press("Send answer")


def review(sheet: Any) -> None:
    number(sheet, "amount").fill("3")
    sheet.text(keys.reason).fill("Fine.")
    sheet.press("Approve")


def change_state(sheet: Any) -> None:
    pick(sheet, keys.state_fields, "count")
    number(sheet, "count").fill("2")
    sheet.press("Go on with changes")


def put(question: Any, **more: Any) -> dict[str, Any]:
    return {"question": question, **more}


COLOURS = {"question": "Which colours?", "options": ["red", "green", "blue"], "multiple": True}
NEED = {"type": "approval_needed", "question": "Delete everything?"}
ACCEPTED = {"type": "accept", "args": REQUEST["action_request"]}
CHANGED = {"type": "edit", "args": {"action": "send", "args": {"to": "bob", "copies": 2}}}
FILLED = {
    "amount": 12.5,
    "copies": 2,
    "colour": "green",
    "day": "2026-02-28",
    "who": {"name": "Ada"},
    "code": "XYZ",
    "note": None,
    "extra": [1, 2.5],
}
REVIEWED = {"approved": True, "amount": 3.0, "reason": "Fine."}
SCALED = {"n": 4, "unit": "mm", "note": None}
STEPS = [
    Step("put", put("Which city?"), act(text="Paris", press="Send answer"), "Paris", "Answered \u00b7 Which city?"),
    Step("put", put("Which cities?"), write_json, {"cities": ["Paris", 7, None]}, "Answered"),
    Step("put", put("Is it late?"), say_no, False, "Answered"),
    Step("put", put(3), act(press="Approve"), True, "Approved"),
    Step("put", put(None), act(press="Reject"), False, "Rejected"),
    Step("put", put({"plan": {"steps": [1]}}), act(press="Approve"), True, "Approved"),
    Step("put", put(["red", 3]), choose, 3, "Answered"),
    Step("put", put(COLOURS), choose_several, ["red", "blue"], "Answered"),
    Step(
        "put",
        put(NEED),
        act(reason="Not yet.", press="Reject"),
        {"approved": False, "reason": "Not yet."},
        "Rejected",
    ),
    Step("put", put(REQUEST), act(press="Approve"), [ACCEPTED], "Approved"),
    Step("put", put([REQUEST]), change_request, [CHANGED], "Approved with changes"),
    Step(
        "put",
        put(json.dumps(REQUEST)),
        respond,
        [{"type": "response", "args": "Ask her first."}],
        "Answered",
    ),
    Step(
        "put",
        put([REQUEST, REQUEST]),
        decide_each,
        [ACCEPTED, {"type": "ignore", "args": None}],
        "",
    ),
    Step("put", put("Fill in.", schema=SCHEMA), fill_in, FILLED, "Answered"),
    Step("put_typed", put("Pay?", kind="Review"), review, REVIEWED, "Approved"),
    Step("put_inside", put("Inside?"), act(press="Approve"), True, "Approved"),
    Step("batched", calls(("scale", {"n": 3})), change_call, SCALED, "Approved with changes"),
    Step("per_call", calls(("scale", {"n": 3})), change_call, SCALED, "Approved with changes"),
    Step("batched", calls(("erase", {"path": "a"}), ("erase", {"path": "b"})), decide_each, {"path": "a"}, ""),
    Step("holds_before", {"count": 1}, act(press="Go on"), {"count": 1}, ""),
    Step("steps", {"count": 1}, change_state, {"count": 2}, "", ("b",)),
]  # fmt: skip


def plain(got: Any) -> Any:
    """What a node says of a value, without the types."""
    kind, value = got
    if kind == "list":
        return [plain(item) for item in value]
    return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def read_got(values: Mapping[str, Any]) -> Any:
    """What the node got, whichever way it was kept."""
    if "messages" in values:
        texts = [m["content"] for m in values["messages"] if m["type"] == "tool"]
        told = [text.rpartition("Tool response:\n")[2] for text in texts]
        return plain(json.loads(next(text for text in told if text.startswith("["))))
    return plain(values["got"] if "got" in values else values["seen"][-1][1])


def test_every_shape_of_question_is_answered_on_one_page(
    start_up: Callable[..., Any],
    offices: Callable[..., Any],
    new_page: Callable[..., Page],
    until_live: Callable[[Page], None],
    sheet_of: Callable[..., Any],
) -> None:
    up = start_up(config=PROJECT)
    office = offices(up)
    started = [office.start(s.workflow, s.input, break_before=s.hold) for s in STEPS]
    steps = {run.thread_id: step for run, step in zip(started, STEPS, strict=True)}
    page = new_page(width=1400)
    for run in started:
        observing.wait_for_run(office.app, run.run_id, timeout_s=40)
    cards = sorted(observing.list_inbox(office.app), key=lambda c: (c.asked_at, c.approval_id))
    assert len(cards) == len(STEPS)
    page.goto(f"{up.url}/inbox")
    until_live(page)

    for card in cards:
        step = steps[card.thread_id]
        sheet = sheet_of(page, card)
        expect(sheet.root).to_be_visible()
        ready = keys.card_form(card.approval_id, card.version)
        expect(page.locator(f'.keys[data-ready="{ready}"]')).to_be_attached()
        step.act(sheet)
        expect(sheet.outcome).to_contain_text(step.said)
        expect(sheet.root).to_be_hidden()

    expect(sheet.outcome).to_contain_text("Done in")
    assert office.count() == 0
    for card in cards:
        assert read_got(office.values(card)) == steps[card.thread_id].got
