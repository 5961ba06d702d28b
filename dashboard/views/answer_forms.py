"""
The form of a card: what can be filled in and which buttons there are, whatever shape was asked.

What the buttons then mean is in `answer_intents`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from interlock.core.model.approvals import STANDING, Kind, Verb
from interlock.core.model.payloads import Action, Question
from interlock.core.model.schema_decisions import find_saying
from interlock.core.model.schemas import Field, fields_of
from interlock.core.types import Json
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.fields import from_args, from_field, from_fields
from interlock.dashboard.views.formatting import one_line
from interlock.dashboard.views.forms import ABSENT, FormField

Shape = Literal["action", "actions", "typed", "choice", "raw", "confirm", "breakpoint"]
Mode = Literal["form", "choose", "text", "json", "yes_no"]

MODE_NAMES: Mapping[Mode, str] = {
    "form": "Form",
    "choose": "Choose",
    "text": "Text",
    "json": "JSON",
    "yes_no": "Yes / No",
}
_SHAPES: Mapping[Kind, Shape] = {
    Kind.SCHEMA: "typed",
    Kind.CHOICE: "choice",
    Kind.CONFIRM: "confirm",
    Kind.VALUE: "raw",
    Kind.BREAKPOINT: "breakpoint",
    Kind.FAILURE: "breakpoint",
}
_LABELS = {
    Verb.APPROVE: "Approve",
    Verb.EDIT: "Approve with changes",
    Verb.RESPOND: "Respond",
    Verb.REJECT: "Reject",
    Verb.REVISE: "Request revision",
    Verb.ANSWER: "Send answer",
    Verb.FALLBACK: "Use the fallback",
    Verb.SKIP: "Skip",
    Verb.STOP: "Stop",
}
_BREAKPOINT_LABELS = {Verb.APPROVE: "Go on", Verb.EDIT: "Go on with changes"}
_FAILURE_LABELS = {Verb.APPROVE: "Retry", Verb.EDIT: "Edit state and retry"}
_FAILURE_ICONS = {Verb.APPROVE: ":material/replay:"}
_ICONS = {
    Verb.APPROVE: ":material/check:",
    Verb.EDIT: ":material/edit:",
    Verb.RESPOND: ":material/reply:",
    Verb.REJECT: ":material/close:",
    Verb.REVISE: ":material/rate_review:",
    Verb.ANSWER: ":material/send:",
    Verb.FALLBACK: ":material/alt_route:",
    Verb.SKIP: ":material/skip_next:",
    Verb.STOP: ":material/stop:",
}
# The verb that is offered as the one primary button, where several could be.
_PRIMARY = (Verb.APPROVE, Verb.ANSWER, Verb.RESPOND, Verb.EDIT)


@dataclass(frozen=True)
class Button:
    """
    A button of the card. `verb` None sends a decision for each of several actions; `modes` are the ways
    of writing in which it is there, none means all.
    """

    verb: Verb | None
    label: str
    icon: str
    is_primary: bool = False
    modes: tuple[Mode, ...] = ()

    @property
    def name(self) -> str:
        """Its part of a widget key."""
        return str(self.verb) if self.verb else "each"


@dataclass(frozen=True, kw_only=True)
class ActionForm:
    """One action an agent wants to take. Its texts and arguments are foreign: drawn inert."""

    index: int
    name: str
    description: str
    args: Json
    fields: tuple[FormField, ...]
    verbs: tuple[Verb, ...]

    @property
    def is_editable(self) -> bool:
        """Whether its arguments may be changed."""
        return Verb.EDIT in self.verbs


@dataclass(frozen=True, kw_only=True)
class AnswerForm:
    """
    What a card lets an operator do.

    `fields` are those of the answer, or of the state at a breakpoint or a failure. `modes` are the ways to write the
    answer, the first is the default; one or none needs no switch. `option_labels` belong to `options`,
    of which `takes_several` lets several be chosen.
    `reason_sent` is whether the reason goes to the workflow too. `schema` is shown beside a JSON editor.
    """

    shape: Shape
    buttons: tuple[Button, ...]
    actions: tuple[ActionForm, ...] = ()
    fields: tuple[FormField, ...] = ()
    is_whole: bool = False
    modes: tuple[Mode, ...] = ()
    options: tuple[Json, ...] = ()
    option_labels: tuple[str, ...] = ()
    takes_several: bool = False
    takes_response: bool = False
    reason_sent: bool = False
    schema: Json = None

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """The verbs that have a button."""
        return tuple(b.verb for b in self.buttons if b.verb)

    def buttons_in(self, mode: Mode | None) -> tuple[Button, ...]:
        """The buttons that are there while the answer is written in this way."""
        return tuple(b for b in self.buttons if not b.modes or mode in b.modes)


def say_verb(verb: Verb) -> str:
    """A verb as its button says it."""
    return _LABELS[verb]


def build(
    question: Question,
    *,
    is_high_risk: bool = False,
    is_plain_question: bool = False,
    state: Json = None,
) -> AnswerForm:
    """
    Build the form of what is asked.

    Args:
        question: What is asked.
        is_high_risk: Then no button is primary (LOOK.md).
        is_plain_question: Whether a bare text was asked, which more likely wants words than a yes.
        state: The thread's present values, which the fields of the state start with.
    """
    if question.actions:
        form = _build_actions(question)
    elif question.kind in STANDING:
        form = _build_standing(question, state if isinstance(state, Mapping) else {})
    elif question.kind is Kind.SCHEMA:
        form = _build_typed(question)
    else:
        form = _build_open(question)
    return form if is_high_risk else _with_primary(form, answers_first=is_plain_question)


def _build_actions(question: Question) -> AnswerForm:
    many = len(question.actions) > 1
    actions = tuple(_build_action(a, i, many=many) for i, a in enumerate(question.actions))
    verbs = [v for v in question.allowed if not many or v is Verb.ANSWER]
    buttons = _buttons(verbs)
    if many:
        buttons = (Button(None, f"Send {len(actions)} decisions", ":material/send:"), *buttons)
    return AnswerForm(
        shape="actions" if many else "action",
        buttons=buttons,
        actions=actions,
        modes=("json",) if Verb.ANSWER in verbs else (),
        takes_response=not many and Verb.RESPOND in question.allowed,
        reason_sent=question.kind is not Kind.AGENT_INBOX and Verb.REJECT in question.allowed,
        schema=question.schema,
    )


def _build_action(action: Action, index: int, *, many: bool) -> ActionForm:
    parent = str(index) if many else ""
    described = fields_of(action.schema)
    named = all(f.name for f in described)
    return ActionForm(
        index=index,
        name=show_hidden(one_line(action.name)),
        description=show_hidden(action.description),
        args=dict(action.args),
        fields=from_args(described if named else (), action.args, parent=parent),
        verbs=action.allowed,
    )


def _build_standing(question: Question, state: Mapping[str, Json]) -> AnswerForm:
    described = tuple(f for f in fields_of(question.schema) if f.name)
    may_edit = Verb.EDIT in question.allowed
    modes: tuple[Mode, ...] = ("form",) if described or state else ("json",)
    has_failed = question.kind is Kind.FAILURE
    labels = _FAILURE_LABELS if has_failed else _BREAKPOINT_LABELS
    icons = _FAILURE_ICONS if has_failed else {}
    return AnswerForm(
        shape="breakpoint",
        buttons=_buttons(question.allowed, labels, icons),
        fields=from_args(described, state) if may_edit else (),
        modes=modes if may_edit else (),
        schema=question.schema,
    )


def _build_typed(question: Question) -> AnswerForm:
    described = fields_of(question.schema)
    is_whole = len(described) == 1 and not described[0].name
    is_open = _has_further_word(question, described)
    hidden, reason_sent = (set[str](), False) if is_open else _find_hidden(question)
    drawn = tuple(f for f in described if f.name not in hidden)
    if is_whole:
        is_json = described[0].type in ("json", "union", "object") and not described[0].enum
        drawn = () if is_json else described
    fields = _draw_whole(drawn) if is_whole else from_fields(drawn, {})
    has_form = bool(fields) or (bool(hidden) and not is_whole)
    verbs = [v for v in question.allowed if v is not Verb.EDIT]
    rest = [v for v in (Verb.REVISE,) if v in verbs]
    buttons = _buttons([*rest, Verb.ANSWER] if is_open else verbs)
    if Verb.APPROVE in question.allowed and has_form and not is_whole and not is_open:
        # With a yes and a no of its own the form is sent by those; `answer` stays for plain JSON.
        buttons = tuple(
            replace(b, modes=("json",) if b.verb is Verb.ANSWER else ("form",)) for b in buttons
        )
    return AnswerForm(
        shape="typed",
        buttons=buttons,
        fields=fields,
        is_whole=is_whole,
        modes=("form", "json") if has_form else ("json",),
        reason_sent=reason_sent,
        schema=question.schema,
    )


def _draw_whole(described: tuple[Field, ...]) -> tuple[FormField, ...]:
    default = [f.default if f.has_default else ABSENT for f in described]
    return tuple(from_field(f, d) for f, d in zip(described, default, strict=True))


def _has_further_word(question: Question, described: tuple[Field, ...]) -> bool:
    """Whether the field of the yes and the no takes a third word, which no button would send."""
    said = [find_saying(question.schema, v) for v in (Verb.APPROVE, Verb.REJECT)]
    names = {s.field for s in said if s is not None}
    if None in said or len(names) > 1 or Verb.ANSWER not in question.allowed:
        return False
    words = [s.value for s in said if s is not None]
    return any(w not in words for f in described if f.name and f.name in names for w in f.enum)


def _find_hidden(question: Question) -> tuple[set[str], bool]:
    """The fields that the buttons and the reason fill in, and whether the reason is one of them."""
    said = [find_saying(question.schema, v) for v in (Verb.APPROVE, Verb.REJECT)]
    if any(s is None for s in said) or not {Verb.APPROVE, Verb.REJECT} <= set(question.allowed):
        return set(), False
    fields = {s.field for s in said if s is not None and s.field}
    reasons = {s.reason_field for s in said if s is not None}
    reason = next(iter(reasons)) if len(reasons) == 1 else None
    return (fields | {reason}, True) if reason and fields else (fields, False)


def _build_open(question: Question) -> AnswerForm:
    shape = _SHAPES[question.kind]
    modes: tuple[Mode, ...] = () if shape == "choice" else ("text", "json", "yes_no")
    if question.takes_several:
        modes = ("choose", "json")
    return AnswerForm(
        shape=shape,
        buttons=_buttons(question.allowed),
        modes=modes if Verb.ANSWER in question.allowed else (),
        options=question.options,
        option_labels=tuple(show_hidden(one_line(o)) for o in question.options),
        takes_several=question.takes_several,
        reason_sent=shape == "confirm",
    )


def _buttons(
    verbs: Iterable[Verb],
    labels: Mapping[Verb, str] | None = None,
    icons: Mapping[Verb, str] | None = None,
) -> tuple[Button, ...]:
    words, signs = {**_LABELS, **(labels or {})}, {**_ICONS, **(icons or {})}
    return tuple(Button(v, words[v], signs[v]) for v in verbs)


def _with_primary(form: AnswerForm, *, answers_first: bool) -> AnswerForm:
    """Mark the one primary button: sending several decisions, else the most likely verb."""
    wants_words = form.shape == "choice" or (
        form.shape == "raw" and (answers_first or form.takes_several)
    )
    order = (Verb.ANSWER, Verb.APPROVE) if wants_words else _PRIMARY
    wanted = None if form.shape == "actions" else next((v for v in order if v in form.verbs), None)
    # Of two that are never seen together both may be primary.
    buttons = tuple(
        replace(b, is_primary=b.verb is wanted or b.modes == ("json",)) for b in form.buttons
    )
    return replace(form, buttons=buttons)
