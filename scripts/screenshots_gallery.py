"""
Take the pictures of the shipped workflows: the graph of a run of each, and the card where it asks.

They stand in docs/gallery/*.md, saved as docs/images/gallery/NAME.png and NAME-card.png.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page
from screenshots_product import launch, open_page, reduce_colours, wait_until_at_rest

from interlock.core.types import Json

GRAPH = '[data-testid="stGraphVizChart"] svg'
CARD = '[class*="st-key-card--"]'
BAR = '[class*="st-key-decision-row--"]'
DESK = (1400, 900)
BELOW = 150  # pixels below a card: what decides it, and the keys
HIGHEST = 1250  # pixels of a desk: of a longer card is seen what its reader sees first
DOTS = 2  # to a pixel, so that a picture is sharp on any screen
WIDEST = 600  # pixels of a graph, which is so many times DOTS in the picture
PAD = 1  # pixel below what decides it: its frame
SCALE = 1.0  # pixels for a point of a graph
LAY_OUT = """(svg, [width, height]) => {
  const sheet = document.createElement('div')
  sheet.id = 'sheet'
  sheet.style = 'position: fixed; inset: 0 auto auto 0; z-index: 9999999; padding: 12px; background: white'
  sheet.append(svg.cloneNode(true))
  sheet.firstChild.style.display = 'block'
  sheet.firstChild.setAttribute('width', width)
  sheet.firstChild.setAttribute('height', height)
  document.body.append(sheet)
}"""


@dataclass(frozen=True)
class Case:
    """What is launched of a workflow: an input and a context, None for those of its form."""

    workflow: str
    input: Json = None
    context: Json = None


CASES = (
    Case("refund_desk"),
    Case(
        "outreach",
        {"messages": [{"role": "user", "content": "Invite our customers to the open day."}]},
    ),
    Case("essay_writer"),
    Case("help_desk", {"message": "I was charged twice and want 240 EUR back, urgently!"}),
    Case("customer_memory"),
    Case("contract_signoff"),
    Case("release_train", {"version": "4.2.1", "rehearse": "nothing"}),
    Case("prescription_check"),
    Case("market_data"),
    Case("newsroom", {"subject": "The city's budget", "readers": "taxpayers"}),
    Case("product_launch"),
    Case("design_contest"),
)


def take_gallery(browser: Browser, url: str, data_dir: Path, folder: Path) -> None:
    """Launch each workflow, and look at what came of it."""
    folder.mkdir(parents=True, exist_ok=True)
    page = open_page(browser, DESK, "light", dots=DOTS)
    for case in CASES:
        held = launch(data_dir, case.workflow, *_options(case))
        page.goto(f"{url}/run?run_id={held['run_id']}")
        wait_until_at_rest(page)
        _take_graph(page, folder / f"{case.workflow}.png")
        if held["approvals"]:
            page.goto(f"{url}/inbox?approval_id={held['approvals'][0]['approval_id']}")
            _take_card(page, folder / f"{case.workflow}-card.png")
    page.context.close()


def _options(case: Case) -> list[str]:
    given: Mapping[str, Json] = {"--input": case.input, "--context": case.context}
    return [
        part
        for name, value in given.items()
        if value is not None
        for part in (name, json.dumps(value))
    ]


def _take_card(page: Page, path: Path) -> None:
    """The card, and of the bar at the foot of the page what decides it."""
    wait_until_at_rest(page)
    card = page.locator(CARD).first.bounding_box()
    assert card is not None
    height = min(HIGHEST, int(card["y"] + card["height"]) + BELOW)
    page.set_viewport_size({"width": DESK[0], "height": height})
    wait_until_at_rest(page)
    bar = page.locator(BAR).first.bounding_box()
    assert bar is not None
    foot = bar["y"] + bar["height"] + PAD
    page.screenshot(path=path, clip={**card, "height": foot - card["y"]})
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    reduce_colours(path)


def _take_graph(page: Page, path: Path) -> None:
    """The page's own drawing, whole: there it is scrolled and squeezed into its place."""
    drawn = page.locator(GRAPH).first
    drawn.wait_for()
    width, height = drawn.evaluate("svg => [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height]")
    scale = min(SCALE, WIDEST / width)
    size = [math.ceil(width * scale), math.ceil(height * scale)]  # no half dots at its edge
    page.set_viewport_size({"width": DESK[0], "height": max(DESK[1], size[1] + 40)})
    wait_until_at_rest(page)
    drawn.evaluate(LAY_OUT, size)
    page.locator("#sheet").screenshot(path=path)
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    reduce_colours(path)
