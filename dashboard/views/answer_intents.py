"""
What a button of a card means, given what is filled in.

Nothing that was typed is dropped in silence: approving after a change, or beside a text that would
not be sent, is refused with a word, because the operator believes that it counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model.approvals import Intent, Verb
from interlock.core.types import Json
from interlock.dashboard.views import forms
from interlock.dashboard.views.answer_forms import ActionForm, AnswerForm, Mode
from interlock.dashboard.views.forms import assemble, is_touched, parse_json

RAW = "answer"  # where problems with a raw answer are placed
RESPONSE = "response"
CHOICE = "choice"
PICKED = "fields"
DECISION = "decision"
_PLACES = frozenset({RAW, RESPONSE, CHOICE, PICKED})
LOOK_AGAIN = "Some fields need a look; nothing was sent."


@dataclass(frozen=True, kw_only=True)
class Drafts:
    """
    What the widgets of a card hold.

    Args:
        fields: By dotted path; those of the n-th of several actions begin with its number.
        mode: How the answer is written.
        raw: The text of a text or JSON answer.
        yes: The answer to a yes-or-no, None while neither is chosen.
        choice: The number of the chosen option; `choices` where several may be.
        verbs: By number of the action, the chosen verb.
        messages: By number of the action, what to say to it.
        picked: The state fields that shall be replaced.
    """

    fields: Mapping[str, object] = field(default_factory=dict)
    mode: Mode = "form"
    raw: str = ""
    yes: bool | None = None
    choice: int | None = None
    choices: tuple[int, ...] = ()
    response: str = ""
    reason: str = ""
    verbs: Mapping[int, Verb | None] = field(default_factory=dict)
    messages: Mapping[int, str] = field(default_factory=dict)
    picked: tuple[str, ...] = ()


def read_intent(form: AnswerForm, verb: Verb | None, drafts: Drafts) -> Intent:
    """
    Turn a pressed button into an intent.

    Args:
        form: The card's form.
        verb: The button's verb; None sends a decision for each of several actions.
        drafts: What is filled in.

    Raises:
        InvalidInput: Something is missing, unreadable, or would be left out without a word.
    """
    reason = drafts.reason.strip()
    if verb is None:
        return Intent(verb=None, each=_read_each(form, drafts), reason=reason)
    if verb is Verb.ANSWER:
        return Intent(verb=verb, value=_read_answer(form, drafts), reason=reason)
    if verb is Verb.RESPOND:
        return Intent(verb=verb, value=_need_response(drafts), reason=reason)
    if verb is Verb.EDIT:
        return Intent(verb=verb, value=_read_edit(form, drafts), reason=reason)
    if verb is Verb.REVISE:
        return Intent(verb=verb, reason=reason)
    if form.shape == "typed":
        return Intent(verb=verb, value=_read_beside_word(form, drafts), reason=reason)
    if verb is Verb.APPROVE:
        _refuse_leftovers(form, drafts)
    return Intent(verb=verb, reason=reason)


def place_problems(
    form: AnswerForm, problems: Sequence[FieldProblem], mode: Mode
) -> tuple[dict[str, str], list[FieldProblem]]:
    """
    Which problem stands beside which widget, and those that are listed above the buttons.

    Args:
        form: The card's form.
        problems: What was wrong with the last try.
        mode: How the answer is written; fields that are not drawn have no place.
    """
    fields = [f for a in form.actions for f in a.fields]
    fields += form.fields if mode == "form" else ()
    placed, rest = forms.place_problems(fields, problems)
    widgets = {*_PLACES, *(_place(a.index) for a in form.actions)}
    for problem in rest:
        # A problem with one of several actions as a whole stands beside its decision.
        path = _place(int(problem.path)) if problem.path.isdecimal() else problem.path
        if path in widgets:
            placed[path] = problem.message
    return placed, [p for p in rest if p.path not in placed and not p.path.isdecimal()]


def _place(index: int) -> str:
    return f"{index}.{DECISION}"


def _read_answer(form: AnswerForm, drafts: Drafts) -> Json:
    if form.shape == "choice":
        if drafts.choice is None:
            raise _problem(CHOICE, "choose one")
        return form.options[drafts.choice]
    if form.shape == "typed" and drafts.mode == "form":
        value = _assemble(form, drafts)
        return value.get("") if form.is_whole else value
    if drafts.mode == "choose":
        if not drafts.choices:
            raise _problem(CHOICE, "choose at least one")
        return [form.options[number] for number in sorted(drafts.choices)]
    if drafts.mode == "yes_no":
        if drafts.yes is None:
            raise _problem(RAW, "choose yes or no")
        return drafts.yes
    if not drafts.raw.strip():
        raise _problem(RAW, "write an answer first")
    return drafts.raw if drafts.mode == "text" else _parse(drafts.raw)


def _read_beside_word(form: AnswerForm, drafts: Drafts) -> Json:
    """The other fields of a typed answer, which go with its yes or no; None where there are none."""
    if drafts.mode != "form":
        if drafts.raw.strip():
            raise _problem(RAW, "this button sends no JSON; use Send answer, or empty the field")
        return None
    if form.is_whole or not form.fields:
        return None
    return _assemble(form, drafts) or None


def _read_edit(form: AnswerForm, drafts: Drafts) -> Json:
    if form.shape == "breakpoint":
        return _read_state(form, drafts)
    action = form.actions[0]
    value, problems = assemble(action.fields, drafts.fields)
    _refuse(problems)
    if not is_touched(action.fields, drafts.fields):
        raise _problem("", "nothing was changed; use Approve")
    return value


def _read_state(form: AnswerForm, drafts: Drafts) -> Json:
    if drafts.mode == "json":
        return _parse(drafts.raw)
    chosen = tuple(f for f in form.fields if f.path in drafts.picked)
    if not chosen:
        raise _problem(PICKED, "choose the fields to change")
    value, problems = assemble(chosen, drafts.fields)
    _refuse(problems)
    return value


def _read_each(form: AnswerForm, drafts: Drafts) -> tuple[Json, ...]:
    items: list[Json] = []
    problems: list[FieldProblem] = []
    for action in form.actions:
        item, found = _read_one(action, drafts)
        items.append(item)
        problems += found
    _refuse(problems)
    return tuple(items)


def _read_one(action: ActionForm, drafts: Drafts) -> tuple[Json, list[FieldProblem]]:
    verb = drafts.verbs.get(action.index)
    place = _place(action.index)
    message = drafts.messages.get(action.index, "").strip()
    args, problems = assemble(action.fields, drafts.fields)
    item: dict[str, Json] = {"decision": str(verb)}
    if verb is None:
        return item, [FieldProblem(place, "decide this one too")]
    if verb is Verb.EDIT:
        if Verb.APPROVE in action.verbs and not is_touched(action.fields, drafts.fields):
            return item, [FieldProblem(place, "nothing was changed: approve it as it is")]
        return {**item, "args": args}, problems
    if verb is Verb.APPROVE and action.is_editable and is_touched(action.fields, drafts.fields):
        return item, [FieldProblem(place, "its arguments were changed: approve with changes")]
    if verb is Verb.APPROVE and message:
        return item, [FieldProblem(place, "approving sends no words: empty the field")]
    if verb is Verb.RESPOND and not message:
        return item, [FieldProblem(place, "write what to respond")]
    return ({**item, "message": message} if message else item), []


def _refuse_leftovers(form: AnswerForm, drafts: Drafts) -> None:
    """Refuse to approve where a change, a response or an answer is typed that would not be sent."""
    if form.takes_response and drafts.response.strip():
        raise _problem(RESPONSE, "approving does not send this; use Respond, or empty the field")
    if form.modes and form.shape in ("raw", "confirm", "action") and drafts.raw.strip():
        raise _problem(RAW, "approving does not send this; use Send answer, or empty the field")
    if form.takes_several and drafts.choices:
        raise _problem(CHOICE, "approving does not send these; use Send answer")
    if form.shape == "choice" and drafts.choice is not None:
        raise _problem(CHOICE, "approving chooses by itself; use Send answer for this one")
    if form.shape == "breakpoint":
        if drafts.picked or (drafts.mode == "json" and drafts.raw.strip()):
            label = next((b.label for b in form.buttons if b.verb is Verb.EDIT), "")
            raise _problem(PICKED, f"this does not apply them; use {label}")
        return
    for action in form.actions:
        if action.is_editable and is_touched(action.fields, drafts.fields):
            raise _problem("", "arguments were changed; use Approve with changes")


def _need_response(drafts: Drafts) -> str:
    if not drafts.response.strip():
        raise _problem(RESPONSE, "write what to respond")
    return drafts.response


def _assemble(form: AnswerForm, drafts: Drafts) -> dict[str, Json]:
    value, problems = assemble(form.fields, drafts.fields)
    _refuse(problems)
    return value


def _parse(text: str) -> Json:
    try:
        return parse_json(text)
    except ValueError as exc:
        raise _problem(RAW, str(exc)) from exc


def _refuse(problems: list[FieldProblem]) -> None:
    if problems:
        raise InvalidInput(LOOK_AGAIN, problems=problems)


def _problem(path: str, message: str) -> InvalidInput:
    return InvalidInput(LOOK_AGAIN, problems=[FieldProblem(path, message)])
