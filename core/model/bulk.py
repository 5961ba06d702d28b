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

from interlock.core.model import media
from interlock.core.model.approvals import Approval, Kind, Verb
from interlock.core.model.questions import Question
from interlock.core.model.schema_decisions import find_saying
from interlock.core.model.schemas import fields_of
from interlock.core.types import ApprovalId, RunId

MAX_AT_ONCE = 200  # cards of one command: each is a transaction of its own
MAX_CHARS = 20_000  # of what a card asks, as JSON; more is not read beside others
HIGH_RISK = "high"
# The words that send nothing which has to be typed.
VERBS = (Verb.APPROVE, Verb.REJECT, Verb.FALLBACK, Verb.SKIP, Verb.STOP)


class Outcome(StrEnum):
    """What came of one card of many. `before`: the same person had decided it so already."""

    DONE = "done"
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
        return self.outcome in (Outcome.DONE, Outcome.BEFORE)


def find_obstacle(card: Approval, question: Question) -> str:
    """Why a card is decided by itself alone, as a sentence; empty where it may be one of many."""
    if card.risk == HIGH_RISK:
        return "It is of high risk: decide it by itself."
    if len(question.actions) > 1:
        return f"It asks for {len(question.actions)} decisions: decide it by itself."
    if _has_form(question):
        return "Its answer has fields to fill in: decide it by itself."
    if not _verbs_of(question):
        return "It wants an answer in words: decide it by itself."
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
    return tuple(verb for verb in VERBS if verb in question.allowed)


def _has_form(question: Question) -> bool:
    if question.kind is Kind.VALUE:
        return bool(question.options) and not question.answers
    if question.kind is not Kind.SCHEMA:
        return False
    said = [find_saying(question.schema, verb) for verb in (Verb.APPROVE, Verb.REJECT)]
    known = {name for s in said if s is not None for name in (s.field, s.reason_field)}
    return any(field.name and field.name not in known for field in fields_of(question.schema))
