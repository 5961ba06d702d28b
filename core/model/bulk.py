"""
Many cards decided by one word: which cards take it, and what came of each.

Only what can be read beside others and sends nothing that has to be typed is decided so; a card of
high risk never is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from interlock.core.errors import InvalidInput
from interlock.core.model import media, payload_answers
from interlock.core.model.approvals import Approval, Intent, Kind, Verb
from interlock.core.model.questions import Question
from interlock.core.types import ApprovalId, RunId

MAX_AT_ONCE = 200  # cards of one command: each is a transaction of its own
MAX_CHARS = 20_000  # of what a card asks, as JSON; more is not read beside others
HIGH_RISK = "high"
_ANY_REASON = "-"  # whether the one that is given will do is seen when it is sent
# The words that send nothing which has to be typed.
VERBS = (Verb.APPROVE, Verb.REJECT, Verb.REVISE, Verb.FALLBACK, Verb.SKIP, Verb.STOP)


class Outcome(StrEnum):
    """
    What came of one card of many. `before`: the same person had decided it so already; `counted`: it was
    a vote, and the card waits for others.
    """

    DONE = "done"
    COUNTED = "counted"
    BEFORE = "done before"
    REFUSED = "refused"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Pick:
    """A card that was chosen, as the version that was seen; None means whichever is asked now."""

    approval_id: ApprovalId
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """
    What came of one card: the run that carries the answer, or why nothing was done.

    `title` is an agent's; `winner` says who was first, where somebody was.
    """

    pick: Pick
    outcome: Outcome
    title: str = ""
    workflow: str = ""
    status: str = ""
    run_id: RunId | None = None
    refusal: str = ""
    winner: Mapping[str, Any] | None = None

    @property
    def is_done(self) -> bool:
        """Whether the card is decided as it was wanted."""
        return self.outcome in (Outcome.DONE, Outcome.COUNTED, Outcome.BEFORE)


def find_obstacle(card: Approval, question: Question) -> str:
    """Why a card is decided by itself alone, as a sentence; empty where it may be one of many."""
    if card.risk == HIGH_RISK:
        return "It is of high risk: decide it by itself."
    if len(question.actions) > 1:
        return f"It asks for {len(question.actions)} decisions: decide it by itself."
    if not _verbs_of(question):
        return "Its answer has to be filled in or chosen: decide it by itself."
    if media.find_parts(card.payload, max_bytes=0):
        return "It shows pictures, sound or files: decide it by itself."
    if len(json.dumps(card.payload, ensure_ascii=False)) > MAX_CHARS:
        return "It is too long to be read beside others: decide it by itself."
    return ""


def find_verbs(questions: Iterable[Question]) -> tuple[Verb, ...]:
    """The words that all of these cards take, in the order of the screens."""
    taken = [set(_verbs_of(question)) for question in questions]
    return tuple(verb for verb in VERBS if taken and all(verb in each for each in taken))


def _verbs_of(question: Question) -> tuple[Verb, ...]:
    """The words that make a whole answer by themselves; optional fields stay as the workflow has them."""
    if question.kind is Kind.VALUE and question.options and not question.answers:
        return ()  # a yes would be sent where one of several is to be chosen
    return tuple(verb for verb in VERBS if verb in question.allowed and _is_enough(question, verb))


def _is_enough(question: Question, verb: Verb) -> bool:
    try:
        payload_answers.build_answer(question, Intent(verb=verb, reason=_ANY_REASON))
    except InvalidInput:
        return False
    return True
