"""What the widgets of a card hold, gathered by the keys that the card's id and version give them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from interlock.core.model.approvals import Verb
from interlock.dashboard import keys
from interlock.dashboard.components.schema_form import KeyOf, read_fields
from interlock.dashboard.views.answer_forms import AnswerForm, Mode
from interlock.dashboard.views.answer_intents import Drafts
from interlock.dashboard.views.forms import FormField


def field_key(approval_id: str, version: int) -> KeyOf:
    """The keys of one version's fields."""
    return lambda path: keys.card_field(approval_id, version, path)


def read_mode(form: AnswerForm, approval_id: str, version: int) -> Mode:
    """How the answer is written at the moment."""
    first: Mode = form.modes[0] if form.modes else "form"
    mode: Mode = st.session_state.get(keys.json_switch(approval_id, version)) or first
    return mode if mode in form.modes else first


def read_drafts(form: AnswerForm, approval_id: str, version: int) -> Drafts:
    """Everything that is filled in on one version of a card."""
    card = (approval_id, version)
    key_of = field_key(*card)
    fields: list[FormField] = [*form.fields, *(f for a in form.actions for f in a.fields)]
    return Drafts(
        fields=read_fields(fields, key_of),
        mode=read_mode(form, *card),
        raw=_held(keys.answer_text(*card), ""),
        yes=_held(keys.yes_no(*card), None),
        choice=_held(keys.choice(*card), None),
        choices=tuple(_held(keys.choices(*card), [])),
        response=_held(keys.response(*card), ""),
        reason=_held(keys.reason(*card), ""),
        verbs={a.index: _verb(keys.action_choice(*card, a.index)) for a in form.actions},
        messages={a.index: _held(keys.action_message(*card, a.index), "") for a in form.actions},
        picked=tuple(_held(keys.state_fields(*card), [])),
    )


def _held(key: str, empty: Any) -> Any:
    value = st.session_state.get(key)
    return empty if value is None else value


def _verb(key: str) -> Verb | None:
    held = st.session_state.get(key)
    return Verb(held) if held else None
