"""
Take the README's picture from the running product.

Starts `interlock up` on a fresh folder and a free port, launches the shipped workflows, opens the
inbox in Chromium, saves docs/images/inbox.png, and stops what it started.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "inbox.png"
INTERLOCK = [sys.executable, "-P", "-m", "interlock.core.cli"]
STOP_S = 30
READY_S = 120
SETTLE_MS = 2000  # fragments are drawn one after the other; nothing on the page says the last is
AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def main() -> None:
    """Read the arguments and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PICTURE, help="where the picture goes")
    parser.add_argument("--page", help="page and query of the dashboard, else a card")
    parser.add_argument("--dark", action="store_true", help="in dark colours")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interlock-picture-") as folder:
        data_dir = Path(folder) / "data"
        with interlock_up(data_dir) as url:
            card = work(data_dir)
            page = args.page or f"inbox?approval_id={card['approval_id']}"
            args.out.parent.mkdir(parents=True, exist_ok=True)
            take(f"{url}/{page}", args.out, scheme="dark" if args.dark else "light")
    print(args.out)


@contextmanager
def interlock_up(data_dir: Path) -> Iterator[str]:
    """Run the product until the block ends; the address it answers at."""
    command = [*INTERLOCK, "up", "--json", "--no-browser", "--port", "0", "--data-dir", data_dir]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield read_document(process)["url"]
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def read_document(process: subprocess.Popen[str]) -> Any:
    """Read the one JSON document that `up` prints when it is ready."""
    text = ""
    for line in process.stdout or ():
        text += line
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            continue
    raise SystemExit(f"interlock up ended with {process.wait()} before it was ready: {text}")


def work(data_dir: Path) -> Any:
    """Launch what waits on the picture, an essay and refunds; the card of the first refund."""
    workflows = {w["name"]: w for w in call(data_dir, "workflows")}
    requests = workflows["refund_desk"]["input_schema"]["examples"][0]
    call(data_dir, "launch", "essay_writer", "--wait", str(READY_S))
    options = ("--wait", str(READY_S), "--input", json.dumps(requests))
    return call(data_dir, "launch", "refund_desk", *options)["approvals"][0]


def call(data_dir: Path, *arguments: str) -> Any:
    """Carry out one command; the document it prints."""
    command = [*INTERLOCK, *arguments, "--json", "--data-dir", str(data_dir)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def take(url: str, out: Path, *, scheme: str) -> None:
    """Open the page at 1400 x 900 and save what is seen once it is at rest."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        context = browser.new_context(
            viewport={"width": 1400, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            locale="en-GB",
        )
        page = context.new_page()
        page.goto(url)
        wait_until_at_rest(page)
        page.screenshot(path=out)
        browser.close()


def wait_until_at_rest(page: Page) -> None:
    """Wait until the page is drawn, follows what happens, and no part is being drawn again."""
    page.locator(AT_REST).wait_for(timeout=READY_S * 1000)
    page.get_by_role("heading").first.wait_for()
    page.locator('[data-state="live"]').first.wait_for(state="attached")
    page.evaluate("document.fonts.ready")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLE_MS)
    page.locator(AT_REST).wait_for()


if __name__ == "__main__":
    main()
