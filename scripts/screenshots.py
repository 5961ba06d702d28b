"""
Take the pictures of every page from the running product, and write the page that shows them.

Starts `interlock up` on a fresh folder and a free port, gives the shipped workflows work, looks at each
page in Chromium in light and in dark colours, on a desk and on a phone, and stops what it started.
Saves docs/images/screens/*.png with docs/screens.md, docs/images/inbox.png for the README, and the
graphs and cards of docs/gallery.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from screenshots_gallery import take_gallery
from screenshots_product import (
    BELOW_THE_TOP,
    READY_S,
    Scheme,
    call,
    interlock_up,
    launch,
    open_browser,
    open_page,
    reduce_colours,
    wait_until_at_rest,
)

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PHONE = 390
WIDTHS = {1400: 900, PHONE: 844}  # a desk and a phone, with their heights
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
GALLERY = "gallery"
HELD_ABOVE = 500  # EUR; a refund desk asks a human for more


@dataclass(frozen=True)
class Shot:
    """
    A page to be looked at. `path` is its address, with names of what was launched in braces; `words` say
    what is seen; `tab` is one to open first, `press` a button, `top` what is then scrolled to the top.
    """

    name: str
    title: str
    path: str
    words: str
    tab: str = ""
    press: str = ""
    top: str = ""


CARD = '[class*="st-key-card--"]'
TABS = '[data-testid="stTabs"]'
STAGED = '[data-testid="stHeading"]:has-text("Run again from here")'
GRAPH = '[data-testid="stHeading"]:has-text("Latency of executions")'
SHOTS = (
    Shot(
        "overview",
        "Overview",
        "?graph=refund_desk",
        "Who waits for us and whether anything is wrong: each figure leads to its page, a node of the"
        " graph to its cards, its breaker or its figures.",
    ),
    Shot(
        "inbox",
        "Inbox",
        "inbox?approval_id={refund}",
        "The cards that wait, and one of them: a refund to release, approve or reject, with what is"
        " known of it.",
    ),
    Shot(
        "inbox-actions",
        "Several actions on one card",
        "inbox?approval_id={mails}",
        "An agent wants to send several mails: each is approved, edited, rejected or answered by"
        " itself.",
    ),
    Shot(
        "inbox-form",
        "A typed answer",
        "inbox?approval_id={essay}",
        "The workflow gave a schema for its answer, so there is a form, checked before it is sent.",
    ),
    Shot(
        "inbox-breakpoint",
        "A breakpoint",
        "inbox?approval_id={paused}",
        "A run stands before a node: go on, change the state, skip or stop.",
    ),
    Shot(
        "inbox-decided",
        "A decided card",
        "inbox?approval_id={decided}",
        "Who decided what and when, and what became of it.",
    ),
    Shot(
        "launch",
        "Launch",
        "launch?workflow=refund_desk",
        "A form from the workflow's own input schema; also by JSON, by chat, or a whole file.",
    ),
    Shot(
        "launch-chat",
        "Launch by chat",
        "launch?workflow=outreach",
        "A workflow that takes messages is talked to.",
    ),
    Shot("batch", "A batch", "batch?batch_id={batch}", "A file of inputs, one run a row, live."),
    Shot(
        "runs", "Runs", "runs", "Tabs with counts, a search, and failures grouped by their error."
    ),
    Shot(
        "run",
        "A run",
        "run?run_id={run}",
        "The graph, the time each node took with the human's wait apart, and every step.",
    ),
    Shot(
        "run-state",
        "A run's state",
        "run?run_id={run}",
        "What the run has come to, as it is and as JSON.",
        tab="State",
        top=TABS,
    ),
    Shot(
        "run-failed",
        "A failed run",
        "run?run_id={failed}",
        "Where it failed and why, and what can be done about it.",
    ),
    Shot(
        "history",
        "Time machine",
        "history?thread={forked}",
        "A thread as a tree of its checkpoints: who decided what, where somebody went another way, and"
        " what two points differ in.",
    ),
    Shot(
        "history-staged",
        "A staged change",
        "history?thread={forked}&at={asked}",
        "What would happen, for certain and as it was last time, before anything does.",
        press="Run again from here",
        top=STAGED,
    ),
    Shot(
        "what-if",
        "What if",
        "what_if?card={refund}",
        "Two answers to one card, tried on copies before one is given.",
    ),
    Shot(
        "metrics",
        "Metrics",
        "figures",
        "How any window went against the one before: nodes worst first, latency, volume, errors with"
        " their runs.",
    ),
    Shot(
        "metrics-graph",
        "The graph, coloured by a figure",
        "figures",
        "Latency and volume over time, and each node with its figure, breaker and cached share.",
        top=GRAPH,
    ),
    Shot("report", "A report to print", "report", "The same window on paper."),
    Shot(
        "breakers",
        "Breakers",
        "breakers",
        "What comes to each, what it refused, how it stood over time; held open, closed or reset by"
        " hand.",
    ),
    Shot("caches", "Caches", "caches", "What each saved, and what it holds; cleared from here."),
    Shot(
        "alerts",
        "Alerts",
        "alerts",
        "What is wrong, since when, what to do, and the way to the cause.",
    ),
    Shot(
        "workflows",
        "Workflows",
        "workflows?workflow=refund_desk",
        "Each with its graph, its policy in words, its tools and its schemas.",
    ),
    Shot(
        "people",
        "People",
        "people",
        "Accounts, who is signed in and where, and the tokens of programs; each is ended here.",
    ),
    Shot(
        "system",
        "System",
        "system",
        "The processes and what they use, checks, sizes, the [flags](environments.md#flags), and every"
        " setting with its source.",
    ),
)
SIGN_IN = Shot(
    "sign-in",
    "Signing in",
    "",
    "Where several people work, each signs in: by password, at a provider, or by a proxy's header.",
)


def main() -> None:
    """Read the arguments and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [*(s.name for s in SHOTS), SIGN_IN.name, GALLERY]
    parser.add_argument("--out", type=Path, default=DOCS, help="the folder of the pages")
    parser.add_argument("--only", nargs="*", choices=names, help="these alone")
    args = parser.parse_args()
    images = args.out / "images"
    images.mkdir(parents=True, exist_ok=True)
    wanted = [shot for shot in SHOTS if not args.only or shot.name in args.only]
    if wanted:
        take_screens(wanted, images, is_all=not args.only)
    if not args.only or SIGN_IN.name in args.only:
        take_sign_in(images / "screens")
    if not args.only:
        (args.out / "screens.md").write_text(say_all(), encoding="utf-8")
    if not args.only or GALLERY in args.only:
        with started() as (url, data_dir), open_browser() as browser:
            take_gallery(browser, url, data_dir, images / GALLERY)
    taken = list(images.rglob("*.png"))
    size = sum(path.stat().st_size for path in taken)
    print(f"{images}: {len(taken)} pictures, {size / 1e6:.1f} MB")


@contextmanager
def started() -> Iterator[tuple[str, Path]]:
    """A product of its own; its address and its data folder."""
    with tempfile.TemporaryDirectory(prefix="interlock-pictures-") as place:
        data_dir = Path(place) / "data"
        with interlock_up(data_dir) as url:
            yield url, data_dir


def take_screens(wanted: Sequence[Shot], images: Path, *, is_all: bool) -> None:
    """Take the pictures of the pages; with all of them that of the README."""
    folder = images / "screens"
    folder.mkdir(exist_ok=True)
    with started() as (url, data_dir), open_browser() as browser:
        names = begin(data_dir)
        if is_all:
            page = open_page(browser, (1400, WIDTHS[1400]), "light")
            take(page, f"{url}/inbox?approval_id={names['refund']}", images / "inbox.png")
            page.context.close()
        take_all(browser, url, wanted, work(data_dir, names), folder)


def take_sign_in(folder: Path) -> None:
    """Take the pictures of the page at which one signs in, which is drawn by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="interlock-pictures-") as place:
        data_dir = Path(place) / "data"
        with interlock_up(data_dir):
            call(data_dir, "operator", "add", "ann", "--role", "admin", "--no-password")
        with interlock_up(data_dir, INTERLOCK_SIGN_IN="local") as url, open_browser() as browser:
            for scheme in SCHEMES:
                for width, height in WIDTHS.items():
                    page = open_page(browser, (width, height), scheme)
                    page.goto(url)
                    save(page, picture_of(folder, SIGN_IN.name, scheme, width))
                    page.context.close()


def begin(data_dir: Path) -> dict[str, str]:
    """Launch what waits on the README's picture, an essay and refunds; the ids by their names."""
    essay = launch(data_dir, "essay_writer")
    refund = launch(data_dir, "refund_desk", "--input", json.dumps(read_requests(data_dir)))
    return {
        "essay": essay["approvals"][0]["approval_id"],
        "refund": refund["approvals"][0]["approval_id"],
        "run": refund["run_id"],
    }


def work(data_dir: Path, names: Mapping[str, str]) -> dict[str, str]:
    """Launch the rest of what is seen; the ids by their names in `SHOTS`."""
    requests = read_requests(data_dir)
    rows = "\n".join(json.dumps({"requests": [row]}) for row in requests["requests"])
    file = data_dir.parent / "requests.jsonl"
    file.write_text(rows)
    paid = launch(data_dir, "refund_desk", "--input", json.dumps(requests))["approvals"][0]
    answer = ("--answer", json.dumps({"approved": True, "amount": 620}), "--reason", "parcel lost")
    call(data_dir, "decide", paid["approval_id"], *answer, "--as", "Ann")
    again = launch(data_dir, "refund_desk", "--input", json.dumps(requests))["approvals"][0]
    answer = ("--answer", json.dumps({"approved": False, "amount": 620}), "--reason", "no receipt")
    call(data_dir, "decide", again["approval_id"], *answer, "--as", "Bob")
    small = [row for row in requests["requests"] if row["amount"] < HELD_ABOVE]
    for row in small * 2:  # nobody is asked about these
        launch(data_dir, "refund_desk", "--input", json.dumps({"requests": [row]}))
    forked, asked_at = fork(
        data_dir, next(row for row in requests["requests"] if row["amount"] > HELD_ABOVE)
    )
    # A cache that is asked for the second time, and a breaker that an operator holds open: an alert.
    for _ in range(2):
        launch(data_dir, "essay_writer")
    call(data_dir, "breaker", "mail server", "open", "--reason", "mails come back", "--as", "Ann")
    text = "Invite our customers in Vienna to the open day."
    asked = json.dumps({"messages": [{"role": "user", "content": text}]})
    mails = launch(data_dir, "outreach", "--input", asked)
    paused = launch(data_dir, "essay_writer", "--break-before", "revise")
    return {
        **names,
        "mails": mails["approvals"][0]["approval_id"],
        "paused": paused["approvals"][0]["approval_id"],
        "decided": paid["approval_id"],
        "forked": forked,
        "asked": asked_at,
        "failed": launch(data_dir, "essay_writer", "--recursion-limit", "1")["run_id"],
        "batch": call(data_dir, "launch", "refund_desk", "--batch", str(file))["batch_id"],
    }


def fork(data_dir: Path, request: Any) -> tuple[str, str]:
    """Have a refund declined and the decision changed; the thread, and the point where it was asked."""
    held = launch(data_dir, "refund_desk", "--input", json.dumps({"requests": [request]}))
    (card,) = held["approvals"]
    no = ("--reject", "--reason", "no receipt", "--as", "Bob")
    run_id = call(data_dir, "decide", card["approval_id"], *no)["run_id"]
    while call(data_dir, "run", run_id)["status"] in {"queued", "running"}:
        continue
    (point,) = call(data_dir, "history", held["thread_id"], "--decisions")
    yes = ("--approve", "--reason", "the receipt has come", "--as", "Ann", "--wait", str(READY_S))
    place = (held["thread_id"], point["checkpoint_id"])
    call(data_dir, "rewind", *place, "--redecide", card["approval_id"], *yes)
    return place


def read_requests(data_dir: Path) -> Any:
    """The refund desk's own example of an input."""
    workflows = {w["name"]: w for w in call(data_dir, "workflows")}
    return workflows["refund_desk"]["input_schema"]["examples"][0]


def take_all(
    browser: Browser, url: str, shots: Sequence[Shot], names: Mapping[str, str], folder: Path
) -> None:
    """Look at every page at every width in both schemes of colours."""
    for scheme in SCHEMES:
        for width, height in WIDTHS.items():
            page = open_page(browser, (width, height), scheme)
            for shot in shots:
                path = picture_of(folder, shot.name, scheme, width)
                is_card = shot.path.startswith("inbox?")
                top = shot.top or (CARD if is_card and width == PHONE else "")
                address = f"{url}/{shot.path.format(**names)}"
                take(page, address, path, tab=shot.tab, press=shot.press, top=top)
            page.context.close()


def take(
    page: Page, url: str, path: Path, *, tab: str = "", press: str = "", top: str = ""
) -> None:
    """Save what is seen of a page once it is at rest."""
    page.goto(url)
    wait_until_at_rest(page)
    if tab:
        page.get_by_role("tab", name=tab).click()
        wait_until_at_rest(page)
    if press:
        page.get_by_role("button", name=press, exact=True).click()
        wait_until_at_rest(page)
    if top:
        page.locator(top).first.evaluate(BELOW_THE_TOP)
    save(page, path)


def save(page: Page, path: Path) -> None:
    """Save what is seen, with a palette of its own."""
    page.screenshot(path=path)
    reduce_colours(path)


def picture_of(folder: Path, name: str, scheme: str, width: int) -> Path:
    """Where one picture is kept."""
    return folder / f"{name}-{scheme}-{width}.png"


def say_all() -> str:
    """The page that shows them all: a desk in light colours large, the others small below."""
    parts = [
        "# The screens",
        "Every page, taken from the running product with the shipped workflows by `make screenshot`.",
    ]
    for shot in (*SHOTS, SIGN_IN):
        large, *small = [
            f"images/screens/{shot.name}-{scheme}-{width}.png"
            for width in WIDTHS
            for scheme in SCHEMES
        ]
        labels = ("in dark colours", "on a phone", "on a phone, in dark colours")
        others = " ".join(
            f'<img src="{path}" alt="{shot.title}, {label}" height="240">'
            for path, label in zip(small, labels, strict=True)
        )
        parts += [f"## {shot.title}", shot.words, f"![{shot.title}]({large})", others]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
