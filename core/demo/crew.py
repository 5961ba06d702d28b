"""The operators of the demonstration at work: they decide cards of what programs launched."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping

from interlock.core.demo import people
from interlock.core.demo.people import Person
from interlock.core.errors import InterlockError
from interlock.core.model import payloads, plain_answers
from interlock.core.model.approvals import Approval, Kind
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.services import deciding, sifting
from interlock.core.services.context import App
from interlock.core.types import ThreadId

logger = logging.getLogger(__name__)

MAX_CARDS = 200  # looked at in one round; far more than the demonstration lets stand

Fates = Mapping[ThreadId, bool | None]  # how cards of a thread are decided; None leaves them


class Crew:
    """
    Decides cards, each by somebody drawn by lot.

    A card that a person at the screen brought up is theirs: the crew leaves it alone.
    """

    def __init__(self, app: App, rng: random.Random) -> None:
        self._app = app
        self._rng = rng

    def list_cards(self) -> list[Approval]:
        """The pending cards, the longest waiting first."""
        return sifting.list_cards(self._app, InboxFilter(), limit=MAX_CARDS)

    def decide(self, card: Approval, *, is_yes: bool | None = None) -> bool:
        """
        Decide a card; what is given wins over what the person drawn would say.

        Returns:
            Whether it was decided: somebody may have been first, or it takes no plain answer.
        """
        person = people.choose(self._rng)
        yes = self._rng.random() < person.approves if is_yes is None else is_yes
        reason = self._rng.choice(people.REASONS if yes else people.REFUSALS)
        question = payloads.question_of(card)
        intent = plain_answers.answer(question, is_yes=yes, reason=reason)
        if intent is None:
            return False
        try:
            deciding.decide(
                self._app, card.approval_id, intent, version=card.version, actor=person.name
            )
        except InterlockError as exc:  # a person at the screen was first, or the thread moved
            logger.info("demo_not_decided", extra={"reason": str(exc)})
            return False
        return True

    def settle(self, fates: Fates) -> int:
        """Decide the pending cards of these threads as they are fated; how many were."""
        count = 0
        for card in self.list_cards():
            fate = fates.get(card.thread_id)
            if fate is None:
                continue
            count += self.decide(card, is_yes=fate or card.kind is Kind.FAILURE)
        return count

    def draw(self) -> Person:
        """Somebody of the crew."""
        return people.choose(self._rng)
