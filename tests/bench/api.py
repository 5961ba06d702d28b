"""
Decisions a second through the API, by twenty people at once, against the services called in one process.

Both decide cards of real runs, which the worker goes on with meanwhile: that is how it is in a team.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import serving
from browser import started
from measuring import Row, percentile

from interlock.core.bootstrap import build_app
from interlock.core.model.approvals import Approval, Intent, Verb
from interlock.core.model.people import SYSTEM, Permission, Role
from interlock.core.services import deciding, launching, observing, operators, token_keeping
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings

CARDS = 400
PEOPLE = 20
WAIT_S = 300.0
SOAK_EXAMPLES = 200  # of each operation, right and wrong
TESTS = Path(__file__).parents[1] / "contract" / "api" / "test_api_description.py"


def measure(folder: Path) -> Iterator[Row]:
    """Two times so many cards: the one half through the API, the other without it."""
    os.environ["INTERLOCK_API_RATE"] = "0"
    with started(folder) as (url, _):
        app = build_app(Settings(data_dir=folder, config=serving.PROJECT), caller=SYSTEM)
        secrets = [_admit(app, f"person-{number}") for number in range(PEOPLE)]
        _decide(url, secrets, _ask(app, PEOPLE))  # a warm-up, which builds the API
        rate, spent = _decide(url, secrets, _ask(app, CARDS))
        alone = _decide_here(app, _ask(app, CARDS))
        app.engine.dispose()
    times = f"p50 {percentile(spent, 0.5):.0f} ms, p95 {percentile(spent, 0.95):.0f} ms"
    yield Row(
        f"decisions through the API, {PEOPLE} people at once",
        f"{rate:.0f} /s, {times} (one after another without it: {alone:.0f} /s)",
        "(none is stated)",
        None,
    )


def soak(_folder: Path) -> Iterator[Row]:
    """Whatever the description of the API allows, sent many times over."""
    begun = time.perf_counter()
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=0", str(TESTS)],
        env={**os.environ, "INTERLOCK_API_EXAMPLES": str(SOAK_EXAMPLES)},
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        print(told.stdout)
    yield Row(
        f"every operation of the API asked {SOAK_EXAMPLES} times, right and wrong",
        f"{'all' if not told.returncode else 'not all'} as described, {time.perf_counter() - begun:.0f} s",
        "all",
        not told.returncode,
    )


def _admit(app: App, name: str) -> str:
    operators.add(app, name, role=Role.OPERATOR, actor="bench")
    scopes = [Permission.SEE, Permission.DECIDE]
    made = token_keeping.make(app, "bench", scopes=scopes, days=1, operator=name, actor="bench")
    return made.secret


def _ask(app: App, count: int) -> list[Approval]:
    """Cards that wait, each of a run of its own; nothing else is going on then."""
    request = Launch(workflow="hold", input=serving.INPUT)
    for _ in range(count):
        launching.launch(app, request, actor="bench")
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if not observing.list_runs(app, statuses=serving.OPEN, limit=1):
            cards = observing.list_inbox(app, limit=1000)
            assert len(cards) == count, f"{len(cards)} of {count} cards"
            return cards
        time.sleep(serving.LOOK_S)
    raise TimeoutError("The worker did not get through its runs.")


def _decide(
    url: str, secrets: Sequence[str], cards: Sequence[Approval]
) -> tuple[float, list[float]]:
    """How many a second, and how long each took in milliseconds."""
    left: queue.SimpleQueue[Approval] = queue.SimpleQueue()
    for card in cards:
        left.put(card)

    def work(secret: str) -> list[float]:
        spent = []
        headers = {"authorization": f"Bearer {secret}"}
        with httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=WAIT_S) as client:
            while True:
                try:
                    card = left.get_nowait()
                except queue.Empty:
                    return spent
                body = {"verb": "approve", "version": card.version}
                begun = time.perf_counter()
                told = client.post(f"/approvals/{card.approval_id}/decision", json=body)
                spent.append((time.perf_counter() - begun) * 1000)
                assert told.status_code == 200, told.text

    begun = time.perf_counter()
    with ThreadPoolExecutor(len(secrets)) as pool:
        spent = [each for some in pool.map(work, secrets) for each in some]
    return len(cards) / (time.perf_counter() - begun), spent


def _decide_here(app: App, cards: Sequence[Approval]) -> float:
    begun = time.perf_counter()
    for card in cards:
        intent = Intent(verb=Verb.APPROVE)
        deciding.decide(app, card.approval_id, intent, version=card.version, actor="bench")
    return len(cards) / (time.perf_counter() - begun)
