"""Answering the actions of one interrupt: a decision for each, in order, in the words of its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model import json_values, schema_checks
from interlock.core.model.approvals import Intent, Kind, Verb
from interlock.core.model.questions import Action, Question
from interlock.core.model.texts import join_words, show
from interlock.core.types import Json

# Other words for a decision: those of the shape's own answers, so that a native answer can be pasted.
_WORDS = {
    **{verb.value: verb for verb in (Verb.APPROVE, Verb.REJECT, Verb.EDIT, Verb.RESPOND)},
    "accept": Verb.APPROVE,
    "ignore": Verb.REJECT,
    "response": Verb.RESPOND,
}
# Where the items of `each` carry what goes with the word, in the order in which it is looked for.
_VALUE_KEYS = {
    Verb.APPROVE: (),
    Verb.REJECT: ("reason", "message"),
    Verb.EDIT: ("args", "value", "edited_action"),
    Verb.RESPOND: ("message", "text", "value"),
}
_WORD_KEYS = ("decision", "type")


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One action and what to do with it; `place` leads its problems' paths."""

    action: Action
    verb: Verb
    value: Json
    reason: str
    place: str


def build_action_answer(question: Question, intent: Intent) -> Json:
    """
    Build the answer of an interrupt that holds actions.

    Args:
        question: Of a kind that has actions.
        intent: One verb for all of them (an edit then takes a list of arguments where there are
            several), or `each`: `{"decision": "edit", "args": {...}}` for each one, in order. A
            decision may also be a bare word, and the shape's own words are understood.

    Returns:
        agent-inbox: a list with one response a request. LangChain: `{"decisions": [...]}`, or the
        single decision in per-call mode.

    Raises:
        InvalidInput: Wrong count, a word an action does not take, arguments that do not fit. Paths
            start with the position in `each`, and name the argument.
    """
    steps = (
        _steps_of_each(question, intent) if intent.each is not None else _steps(question, intent)
    )
    problems = [problem for step in steps for problem in _problems_with(step)]
    if problems:
        raise InvalidInput("The decision does not fit:", problems=problems)
    if question.kind is Kind.AGENT_INBOX:
        return [_inbox_response(step) for step in steps]
    decisions = [_langchain_decision(step) for step in steps]
    return {"decisions": decisions} if question.kind is Kind.LANGCHAIN else decisions[0]


def _steps(question: Question, intent: Intent) -> list[_Step]:
    verb = intent.verb or Verb.APPROVE
    count = len(question.actions)
    values = [intent.value] * count
    if verb is Verb.EDIT and count > 1:
        values = _one_for_each(question, intent.value)
    return [
        _step(action, verb, value, intent.reason, f"{at}." if count > 1 else "")
        for at, (action, value) in enumerate(zip(question.actions, values, strict=True))
    ]


def _steps_of_each(question: Question, intent: Intent) -> list[_Step]:
    if intent.verb is not None:
        raise InvalidInput("Give one decision for all actions or one for each, not both.")
    items = _one_for_each(question, list(intent.each or ()))
    return [
        _read_item(action, item, intent.reason, at)
        for at, (action, item) in enumerate(zip(question.actions, items, strict=True))
    ]


def _one_for_each(question: Question, items: Json) -> list[Json]:
    count = len(question.actions)
    given = len(items) if isinstance(items, list) else 1
    if not isinstance(items, list) or given != count:
        names = ", ".join(show(action.name) for action in question.actions)
        raise InvalidInput(
            f"This card holds {count} action(s), and {given} decision(s) were given.",
            hint=f"Give one for each, in order: {names}.",
        )
    return items


def _read_item(action: Action, item: Json, reason: str, at: int) -> _Step:
    """One item of `each`: a word, or an object with the word and what goes with it."""
    given = {"decision": item} if isinstance(item, str) else item
    if not isinstance(given, dict) or json_values.find_problems(given):
        raise _item_error(at, 'must be an object like {"decision": "approve"}')
    word = next((given[key] for key in _WORD_KEYS if key in given), None)
    verb = _WORDS.get(word) if isinstance(word, str) else None
    if verb is None:
        words = join_words([each.value for each in action.allowed])
        raise _item_error(at, f"the decision must be {words}")
    unknown = sorted(given.keys() - {*_WORD_KEYS, *_VALUE_KEYS[verb]})
    if unknown:
        raise _item_error(at, f"{show(unknown[0])} does not belong to {verb}")
    value = next((given[key] for key in _VALUE_KEYS[verb] if key in given), None)
    return _step(action, verb, value, reason, f"{at}.")


def _item_error(at: int, message: str) -> InvalidInput:
    return InvalidInput("The decisions do not fit:", problems=[FieldProblem(str(at), message)])


def _step(action: Action, verb: Verb, value: Json, reason: str, place: str) -> _Step:
    if verb is Verb.REJECT and isinstance(value, str):
        value, reason = None, value or reason
    if verb is Verb.EDIT:
        value = _unwrap(action, value)
    return _Step(action=action, verb=verb, value=value, reason=reason, place=place)


def _unwrap(action: Action, value: Json) -> Json:
    """
    Take the arguments out of `{"name", "args"}`, which is how the shapes' own edits carry them.

    A wrapper that names another tool is left as it is, and then found wrong.
    """
    for name_key in ("name", "action"):
        if _is_wrapper(action, value, name_key) and value[name_key] == action.name:
            return value["args"]
    return value


def _is_wrapper(action: Action, value: Json, name_key: str) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {name_key, "args"}
        and isinstance(value["args"], dict)
        and not value.keys() & _known_arguments(action)
    )


def _known_arguments(action: Action) -> set[str]:
    declared = action.schema.get("properties") if isinstance(action.schema, Mapping) else None
    return {*action.args, *(declared if isinstance(declared, dict) else ())}


def _problems_with(step: _Step) -> list[FieldProblem]:
    action, verb, value = step.action, step.verb, step.value
    if verb not in action.allowed:
        takes = join_words([each.value for each in action.allowed])
        message = f"{show(action.name)} takes {takes}, not {verb}"
        return [_at(step, "", message)]
    if verb is Verb.EDIT:
        return _problems_with_edit(step)
    if verb is Verb.RESPOND:
        is_text = isinstance(value, str) and bool(value.strip())
        return [] if is_text else [_at(step, "", "must be a text that is not empty")]
    return [] if value is None else [_at(step, "", f"{verb} sends nothing else")]


def _problems_with_edit(step: _Step) -> list[FieldProblem]:
    action, value = step.action, step.value
    if not isinstance(value, dict):
        return [_at(step, "", "must be an object with all arguments of the action")]
    if any(_is_wrapper(action, value, key) for key in ("name", "action")):
        return [_at(step, "name", f"must stay {show(action.name)}: an edit cannot change the tool")]
    return [
        _at(step, problem.path, problem.message)
        for problem in schema_checks.check(value, action.schema)
    ]


def _at(step: _Step, path: str, message: str) -> FieldProblem:
    return FieldProblem(f"{step.place}{path}".rstrip("."), message)


def _inbox_response(step: _Step) -> Json:
    name = step.action.name
    if step.verb is Verb.APPROVE:
        # The README's form; its button sends null, as we do where the card has only a part.
        request = {"action": name, "args": dict(step.action.args)}
        return {"type": "accept", "args": None if json_values.find_cuts(request) else request}
    if step.verb is Verb.EDIT:
        return {"type": "edit", "args": {"action": name, "args": step.value}}
    if step.verb is Verb.RESPOND:
        return {"type": "response", "args": step.value}
    return {"type": "ignore", "args": None}


def _langchain_decision(step: _Step) -> Json:
    if step.verb is Verb.EDIT:
        edited = {"name": step.action.name, "args": step.value}
        return {"type": "edit", "edited_action": edited}
    if step.verb is Verb.RESPOND:
        return {"type": "respond", "message": step.value}
    if step.verb is Verb.REJECT and step.reason:
        return {"type": "reject", "message": step.reason}
    return {"type": step.verb.value}
