"""The stream of new work: programs launch, people decide after a while, and some cards are left."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from interlock.core.demo import scenes
from interlock.core.demo.crew import Crew
from interlock.core.demo.people import vary
from interlock.core.model.approvals import Approval, Kind
from interlock.core.model.demonstration import Demonstration, Service
from interlock.core.services import observing
from interlock.core.services.context import App
from interlock.core.types import ApprovalId, RunId

KEPT = 3  # of its cards that always wait for whoever sits at the screen
MOST = 8  # beyond so many the crew hurries
PATIENCE_S = 40.0  # until somebody of the crew takes a card, at the median
MOST_FAILED = 4  # cards of one workflow whose service is made to fail; beyond, none is launched
MAX_WAITING = 60  # beyond so many queued runs nothing new comes
MAX_RUNS = 100  # of a thread that are looked through for the one that began it
MINUTE_S = 60.0
MAX_CATCH_UP = 5  # launches in one step, however long the last was ago

SERVICES: Mapping[str, Service] = {
    "refund_desk": Service.PAYMENTS,
    "outreach": Service.MAIL,
    "market_data": Service.MARKET,
    "release_train": Service.DEPLOYMENT,
    "help_desk": Service.KNOWLEDGE,
}
SOURCES = frozenset(scene.source for scene in scenes.SCENES)


class Stream:
    """
    Launches and decides, a little each time it is stepped.

    Cards that were there before, one of them overdue, are left to whoever sits at the screen.
    """

    def __init__(self, app: App, crew: Crew, rng: random.Random) -> None:
        self._app = app
        self._crew = crew
        self._rng = rng
        self._begun_at = app.clock.now()
        self._due = 0.0  # launches that are owed
        self._last: datetime | None = None
        self._takes: dict[ApprovalId, datetime] = {}  # when somebody takes a card
        self._ours: dict[RunId, bool] = {}
        self._failed: Counter[str] = Counter()  # cards of failed runs that wait, by workflow

    def step(self, demonstration: Demonstration, now: datetime) -> None:
        """Do what is due by now."""
        self._launch(demonstration.per_minute, demonstration.faults, now)
        self._decide(demonstration.faults, now)

    def _launch(self, per_minute: int, faults: frozenset[Service], now: datetime) -> None:
        passed_s = (now - self._last).total_seconds() if self._last is not None else 0.0
        self._last = now
        self._due = min(self._due + per_minute * passed_s / MINUTE_S, MAX_CATCH_UP)
        if self._due < 1 or observing.overview(self._app).queued > MAX_WAITING:
            return
        weights = [scene.weight for scene in scenes.SCENES]
        while self._due >= 1:
            self._due -= 1
            scene = self._rng.choices(scenes.SCENES, weights)[0]
            if not self._is_enough(scene.workflow, faults):
                scenes.launch(self._app, scene, self._rng)

    def _is_enough(self, workflow: str, faults: frozenset[Service]) -> bool:
        """Whether a service that is made to fail has left as many cards as a room needs to see."""
        return SERVICES.get(workflow) in faults and self._failed.get(workflow, 0) >= MOST_FAILED

    def _decide(self, faults: frozenset[Service], now: datetime) -> None:
        pending = self._crew.list_cards()
        self._ours = {card.run_id: self._is_ours(card) for card in pending}
        cards = [card for card in pending if self._ours[card.run_id]]
        self._failed = Counter(card.workflow for card in cards if card.kind is Kind.FAILURE)
        self._takes = {c.approval_id: self._take_at(c) for c in cards}
        taken = [card for card in cards if self._may_take(card, faults, now)]
        for card in taken[: max(0, len(cards) - KEPT)]:
            is_failure = card.kind is Kind.FAILURE
            self._crew.decide(card, is_yes=True if is_failure else None)

    def _take_at(self, card: Approval) -> datetime:
        known = self._takes.get(card.approval_id)
        return known or card.asked_at + timedelta(seconds=vary(self._rng, PATIENCE_S))

    def _may_take(self, card: Approval, faults: frozenset[Service], now: datetime) -> bool:
        if card.kind is Kind.FAILURE and SERVICES.get(card.workflow) in faults:
            return False  # trying again would fail again
        return self._takes[card.approval_id] <= now or len(self._takes) > MOST

    def _is_ours(self, card: Approval) -> bool:
        """Whether a program launched what the card is of, and since this began."""
        known = self._ours.get(card.run_id)
        if known is None:
            runs = observing.list_runs(self._app, thread_id=card.thread_id, limit=MAX_RUNS)
            is_new = card.asked_at >= self._begun_at
            known = is_new and bool(runs) and runs[-1].created_by in SOURCES
        return known
