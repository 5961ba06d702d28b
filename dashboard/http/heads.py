"""
Where the heads come from: one number a topic that rises with every change to it.

Asked by one thread of the process, however many screens are open (DESIGN.md section 1).
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from typing import Protocol

from interlock.core.services import attending, observing, watching
from interlock.core.services.context import App
from interlock.core.types import ApprovalId
from interlock.dashboard import deps
from interlock.dashboard.views.flow import flow_of

POLL_S = 0.06  # between two looks whether anything has changed, which are nearly free
RUN_PREFIX = "run:"
CARD_PREFIX = "card:"  # who has it open
PEOPLE = "people"  # accounts, sessions, tokens
WORKERS = "workers"  # a `Flow`: nothing is written when a worker falls silent or a queue stands
# Time alone changes the flow, and a screen drawn between two looks starts from the older one.
_REREAD_EVERY_S = 1.0
_MOST_CARDS = 1000  # that several people had open

_TOPIC = re.compile(
    r"inbox|runs|threads|workflows|workers|figures|breakers|alerts|holds|caches|what_ifs|demonstration"
    r"|people|notices|(?:run|card):[A-Za-z0-9._:-]{1,200}"
)


def is_topic(name: object) -> bool:
    """Whether a screen may ask for this topic."""
    return isinstance(name, str) and _TOPIC.fullmatch(name) is not None


def run_ids(topics: Collection[str]) -> frozenset[str]:
    """The runs among the topics."""
    return frozenset(
        name.removeprefix(RUN_PREFIX) for name in topics if name.startswith(RUN_PREFIX)
    )


def card_ids(topics: Collection[str]) -> frozenset[ApprovalId]:
    """The cards among the topics."""
    names = (name for name in topics if name.startswith(CARD_PREFIX))
    return frozenset(ApprovalId(name.removeprefix(CARD_PREFIX)) for name in names)


class HeadSource(Protocol):
    """What the broadcaster asks, always from the same thread."""

    def may_have_changed(self) -> bool:
        """Whether reading is worth it; cheap, asked many times a second."""

    def read(self, runs: Collection[str]) -> dict[str, int]:
        """The heads of all shared topics and of these runs."""

    def close(self) -> None:
        """Let go of what is held."""


class ServiceHeads:
    """The heads as the services report them, read only after the database moved."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._watch = watching.Watch(app)
        self._flow = 0
        self._people = 0
        self._cards: dict[str, int] = {}
        self._asked_at = float("-inf")
        self._read_at = float("-inf")

    def may_have_changed(self) -> bool:
        """Whether another connection committed since the last reading."""
        is_due = time.monotonic() - self._read_at >= _REREAD_EVERY_S
        # Asked first in any case: what is committed during the reading counts again.
        if not self._watch.has_moved() and not is_due:
            return False
        self._read_at = time.monotonic()
        return True

    def read(self, runs: Collection[str]) -> dict[str, int]:
        """
        The heads of all shared topics and of these runs.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        heads = dict(observing.heads(self._app))
        found = observing.run_heads(self._app, runs)
        heads |= {RUN_PREFIX + run_id: head for run_id, head in found.items()}
        is_due = time.monotonic() - self._asked_at >= _REREAD_EVERY_S
        heads[WORKERS] = self._read_flow()
        if is_due:
            self._read_cards()
        heads |= self._cards
        if heads.get(PEOPLE, 0) != self._people:  # before screens are told of it
            self._people = heads.get(PEOPLE, 0)
            deps.forget_all()
        return heads

    def close(self) -> None:
        """Give the watch's connection back."""
        self._watch.close()

    def _read_flow(self) -> int:
        if time.monotonic() - self._asked_at >= _REREAD_EVERY_S:
            self._flow = int(flow_of(observing.overview(self._app)))
            self._asked_at = time.monotonic()
        return self._flow

    def _read_cards(self) -> None:
        """Of a card that several had open it is said when they are fewer, too."""
        found = attending.heads(self._app)
        known = dict.fromkeys(self._cards, 0) | {CARD_PREFIX + c: n for c, n in found.items()}
        self._cards = dict(list(known.items())[-_MOST_CARDS:])
