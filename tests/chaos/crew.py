"""The clients: processes that launch and decide, and the hand that deals every card to two of them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stage import HERE, Database, Network

LINK = "clients"  # the cable that all of them share


class Client:
    """One process; what it has not answered yet is told again to the one that replaces it."""

    def __init__(self, name: str, database: str, folder: Path) -> None:
        self.name = name
        self._arguments = [sys.executable, str(HERE / "client.py"), name, database, str(folder)]
        self._log = folder / f"{name}.log"
        self._told = folder / f"{name}.told"
        self._seen_bytes = 0
        self._open: deque[dict[str, Any]] = deque()
        self._process = self._spawn()

    @property
    def open_count(self) -> int:
        """How much it has yet to do."""
        with self._told.open("rb") as told:
            told.seek(self._seen_bytes)
            for line in told:
                if not line.endswith(b"\n"):
                    break
                self._seen_bytes += len(line)
                self._open.popleft()
        return len(self._open)

    def order(self, what: dict[str, Any]) -> None:
        """Have it do something."""
        self._open.append(what)
        self._write(what)

    def replace(self) -> None:
        """Kill it; another does what it had to do, and looks first where nobody knows."""
        self._process.kill()
        self._process.wait()
        count = self.open_count
        self._open = deque(order | {"may_be_there": True} for order in self._open)
        self._process = self._spawn()
        for order in list(self._open)[:count]:
            self._write(order)

    def end(self) -> None:
        """Let it end."""
        self._process.kill()
        self._process.wait()

    def check(self) -> None:
        """
        See that it lives.

        Raises:
            RuntimeError: It has died of something it was told.
        """
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.name} died: {self._log.read_text()[-2000:]}")

    def _write(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps(order) + "\n").encode())
        self._process.stdin.flush()

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._told.touch()
        with self._log.open("ab") as log:
            return subprocess.Popen(self._arguments, stdin=subprocess.PIPE, stdout=log, stderr=log)


class Crew:
    """All clients. A card that turns up goes to two of them at once, now and then one after a while."""

    def __init__(
        self,
        database: Database,
        network: Network,
        folder: Path,
        *,
        count: int,
        drawn: random.Random,
    ) -> None:
        self._database = database
        self._drawn = drawn
        url = database.through(network.ports[LINK])
        self.clients = [Client(f"client-{n}", url, folder) for n in range(count)]
        self._dealt: set[tuple[str, int]] = set()
        self.keeps_ratio = 0.0  # of the cards are left for later

    def launch(self, thread_id: str, workflow: str, pace_s: float) -> None:
        """Let somebody launch a thread."""
        order = {"do": "launch", "thread_id": thread_id, "workflow": workflow, "pace_s": pace_s}
        self._drawn.choice(self.clients).order(order | {"may_be_there": False})

    def deal(self) -> int:
        """Hand out the cards that nobody was given yet; how many."""
        dealt_before = len(self._dealt)
        found = self._database.ask(
            "SELECT approval_id, version, thread_id FROM approvals WHERE status = 'pending'"
            " ORDER BY asked_at, approval_id"
        )
        for row in found:
            card = (row["approval_id"], row["version"])
            if card in self._dealt or _lot(card[0]) < self.keeps_ratio:
                continue
            self._dealt.add(card)
            for client in self._drawn.sample(self.clients, 2):
                client.order({"do": "decide", "may_be_there": False, **row})
        return len(self._dealt) - dealt_before

    def is_idle(self) -> bool:
        """Whether all did what they were told."""
        for client in self.clients:
            client.check()
        return not any(client.open_count for client in self.clients)

    def end(self) -> None:
        """Let all end."""
        for client in self.clients:
            client.end()


def _lot(card_id: str) -> float:
    """A number from 0 to 1 that stays a card's own."""
    return random.Random(card_id).random()


def draw_launches(
    names: Sequence[str], count: int, drawn: random.Random
) -> list[tuple[str, float]]:
    """Workflows and how long their nodes take, in seconds: mostly little, some far longer."""
    return [
        (drawn.choice(names), drawn.choice([0.02, 0.05, 0.1, 0.3, 1.0, 2.0])) for _ in range(count)
    ]
