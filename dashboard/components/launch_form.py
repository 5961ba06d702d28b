"""The launch form: the input by fields or as JSON, what else a run takes, and the one button."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from interlock.core.errors import FieldProblem
from interlock.core.model.runs import HIGHEST_PRIORITY, LOWEST_PRIORITY
from interlock.dashboard import keys
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.components.schema_form import JSON_HEIGHT, KeyOf, draw_fields
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.forms import place_problems
from interlock.dashboard.views.launch import OPTION_NAMES, LaunchForm

MODES = {"chat": "Chat", "form": "Form", "json": "JSON", "file": "File"}
EVERY_NODE = "*"
_KEPT: dict[str, Any] = {"on_change": "ignore", "persist_state": "session"}


def field_key(workflow: str, turn: int) -> KeyOf:
    """The keys of a form's fields; a form that was filled anew is another form, `turn` counts them."""
    return lambda path: keys.launch_field(workflow, path) + _suffix(turn)


def json_key(workflow: str, turn: int) -> str:
    """The key of the JSON editor."""
    return keys.launch_json(workflow) + _suffix(turn)


def _suffix(turn: int) -> str:
    return f"-{turn}" if turn else ""


def draw_switch(form: LaunchForm, *, on_switch: Callable[[], None]) -> str:
    """The switch between the ways of saying what the input is."""
    key = keys.launch_json_switch(form.workflow)
    chosen: str | None = st.segmented_control(
        "Input as",
        form.modes,
        default=None if key in st.session_state else form.modes[0],
        required=True,
        format_func=MODES.__getitem__,
        key=key,
        on_change=on_switch,
        label_visibility="collapsed",
        persist_state="session",
    )
    return chosen if chosen in form.modes else form.modes[0]


def draw_input(
    form: LaunchForm, mode: str, turn: int, problems: Sequence[FieldProblem]
) -> Sequence[FieldProblem]:
    """Draw the input; gives back the problems that have no field to stand beside."""
    if mode == "form":
        placed, rest = place_problems(form.fields, problems)
        with st.container(key=keys.launch_form(form.workflow), gap="small"):
            draw_fields(form.fields, field_key(form.workflow, turn), placed)
        return rest
    st.text_area(
        "Input as JSON",
        value=form.json_text,
        height=3 * JSON_HEIGHT // 2,
        key=json_key(form.workflow, turn),
        **_KEPT,
    )
    return problems


def draw_options(form: LaunchForm, default_limit: int, *, has_thread: bool = True) -> None:
    """What else a run takes, folded away: most launches need none of it."""
    key_of = options_key(form.workflow)
    # By its key it stays open when a notice comes above it.
    with st.expander(
        "Breakpoints, thread, variant, limits", icon=":material/tune:", key=key_of("more")
    ):
        names = [EVERY_NODE, *form.nodes]
        for name, label in (("break_before", "Stop before"), ("break_after", "Stop after")):
            st.multiselect(
                label,
                names,
                format_func=_say_node,
                key=key_of(name),
                help="The run pauses there and puts a card into the inbox.",
                **_KEPT,
            )
        if has_thread:
            st.text_input(
                "Thread id",
                key=key_of("thread_id"),
                help="Goes on with a thread that is free. Empty starts a new one.",
                max_chars=200,
                **_KEPT,
            )
        st.checkbox(
            "When a step fails, ask a human",
            key=key_of("asks_on_failure"),
            help="The run pauses, and a card in the inbox offers to retry, to edit the state first,"
            " to skip the step or to stop.",
            **_KEPT,
        )
        st.text_input(
            "Variant",
            key=key_of("variant"),
            placeholder="a 90, b 10",
            help="A name, or names with weights of which one is drawn. It is kept on the run, and the"
            " graph reads it from its config.",
            max_chars=500,
            **_KEPT,
        )
        left, right = st.columns(2)
        with left:
            st.number_input(
                "Recursion limit",
                min_value=1,
                max_value=100_000,
                value=None,
                placeholder=str(default_limit),
                key=key_of("recursion_limit"),
                help="Supersteps the run may take.",
                **_KEPT,
            )
        with right:
            st.number_input(
                "Priority",
                min_value=LOWEST_PRIORITY,
                max_value=HIGHEST_PRIORITY,
                value=0,
                key=key_of("priority"),
                help="Higher ones start first.",
                **_KEPT,
            )
        if form.takes_context:
            st.text_area(
                "Context as JSON",
                value=form.context_text,
                key=key_of("context"),
                height=JSON_HEIGHT,
                **_KEPT,
            )


def options_key(workflow: str) -> KeyOf:
    """The keys of what else a run takes."""
    return lambda name: keys.launch_option(workflow, name)


def read_options(form: LaunchForm) -> Mapping[str, Any]:
    """What those widgets hold; one that was never drawn holds nothing."""
    key_of = options_key(form.workflow)
    return {name: st.session_state.get(key_of(name)) for name in OPTION_NAMES}


def draw_problems(problems: Sequence[FieldProblem]) -> None:
    for problem in problems:
        draw_problem(str(problem))


def _say_node(name: str) -> str:
    return "every node" if name == EVERY_NODE else show_hidden(name)
