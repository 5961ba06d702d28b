"""
Building the exact value a graph is resumed with, checked before anything is sent.

The checks are strict because a bad answer can stick: LangChain's batched middleware fails on it for
ever, and of two answers sent together the good one has run when the bad one is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model import json_values, schema_checks
from interlock.core.model.action_answers import build_action_answer
from interlock.core.model.approvals import STANDING, Intent, Kind, Verb
from interlock.core.model.questions import Question
from interlock.core.model.schema_decisions import choose_word, find_saying
from interlock.core.model.texts import join_words, show
from interlock.core.types import Json

REASON = "$reason"  # in a policy's answer: the comment
_ACTION_KINDS = frozenset({Kind.AGENT_INBOX, Kind.LANGCHAIN, Kind.LANGCHAIN_CALL})


def build_answer(question: Question, intent: Intent) -> Json:
    """
    Turn what an operator wants into what the graph expects.

    Args:
        question: What is asked.
        intent: The verb with its value, or `each` for several actions.

    Returns:
        The resume value as JSON, which fits the question's schema. For a breakpoint or a failure
        {"verb": "approve" | "edit" | "fallback" | "skip" | "stop", "values": {...} or None}.

    Raises:
        InvalidInput: The verb is not allowed or the value does not fit; `problems` has the places.
    """
    _refuse(json_values.find_problems(intent.value), "The answer is not JSON:")
    answer = _build(question, intent)
    _refuse(json_values.find_cuts(answer), "The answer is not whole:")
    _refuse(json_values.find_unstorable(answer), "The answer cannot be kept:")
    return answer


def _build(question: Question, intent: Intent) -> Json:
    if intent.each is not None:
        return _checked(question, build_action_answer(_with_actions(question), intent))
    verb = _allowed_verb(question, intent)
    intent = replace(intent, verb=verb)
    if verb is Verb.ANSWER:
        return _checked(question, _pick_option(question, intent.value))
    if verb in question.answers:
        _no_value(intent)
        return _checked(question, _fill_reason(question, intent))
    if question.kind in _ACTION_KINDS:
        return _checked(question, build_action_answer(question, intent))
    return _BUILDERS[question.kind](question, intent)


def _allowed_verb(question: Question, intent: Intent) -> Verb:
    """The intent's verb if the card takes it; on a breakpoint or a failure, reject is another word for stop."""
    verb = intent.verb
    if verb is None:
        raise InvalidInput("No decision was given.", hint=_takes(question))
    if question.kind in STANDING and verb is Verb.REJECT:
        verb = Verb.STOP
    if verb not in question.allowed:
        raise InvalidInput(
            "This card cannot be decided like that:",
            problems=[FieldProblem("", f"it does not take {intent.verb}.")],
            hint=_takes(question),
        )
    return verb


def _with_actions(question: Question) -> Question:
    if question.kind not in _ACTION_KINDS:
        raise InvalidInput("This card asks one thing, not several.", hint=_takes(question))
    return question


def _takes(question: Question) -> str:
    return f"It takes {join_words([verb.value for verb in question.allowed])}."


def _checked(question: Question, answer: Json) -> Json:
    _refuse(schema_checks.check(answer, question.schema), "The answer does not fit:")
    return answer


def _refuse(problems: list[FieldProblem], message: str) -> None:
    if problems:
        raise InvalidInput(message, problems=problems)


def _pick_option(question: Question, value: Json) -> Json:
    """The value, if the card binds the answer to its options the very option it equals."""
    if question.kind is not Kind.CHOICE:
        return value
    for option in question.options:
        if json_values.is_scalar(value) and json_values.are_same(value, option):
            return option
    shown = join_words([show(option) for option in question.options[:20]])
    raise InvalidInput("The answer does not fit:", problems=[FieldProblem("", f"must be {shown}")])


def _build_value(_question: Question, intent: Intent) -> Json:
    _no_value(intent)
    return intent.verb is Verb.APPROVE


def _build_confirm(_question: Question, intent: Intent) -> Json:
    _no_value(intent)
    if intent.verb is Verb.APPROVE:
        return {"approved": True}
    return {"approved": False, "reason": intent.reason}


def _build_choice(question: Question, intent: Intent) -> Json:
    _no_value(intent)
    return choose_word(question.options, intent.verb or Verb.APPROVE)


def _build_typed(question: Question, intent: Intent) -> Json:
    """The whole value for an edit; else the schema's yes or no among the other fields given."""
    verb = intent.verb or Verb.EDIT
    saying = None if verb is Verb.EDIT else find_saying(question.schema, verb)
    if saying is None:
        return _checked(question, intent.value)
    if saying.field is None:
        _no_value(intent)
        return _checked(question, saying.value)
    fields = {} if intent.value is None else intent.value
    if not isinstance(fields, dict):
        _refuse([FieldProblem("", "must be an object")], "The answer does not fit:")
    if not json_values.are_same(fields.get(saying.field, saying.value), saying.value):
        problem = FieldProblem(saying.field, f"is not what {verb} means; leave it out")
        raise InvalidInput("The answer does not fit:", problems=[problem])
    reason = {saying.reason_field: intent.reason} if intent.reason and saying.reason_field else {}
    return _checked(question, {**reason, **fields, saying.field: saying.value})


def _build_standing(question: Question, intent: Intent) -> Json:
    verb = intent.verb or Verb.APPROVE
    if verb is not Verb.EDIT:
        _no_value(intent)
        return {"verb": verb.value, "values": None}
    if not isinstance(intent.value, dict) or not intent.value:
        problem = FieldProblem("", "must be an object with the fields to change")
        raise InvalidInput("The edit does not fit:", problems=[problem])
    if question.schema is not None:
        problems = schema_checks.check_fields(intent.value, question.schema)
        _refuse(problems, "The edit does not fit the state:")
    return {"verb": verb.value, "values": intent.value}


def fill(answer: Json, reason: str) -> Json:
    """The answer that a policy sends for a verb, with the comment wherever it says "$reason"."""
    if isinstance(answer, dict):
        return {key: fill(value, reason) for key, value in answer.items()}
    if isinstance(answer, list):
        return [fill(value, reason) for value in answer]
    return reason if answer == REASON else answer


def _fill_reason(question: Question, intent: Intent) -> Json:
    assert intent.verb is not None
    if intent.verb is Verb.REVISE and not intent.reason.strip():
        problem = FieldProblem("", "say what is to be revised: it takes a reason")
        raise InvalidInput("A revision takes a comment:", problems=[problem])
    return fill(question.answers[intent.verb], intent.reason)


def _no_value(intent: Intent) -> None:
    if intent.value is not None:
        raise InvalidInput(
            f"{intent.verb} sends nothing else.",
            hint="Leave the value out, or use answer to send it.",
        )


_BUILDERS: dict[Kind, Callable[[Question, Intent], Json]] = {
    Kind.SCHEMA: _build_typed,
    Kind.CHOICE: _build_choice,
    Kind.CONFIRM: _build_confirm,
    Kind.VALUE: _build_value,
    Kind.BREAKPOINT: _build_standing,
    Kind.FAILURE: _build_standing,
}
