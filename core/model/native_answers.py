"""
Reading what a program would resume a graph with, as a decision on its card.

LangGraph's clients send the value that `interrupt(...)` shall return. A card is decided in words, so
that the same checks hold and the decision says what was meant, whoever sent it.
Source: agent-inbox `HumanResponse`, and what it sends to LangChain's middleware.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from interlock.core.errors import InvalidInput
from interlock.core.model import payload_answers
from interlock.core.model.approvals import Intent, Kind, Verb
from interlock.core.model.questions import Action, Question
from interlock.core.types import Json

_ACTION_KINDS = frozenset({Kind.AGENT_INBOX, Kind.LANGCHAIN, Kind.LANGCHAIN_CALL})
_PLAIN = (Verb.APPROVE, Verb.REJECT)  # what sends the same whoever decides
_INTERRUPT_ID = re.compile(r"[0-9a-f]{32}")


def split(value: Json) -> Mapping[str, Json] | None:
    """
    The answers by the id of their interrupt; None for a bare answer.

    As LangGraph tells them apart: an object whose every key looks like the id of an interrupt.
    """
    if not isinstance(value, dict) or not value:
        return None
    return value if all(_INTERRUPT_ID.fullmatch(key) for key in value) else None


def read(question: Question, value: Json) -> Intent:
    """
    The decision that a raw answer stands for; whether the card takes it is not looked at.

    Args:
        question: What is asked, with what the policy makes its verbs send.
        value: What the graph would be resumed with.
    """
    if question.kind in _ACTION_KINDS:
        items = _find_items(value)
        if items is not None:
            return Intent(verb=None, each=tuple(_read_each(question, items)))
    for verb in _PLAIN:
        if _sends(question, verb, value):
            return Intent(verb=verb)
    return Intent(verb=Verb.ANSWER, value=value)


def _sends(question: Question, verb: Verb, value: Json) -> bool:
    try:
        sent = payload_answers.build_answer(question, Intent(verb=verb))
    except InvalidInput:
        return False
    return _are_equal(sent, value)


def _are_equal(one: Json, other: Json) -> bool:
    """Whether two answers are the same; unlike in Python, `true` is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_are_equal(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_are_equal, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _find_items(value: Json) -> list[Json] | None:
    """The decisions in an answer: LangChain's, one of its, or agent-inbox's list."""
    found = value.get("decisions", [value]) if isinstance(value, dict) else value
    return found if isinstance(found, list) else None


def _read_each(question: Question, items: list[Json]) -> Iterator[Json]:
    for at, item in enumerate(items):
        action = question.actions[at] if at < len(question.actions) else None
        yield _read_item(action, item) if isinstance(item, dict) else item


def _read_item(action: Action | None, item: dict[str, Json]) -> Json:
    """
    One decision in words that `action_answers` reads.

    agent-inbox puts whatever goes with a word under `args`: nothing, the request itself when it is
    accepted as it is, or a text.
    """
    if "args" not in item:
        return item
    rest, args = {key: each for key, each in item.items() if key != "args"}, item["args"]
    word = item.get("type", item.get("decision"))
    if args is None:
        return rest
    if word in ("accept", "approve") and action is not None and _is_request(action, args):
        return rest
    if word in ("response", "respond", "reject", "ignore") and isinstance(args, str):
        return {**rest, "message": args}
    return item


def _is_request(action: Action, args: Json) -> bool:
    shown = dict(action.args)
    return any(
        _are_equal(args, each)
        for each in (
            shown,
            {"action": action.name, "args": shown},
            {"name": action.name, "args": shown},
        )
    )
