"""The part of a card that is filled in: fields, a choice, a raw answer, or what to do with each action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from interlock.core.model.approvals import Verb
from interlock.dashboard import keys, state
from interlock.dashboard.components import answer_drafts
from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.changes import draw_changes_so_far
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.components.schema_form import (
    AREA_HEIGHT,
    JSON_HEIGHT,
    RADIO_LIMIT_COUNT,
    draw_fields,
    read_fields,
)
from interlock.dashboard.views import changes
from interlock.dashboard.views.answer_forms import (
    MODE_NAMES,
    ActionForm,
    AnswerForm,
    Mode,
    say_verb,
)
from interlock.dashboard.views.answer_intents import CHOICE, DECISION, PICKED, RAW, RESPONSE
from interlock.dashboard.views.escaping import md_escape, show_hidden
from interlock.dashboard.views.formatting import to_json_text
from interlock.dashboard.views.forms import FormField, assemble, walk

Problems = Mapping[str, str]
Card = tuple[str, int]

_KEPT: dict[str, Any] = {"on_change": "ignore", "persist_state": "session"}


def draw_answer(form: AnswerForm, card: Card, problems: Problems) -> None:
    """
    Draw everything that can be filled in.

    Args:
        form: The card's form.
        card: Approval id and version: every widget belongs to them (law 10).
        problems: What is wrong, by path.
    """
    for action in form.actions:
        _draw_action(form, action, card, problems)
    if form.options and not form.takes_several:
        _draw_options(form, card, problems)
    if form.modes and form.shape == "confirm":
        with st.expander("Answer something else"):
            _draw_modes(form, card, problems)
    elif form.modes:
        _draw_modes(form, card, problems)
    if form.takes_response:
        st.text_area(
            "Response",
            key=keys.response(*card),
            height=AREA_HEIGHT,
            help="Words for the agent, sent by Respond.",
            **_KEPT,
        )
        draw_problem(problems.get(RESPONSE))


def _draw_action(form: AnswerForm, action: ActionForm, card: Card, problems: Problems) -> None:
    many = form.shape == "actions"
    with st.container(border=many, gap="small"):
        number = f"{action.index + 1}. " if many else ""
        st.markdown(f"{number}**{md_escape(action.name)}**")
        if action.description and many:
            draw_text(action.description)
        if action.is_editable:
            _draw_edited(action.fields, card, problems)
        elif action.args:
            draw_value(action.args)
        if many:
            _draw_decision(action, card, problems)


@st.fragment
def _draw_edited(
    fields: Sequence[FormField],
    card: Card,
    problems: Problems,
    *,
    only_proposed: bool = False,
) -> None:
    """
    Fields that start with what is there, and what is changed so far: a fragment without a button.

    Args:
        fields: What is drawn.
        card: Approval id and version.
        problems: What is wrong, by path.
        only_proposed: Tell of changes alone where a field came filled in.
    """
    if state.take_drawing():
        st.rerun()
    key_of = answer_drafts.field_key(*card)
    draw_fields(fields, key_of, problems, is_live=True)
    drafts = read_fields(fields, key_of)
    found = changes.find_changes(fields, drafts, only_proposed=only_proposed)
    told = changes.find_proposed(fields) if only_proposed else tuple(walk(fields))
    draw_changes_so_far(found, fields_count=len(told))


def _draw_decision(action: ActionForm, card: Card, problems: Problems) -> None:
    st.radio(
        "Decision",
        [str(v) for v in action.verbs],
        index=None,
        format_func=lambda v: say_verb(Verb(v)),
        key=keys.action_choice(*card, action.index),
        horizontal=True,
        **_KEPT,
    )
    draw_problem(problems.get(f"{action.index}.{DECISION}"))
    if {Verb.RESPOND, Verb.REJECT} & set(action.verbs):
        st.text_input(
            "Response or reason",
            key=keys.action_message(*card, action.index),
            **_KEPT,
        )


def _draw_options(form: AnswerForm, card: Card, problems: Problems) -> None:
    labels = form.option_labels
    escaped = [md_escape(label) for label in labels]
    shared: dict[str, Any] = {
        "options": range(len(labels)),
        "index": None,
        "key": keys.choice(*card),
        **_KEPT,
    }
    if form.shape != "choice":
        st.caption("It suggests: " + ", ".join(escaped))
    elif len(labels) <= 2 * RADIO_LIMIT_COUNT:
        st.radio("Answer", format_func=escaped.__getitem__, **shared)
    else:  # its labels are no Markdown
        st.selectbox("Answer", format_func=labels.__getitem__, placeholder="Choose", **shared)
    draw_problem(problems.get(CHOICE))


def _draw_modes(form: AnswerForm, card: Card, problems: Problems) -> None:
    if len(form.modes) > 1:
        key = keys.json_switch(*card)
        start = None if key in st.session_state else form.modes[0]
        st.segmented_control(
            "Write the answer as",
            form.modes,
            default=start,
            required=True,
            format_func=MODE_NAMES.__getitem__,
            key=key,
            on_change=_carry_over,
            args=(form, card),
            persist_state="session",
        )
    _draw_mode(form, answer_drafts.read_mode(form, *card), card, problems)


def _draw_mode(form: AnswerForm, mode: Mode, card: Card, problems: Problems) -> None:
    if mode == "form" and form.shape == "breakpoint":
        _draw_state(form, card, problems)
    elif mode == "form" and changes.find_proposed(form.fields):
        _draw_edited(form.fields, card, problems, only_proposed=True)
    elif mode == "form":
        draw_fields(form.fields, answer_drafts.field_key(*card), problems)
    elif mode == "choose":
        _draw_several(form, card)
        draw_problem(problems.get(CHOICE))
    elif mode == "yes_no":
        st.radio(
            "Answer",
            [True, False],
            index=None,
            format_func=lambda yes: "Yes" if yes else "No",
            key=keys.yes_no(*card),
            horizontal=True,
            **_KEPT,
        )
        draw_problem(problems.get(RAW))
    else:
        st.text_area(
            "Answer" if mode == "text" else "Answer as JSON",
            key=keys.answer_text(*card),
            height=JSON_HEIGHT,
            **_KEPT,
        )
        draw_problem(problems.get(RAW))
        if mode == "json" and form.schema is not None:
            with st.expander("What it must look like (JSON Schema)"):
                draw_value(form.schema)


def _draw_several(form: AnswerForm, card: Card) -> None:
    st.multiselect(
        "Answer: any of these",
        range(len(form.options)),
        format_func=form.option_labels.__getitem__,
        key=keys.choices(*card),
        placeholder="Choose",
        **_KEPT,
    )


def _draw_state(form: AnswerForm, card: Card, problems: Problems) -> None:
    """Only chosen fields are drawn and replaced; the others stay as they are in the thread."""
    key = keys.state_fields(*card)
    st.multiselect(
        "Fields of the state to change",
        [f.path for f in form.fields],
        format_func=show_hidden,
        key=key,
        help="Each one is replaced by what you enter.",
        persist_state="session",
    )
    draw_problem(problems.get(PICKED))
    picked = set(st.session_state.get(key, ()))
    chosen = [f for f in form.fields if f.path in picked]
    if chosen:
        _draw_edited(chosen, card, problems)


def _carry_over(form: AnswerForm, card: Card) -> None:
    """What was filled in becomes the JSON that is edited next."""
    drafts = answer_drafts.read_drafts(form, *card)
    if drafts.mode == "json" and form.takes_several:
        chosen = [form.options[number] for number in sorted(drafts.choices)]
        st.session_state[keys.answer_text(*card)] = to_json_text(chosen)
    if drafts.mode == "json" and form.shape == "typed":
        value, _ = assemble(form.fields, drafts.fields)
        text = to_json_text(value.get("") if form.is_whole else value)
        st.session_state[keys.answer_text(*card)] = text
