"""What stands beside a card in the browser: read when it is opened, live, and never at a draft's cost."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from typing import Any

from PIL import Image
from playwright.sync_api import expect

from interlock.core.model.approvals import Intent, Verb
from interlock.core.services import assigning
from interlock.dashboard import keys


def test_what_became_of_a_card_is_told_to_whoever_looks(
    office: Any, open_card: Callable[..., Any]
) -> None:
    card = office.ask("Shall it be sent?")
    sheet = open_card(card)
    sheet.text(keys.answer_text).fill("a draft")
    line = sheet.page.locator(keys.selector(keys.card_aftermath(card.approval_id)))

    office.decide(card, Intent(verb=Verb.APPROVE), actor="Ann")

    expect(line).to_contain_text("Already approved by Ann")
    expect(line).to_contain_text("Done in")
    expect(sheet.text(keys.answer_text)).to_have_value("a draft")


def test_a_part_beside_the_card_is_read_when_it_is_opened(
    office: Any, open_card: Callable[..., Any]
) -> None:
    said = [{"type": "human", "content": "Where is my parcel?"}]
    card = office.ask({"question": "Refund?", "messages": said})
    sheet = open_card(card)
    sheet.text(keys.answer_text).fill("not yet")
    expect(sheet.root.get_by_role("img", name="Graph of")).to_have_count(0)

    sheet.root.get_by_text("Why it is asked").click()
    expect(sheet.root).to_contain_text("The state so far")
    sheet.root.get_by_text("Where in the graph").click()
    expect(sheet.root.locator("svg").filter(has_text="1 card waits")).to_be_visible()
    sheet.root.get_by_text("Steps of the run").click()
    expect(sheet.root.get_by_test_id("stDataFrame")).to_be_visible()
    expect(sheet.text(keys.answer_text)).to_have_value("not yet")


def test_media_are_shown_from_their_own_bytes(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.ask(
        {
            "question": "Is it damaged?",
            "photo": {"type": "image", "base64": encode(draw_picture())},
            "drawing": {"type": "image", "mime_type": "image/svg+xml", "base64": encode(SVG)},
            "remote": {"type": "image_url", "image_url": {"url": "https://elsewhere.test/a.png"}},
        }
    )
    sheet = open_card(card)

    picture = sheet.root.get_by_test_id("stImage").locator("img")
    expect(picture).to_have_count(1)
    expect(picture).to_have_js_property("naturalWidth", 8)
    expect(sheet.root.get_by_role("button", name="Save it")).to_have_count(1)
    expect(sheet.root).to_contain_text("https://elsewhere.test/a.png")
    expect(sheet.root).to_contain_text("not fetched")


def test_several_choices_are_sent_as_a_list(office: Any, open_card: Callable[..., Any]) -> None:
    card = office.ask({"question": "Which?", "options": ["red", "green", 3], "multiple": True})
    sheet = open_card(card)
    choice = sheet.place(keys.choices).get_by_role("combobox")

    sheet.press("Send answer")
    expect(sheet.root).to_contain_text("choose at least one")
    for option in ("3", "red"):
        choice.click()
        sheet.page.get_by_role("option", name=option, exact=True).click()
    choice.press("Escape")
    sheet.press("Send answer")

    expect(sheet.outcome).to_contain_text("Done in")
    assert office.values(card)["answer"] == ["red", 3]


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def draw_picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    return buffer.getvalue()


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_card_that_somebody_has_is_decided_once_it_was_taken_over(
    office: Any, open_card: Callable[..., Any]
) -> None:
    card = office.ask({"type": "approval_needed", "question": "Open the valve?"})
    sheet = open_card(card)
    row = sheet.root.locator(keys.selector(keys.hands(card.approval_id)))

    assigning.claim(office.app, card.approval_id, actor="Ann", note="I know this valve")
    expect(row).to_contain_text("Ann has it")
    sheet.press("Approve")
    expect(
        sheet.told(re.compile(r"Ann has this card until .+ Nothing was decided\."))
    ).to_be_visible()
    assert office.decisions(card) == ()

    row.get_by_role("button", name="Take over").click()
    expect(row).to_contain_text("You have it")
    sheet.press("Approve")
    expect(sheet.outcome).to_contain_text("Done in")
    (decision,) = office.decisions(card)
    assert decision.actor != "Ann"
