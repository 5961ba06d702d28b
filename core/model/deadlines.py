"""
What happens to a card at its deadline: what its policy says, once, or nothing, and then it is overdue.

What is to happen is kept with the card as it is asked (`on_timeout`); `due_at` is when, and None where
nothing happens by itself (any more). A card that cannot take the outcome says so in `deadline_note`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from interlock.core.errors import InvalidInput
from interlock.core.model.approvals import Approval, ApprovalSummary, Intent, Kind, Verb
from interlock.core.model.payloads import build_answer, question_of
from interlock.core.model.policies import ESCALATE, ApprovalPolicy
from interlock.core.types import Json

ACTOR = "deadline"
WARN_SHARE = 0.2  # of the time that a card has: the default of `warn_s`
MAX_EXTENSION = timedelta(days=30)

_PLAIN = frozenset({Verb.APPROVE.value, Verb.REJECT.value})
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def begin(card: Approval, rules: ApprovalPolicy, answers: Mapping[Verb, Json]) -> Approval:
    """
    The card with the deadline that it is asked with, from its `asked_at` on.

    Args:
        card: As it is asked, with all that may be answered.
        rules: Its policy.
        answers: What the policy sends for yes and no.
    """
    if rules.deadline_s is None:
        return card
    warn_s = rules.deadline_s * WARN_SHARE if rules.warn_s is None else rules.warn_s
    deadline_at = card.asked_at + timedelta(seconds=rules.deadline_s)
    card = replace(
        card,
        deadline_at=deadline_at,
        warn_at=deadline_at - timedelta(seconds=warn_s),
        on_timeout=rules.on_timeout,
    )
    if card.on_timeout is None:
        return card
    problem = find_problem(card, answers)
    return replace(card, due_at=None if problem else deadline_at, deadline_note=problem)


def find_problem(card: Approval, answers: Mapping[Verb, Json]) -> str:
    """Why a card cannot take what is to happen at its deadline; empty if it can."""
    if group_of(card.on_timeout) is not None:
        return ""
    try:
        answer_of(card, answers)
    except InvalidInput as exc:
        return say_refused(exc)
    return ""


def say_refused(exc: InvalidInput) -> str:
    """A sentence for the card whose deadline could do nothing."""
    return f"Nothing happens at its deadline: {exc}"


def answer_of(card: Approval, answers: Mapping[Verb, Json]) -> tuple[Intent, Json]:
    """
    What is decided at the deadline, and what is sent for it.

    Raises:
        InvalidInput: The card does not take it.
    """
    intent = _intent_of(card)
    if card.kind is Kind.FAILURE and intent.verb is not Verb.REJECT:
        raise InvalidInput(
            "A failed node is tried again by a person only, never by a deadline.",
            hint='`on_timeout = "reject"` ends the run.',
        )
    question = replace(question_of(card), answers=dict(answers))
    return intent, build_answer(question, intent)


def group_of(on_timeout: Json) -> str | None:
    """The group that a card is escalated to at its deadline; None if something else happens."""
    if isinstance(on_timeout, str) and on_timeout.startswith(ESCALATE):
        return on_timeout.removeprefix(ESCALATE)
    return None


def escalate(card: Approval, group: str, now: datetime) -> Approval:
    """The card, given to a group with as much time as it had; at that deadline nothing happens."""
    assert card.deadline_at is not None
    deadline_at = now + (card.deadline_at - card.asked_at)
    moved = _move(card, deadline_at)
    return replace(moved, escalated_to=group, due_at=None)


def extend(card: Approval, by: timedelta, now: datetime) -> Approval:
    """
    The card with more time: from its deadline on, from now on where that is over.

    Raises:
        InvalidInput: It has no deadline, or the time is not within bounds.
    """
    if card.deadline_at is None:
        raise InvalidInput("The card has no deadline.", hint="It waits until somebody decides it.")
    if not timedelta(0) < by <= MAX_EXTENSION:
        raise InvalidInput(f"A card is extended by at most {MAX_EXTENSION.days} days at a time.")
    return _move(card, max(card.deadline_at, now) + by)


def is_overdue(card: ApprovalSummary, now: datetime) -> bool:
    """Whether its deadline is over."""
    return card.deadline_at is not None and card.deadline_at <= now


def is_warned(card: ApprovalSummary, now: datetime) -> bool:
    """Whether its time is running out, or over."""
    return is_overdue(card, now) or (card.warn_at is not None and card.warn_at <= now)


def reason_of(card: ApprovalSummary) -> str:
    """Why the deadline decided, for whoever reads it later."""
    assert card.deadline_at is not None
    return f"Nobody decided within {say_span(card.deadline_at - card.asked_at)}"


def say_span(span: timedelta) -> str:
    """A span in words, to two units: `15 min`, `1 h 15 min`, `2 d`."""
    left_s = max(0, round(span.total_seconds()))
    words = []
    for unit, unit_s in _UNITS:
        count, left_s = divmod(left_s, unit_s)
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words[:2]) or "0 s"


def _intent_of(card: Approval) -> Intent:
    said, reason = card.on_timeout, reason_of(card)
    if isinstance(said, str) and said in _PLAIN:
        return Intent(verb=Verb(said), reason=reason)
    takes_edit = Verb.ANSWER not in card.allowed and Verb.EDIT in card.allowed
    return Intent(verb=Verb.EDIT if takes_edit else Verb.ANSWER, value=said, reason=reason)


def _move(card: Approval, deadline_at: datetime) -> Approval:
    """The card with another deadline; it warns as long before it as it did, and what is due goes along."""
    lead = None
    if card.warn_at is not None and card.deadline_at is not None:
        lead = card.deadline_at - card.warn_at
    return replace(
        card,
        deadline_at=deadline_at,
        warn_at=None if lead is None else deadline_at - lead,
        due_at=None if card.due_at is None else deadline_at,
    )
