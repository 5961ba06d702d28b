"""What an edit replaced, side by side for the record: what was there, and what is sent instead."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.core.model.questions import Question
from interlock.core.types import Json


def find_change(question: Question, answer: Json, state: Json) -> tuple[Json, Json]:
    """
    What an answer changes of what was asked.

    Args:
        question: What was asked.
        answer: What is sent, as `payloads.build_answer` made it.
        state: The values of the thread, where the answer may replace some of them.

    Returns:
        For actions the arguments of each, in order, before and after; for an edit of the state the
        fields that it replaces. Twice None where nothing was edited.
    """
    if question.actions:
        given = [dict(action.args) for action in question.actions]
        edited = [_edited_args(each) for each in _answers(answer)]
        if not any(each is not None for each in edited) or len(edited) != len(given):
            return None, None
        return given, [
            new if new is not None else old for old, new in zip(given, edited, strict=True)
        ]
    values = answer.get("values") if isinstance(answer, Mapping) else None
    if not isinstance(values, Mapping):
        return None, None
    known = state if isinstance(state, Mapping) else {}
    return {name: known[name] for name in values if name in known}, dict(values)


def _answers(answer: Json) -> list[Json]:
    """The answer to each action, whichever shape they came in."""
    if isinstance(answer, Mapping):
        listed = answer.get("decisions", [answer])
        return listed if isinstance(listed, list) else []
    return answer if isinstance(answer, list) else []


def _edited_args(answer: Json) -> Json:
    """The arguments that replace an action's own; None where it goes as it is."""
    if not isinstance(answer, Mapping) or answer.get("type") != "edit":
        return None
    edited = answer.get("edited_action", answer.get("args"))
    args = edited.get("args") if isinstance(edited, Mapping) else None
    return dict(args) if isinstance(args, Mapping) else None
