"""To which cards a client's answer goes: by the ids of interrupts, or to the only question there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model import native_answers
from interlock.core.model.approvals import STANDING, Approval, ApprovalStatus
from interlock.core.types import Json


@dataclass(frozen=True)
class Answered:
    """A card and what its graph would be resumed with."""

    card: Approval
    value: Json

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return self.card.status is ApprovalStatus.PENDING


def choose(thread_id: str, cards: Sequence[Approval], value: Json) -> list[Answered]:
    """
    Which cards are answered.

    Args:
        thread_id: Whose cards they are.
        cards: Its cards, the newest first.
        value: What was sent to resume it with.

    Returns:
        At least one. A card that does not wait any more is among them if it is meant: whoever decides
        it is told who was first.

    Raises:
        NotFound: An id is of no question of this thread.
        InvalidInput: Several questions wait, and it is not said which one is answered.
        Conflict: Nothing is asked.
    """
    asked = [card for card in cards if card.kind not in STANDING]
    by_id = native_answers.split(value)
    if by_id is not None:
        known = {card.interrupt_id: card for card in reversed(asked)}
        for unknown in by_id.keys() - known.keys():
            raise NotFound("interrupt", unknown, hint=f"Thread {thread_id} did not ask it.")
        return [Answered(known[key], each) for key, each in by_id.items()]
    waiting = [card for card in asked if card.status is ApprovalStatus.PENDING]
    if len(waiting) > 1:
        ids = ", ".join(str(card.interrupt_id) for card in waiting)
        raise InvalidInput(
            f"Thread {thread_id} asks {len(waiting)} questions: name each by the id of its interrupt.",
            hint=f"They are {ids}.",
        )
    if waiting:
        return [Answered(waiting[0], value)]
    if any(card.status is ApprovalStatus.PENDING for card in cards):
        raise Conflict(
            f"Thread {thread_id} asks no question, it only stands.",
            hint="Create a run without input and without an answer to let it go on.",
        )
    if asked:
        return [Answered(asked[0], value)]
    raise Conflict(f"Thread {thread_id} asks nothing.")
