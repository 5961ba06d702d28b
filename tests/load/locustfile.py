"""
What programs do at a busy hour, for Locust: launch, and decide what is asked.

`make load` starts a server of its own and this against it. Against another one:
`locust -f tests/load/locustfile.py --headless -u 50 --host http://127.0.0.1:8501 Launcher`, with
INTERLOCK_LOAD_TOKEN where one has to sign in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import gevent.event
from locust import FastHttpUser, events, task
from locust.exception import StopUser

WORKFLOW = os.environ.get("INTERLOCK_LOAD_WORKFLOW", "hold")
COUNT = int(os.environ.get("INTERLOCK_LOAD_COUNT", "1000"))
TOKEN = os.environ.get("INTERLOCK_LOAD_TOKEN")
INPUT = {"parts": ["start"], "count": 0}
PAGE = 200


class _Turns:
    """So many acts in all, whichever user is next; the test ends with the last of them."""

    def __init__(self, count: int) -> None:
        self._left = iter(range(count))
        self._open = count
        self.done = gevent.event.Event()

    def take(self) -> None:
        if next(self._left, None) is None:
            raise StopUser

    def end(self) -> None:
        self._open -= 1
        if not self._open:
            self.done.set()


turns = _Turns(COUNT)


class _Program(FastHttpUser):
    abstract = True
    default_headers = {"authorization": f"Bearer {TOKEN}"} if TOKEN else {}


class Launcher(_Program):
    """Launches one run after the other, and waits for none of them."""

    @task
    def launch(self) -> None:
        """Launch; anything but 202 is a failure."""
        turns.take()
        path = f"/api/v1/workflows/{WORKFLOW}/runs"
        with self.client.post(
            path, json={"input": INPUT}, name="launch", catch_response=True
        ) as told:
            if told.status_code != 202:
                told.failure(f"{told.status_code}: {told.text}")
        turns.end()


class Decider(_Program):
    """Approves one card after the other, each of which nobody else takes."""

    cards: Iterator[dict[str, Any]] = iter(())

    @task
    def decide(self) -> None:
        """Decide; anything but 200 is a failure."""
        turns.take()
        card = next(Decider.cards)
        path = f"/api/v1/approvals/{card['approval_id']}/decision"
        body = {"verb": "approve", "version": card["version"]}
        with self.client.post(path, json=body, name="decide", catch_response=True) as told:
            if told.status_code != 200:
                told.failure(f"{told.status_code}: {told.text}")
        turns.end()


@events.test_start.add_listener
def end_with_the_last(environment: Any, **_: Any) -> None:
    """End the test from outside of its users: one of them would end itself amid the ending."""

    def end() -> None:
        turns.done.wait()
        environment.runner.quit()

    gevent.spawn(end)


@events.test_start.add_listener
def find_cards(environment: Any, **_: Any) -> None:
    """Read what there is to decide, page by page, before the first of them decides."""
    if Decider not in environment.user_classes:
        return
    import requests

    headers = {"authorization": f"Bearer {TOKEN}"} if TOKEN else {}
    found: list[dict[str, Any]] = []
    cursor = ""
    while len(found) < COUNT:
        url = f"{environment.host}/api/v1/approvals?limit={PAGE}{cursor and f'&cursor={cursor}'}"
        told = requests.get(url, headers=headers, timeout=60)
        told.raise_for_status()
        found += told.json()["items"]
        if (after := told.json()["next"]) is None:
            break
        cursor = requests.utils.quote(after)
    if len(found) < COUNT:
        raise SystemExit(f"There are {len(found)} cards, not {COUNT}.")
    Decider.cards = iter(found[:COUNT])
