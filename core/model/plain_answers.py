"""A plain yes, or a plain no, to a card of any shape: for whoever decides without looking."""

from __future__ import annotations

from interlock.core.errors import InvalidInput
from interlock.core.model import payloads
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.questions import Question
from interlock.core.types import Json

YES = (Verb.APPROVE, Verb.RESPOND, Verb.SKIP)
NO = (Verb.REJECT, Verb.RESPOND, Verb.STOP)


def answer(question: Question, *, is_yes: bool, reason: str) -> Intent | None:
    """
    The first of the usual answers that the card takes; None where it takes none of them.

    Args:
        question: What is asked.
        is_yes: Whether it is let through.
        reason: Why; also what is said where the card takes words.
    """
    for verb in YES if is_yes else NO:
        if verb in question.allowed:
            said: Json = reason or "Go on." if verb is Verb.RESPOND else None
            intent = Intent(verb=verb, value=said, reason=reason)
            if _fits(question, intent):
                return intent
    options = question.options or (is_yes,)
    intent = Intent(verb=Verb.ANSWER, value=options[0 if is_yes else -1], reason=reason)
    return intent if Verb.ANSWER in question.allowed and _fits(question, intent) else None


def _fits(question: Question, intent: Intent) -> bool:
    try:
        payloads.build_answer(question, intent)
    except InvalidInput:
        return False
    return True
