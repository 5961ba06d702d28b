"""A what-if: two answers to fill in, what becomes of each node on the copies, and the two ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from interlock.core.errors import FieldProblem
from interlock.core.model.approvals import Verb
from interlock.dashboard import keys
from interlock.dashboard.components import answer_drafts, point_panes, staged_change
from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.answer_fields import draw_answer
from interlock.dashboard.components.badges import draw_badge
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.components.schema_form import JSON_HEIGHT
from interlock.dashboard.components.tables import draw_table
from interlock.dashboard.views.answer_forms import AnswerForm, Button
from interlock.dashboard.views.answer_intents import Drafts, place_problems
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.staged import PreviewView
from interlock.dashboard.views.what_if import (
    FORKS,
    GIVE,
    VOUCH,
    WORDS,
    NodeChoice,
    ResultView,
    SideView,
)

_FOR = frozenset({Verb.APPROVE})  # where the first answer starts
_AGAINST = frozenset({Verb.REJECT, Verb.STOP, Verb.SKIP})  # and the second
_KEPT: dict[str, Any] = {"persist_state": "session"}

OnKeep = Callable[[str, str], None]
OnDiscard = Callable[[str], None]


def offered(form: AnswerForm) -> tuple[Button, ...]:
    """What can be tried: no policy holds on a copy, so no fallback serves there."""
    return tuple(button for button in form.buttons if button.verb is not Verb.FALLBACK)


def draw_side(
    form: AnswerForm, place: str, version: int, side: str, problems: Sequence[FieldProblem]
) -> None:
    """One answer to be filled in; its fields belong to the card's version and the side."""
    card = (f"{place}-{side}", version)
    buttons = offered(form)
    if len(buttons) > 1:
        key = keys.what_if_side("verb", place, side)
        start = _start_at(buttons, side) if key not in st.session_state else 0
        st.radio(
            "Decision",
            range(len(buttons)),
            index=start,
            format_func=lambda at: buttons[at].label,
            key=key,
            horizontal=True,
            **_KEPT,
        )
    mode = answer_drafts.read_mode(form, *card)
    placed, rest = place_problems(form, problems, mode)
    draw_answer(form, card, placed)
    if form.reason_sent:
        st.text_input("Reason, sent to the workflow", key=keys.reason(*card), **_KEPT)
    for problem in rest:
        draw_problem(str(problem))


def _start_at(buttons: Sequence[Button], side: str) -> int:
    wanted, otherwise = (_FOR, 0) if side == "a" else (_AGAINST, 1)
    return next((at for at, button in enumerate(buttons) if button.verb in wanted), otherwise)


def read_side(form: AnswerForm, place: str, version: int, side: str) -> tuple[Verb | None, Drafts]:
    """What is filled in on one side: the verb, and what its widgets hold."""
    buttons = offered(form)
    held = st.session_state.get(keys.what_if_side("verb", place, side))
    at = held if held is not None else _start_at(buttons, side) if len(buttons) > 1 else 0
    return buttons[at].verb, answer_drafts.read_drafts(form, f"{place}-{side}", version)


def draw_nodes(nodes: Sequence[NodeChoice], place: str, side: str) -> None:
    """What becomes of the nodes that do not simply run, and what an operator says of them."""
    for node in nodes:
        key = keys.what_if_node("how", place, side, node.path)
        start = None if key in st.session_state else node.choices.index(node.default)
        with st.container(gap="xsmall"):
            st.markdown(f"**{md_escape(node.name)}** :gray[{md_escape(node.why)}]")
            st.radio(
                f"What becomes of {md_escape(node.name)}",
                node.choices,
                index=start if start is not None else 0,
                format_func=WORDS.__getitem__,
                key=key,
                horizontal=True,
                label_visibility="collapsed",
                help=VOUCH,
                captions=None,
                **_KEPT,
            )
            chosen = st.session_state.get(key, node.default)
            if chosen == GIVE:
                st.text_area(
                    f"What {md_escape(node.name)} writes, as JSON",
                    key=keys.what_if_node("value", place, side, node.path),
                    height=JSON_HEIGHT,
                    placeholder='{"field": "value"}',
                    **_KEPT,
                )
            elif chosen == node.default:
                st.caption(md_escape(f"Not run: {node.otherwise}."))


def read_nodes(nodes: Sequence[NodeChoice], place: str, side: str) -> dict[str, tuple[str, str]]:
    """What is said of each node, and the text of a value."""
    return {
        node.path: (
            st.session_state.get(keys.what_if_node("how", place, side, node.path), node.default),
            st.session_state.get(keys.what_if_node("value", place, side, node.path)) or "",
        )
        for node in nodes
    }


def draw_result(
    view: ResultView, *, change: PreviewView | None, on_keep: OnKeep, on_discard: OnDiscard
) -> None:
    """The two sides, their ways and how their ends differ; `change` is what keeping one sets back."""
    if view.stood_in:
        st.warning(md_escape(view.stood_in), icon=":material/swap_horiz:")
    for column, side in zip(
        st.columns(max(len(view.sides), 1), gap="medium"), view.sides, strict=True
    ):
        with column:
            _draw_side_result(side)
    st.markdown("**The way**")
    if view.way:
        names = [side.name for side in view.sides] if len(view.way[0]) > 1 else ["Way"]
        draw_table(
            [dict(zip(names, row, strict=True)) for row in view.way],
            key=keys.what_if_part("way", view.what_if_id),
            is_whole=True,
            alt="What each side did, in order; what both did stands in one row",
        )
    else:
        st.caption("Nothing has run yet.")
    if view.diff is not None:
        st.markdown("**How their ends differ**, from A to B")
        point_panes.draw_diff(view.diff, key=keys.what_if_part("diff", view.what_if_id))
    for side in view.sides:
        if side.values is not None:
            with st.expander(f"State at the end of {side.name}", icon=":material/data_object:"):
                draw_value(side.values)
    _draw_choice(view, change, on_keep, on_discard)


def _draw_side_result(side: SideView) -> None:
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.subheader(side.name, anchor=False, width="stretch")
            draw_badge(side.look)
        draw_text(side.answer)
        with st.container(gap=None):
            for name, text in side.facts:
                st.markdown(f":gray[{name}:] {md_escape(text)}")
        if side.error:
            st.code(side.error, language=None, wrap_lines=True)


def _draw_choice(
    view: ResultView, change: PreviewView | None, on_keep: OnKeep, on_discard: OnDiscard
) -> None:
    if not view.is_open:
        st.markdown(f":gray[:material/check_circle: {md_escape(view.closed)}]")
        return
    with st.container(key=keys.what_if_part("choice", view.what_if_id), border=True, gap="small"):
        if change is not None:
            st.markdown(f":orange[:material/call_split:] {FORKS}")
            staged_change.draw_preview(change, key=keys.what_if_part("again", view.what_if_id))
        if view.may_keep:
            st.text_input(
                "Reason for keeping one",
                key=keys.what_if_part("reason", view.what_if_id),
                max_chars=2000,
                placeholder="Required: kept with the decision",
                **_KEPT,
            )
        else:
            st.caption(
                "No card belongs to this point, so there is no answer to keep. Run the thread again"
                " from here, or edit its state, in the time machine."
            )
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button(
                "Discard",
                key=keys.what_if_part("discard", view.what_if_id),
                icon=":material/delete:",
                on_click=on_discard,
                args=(view.what_if_id,),
            )
            for side in view.sides if view.may_keep else ():
                st.button(
                    f"Keep {side.name[0].lower()}{side.name[1:]}",
                    key=keys.what_if_part(f"keep-{side.side}", view.what_if_id),
                    icon=":material/check:",
                    on_click=on_keep,
                    args=(view.what_if_id, side.side),
                )
