"""The switch that holds a workflow, or everything, on every page; and what is held."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.holds import HeldView, SwitchView

_HELP = "No new node starts in what is held; running ones end their superstep."


def draw_holds(
    view: SwitchView, *, on_hold: Callable[[], None], on_release: Callable[[str], None]
) -> None:
    """
    Draw the holds, what is switched off, and the switch.

    Args:
        view: What to draw.
        on_hold: Called when the chosen scope is to be held; the choice and the reason are in the state.
        on_release: Called with the scope that is to go on.
    """
    for held in view.held:
        _draw_held(held, on_release)
    for said in view.off:
        st.info(md_escape(said), icon=":material/toggle_off:")
    if not view.scopes:
        return
    labels = dict(view.scopes)
    with st.popover("Hold", icon=":material/pause_circle:", help=_HELP):
        # Without its labels: on a phone the button must not fall off the end of the screen.
        st.selectbox(
            "What is held",
            list(labels),
            label_visibility="collapsed",
            format_func=lambda scope: labels.get(scope, scope),
            key=keys.hold_scope(),
            on_change="ignore",
        )
        st.text_input(
            "Reason (optional)",
            key=keys.hold_reason(),
            max_chars=2000,
            label_visibility="collapsed",
            placeholder="Reason (optional), told on every page",
            on_change="ignore",
        )
        st.button(
            "Hold",
            key=keys.hold_submit(),
            icon=":material/pause_circle:",
            on_click=on_hold,
            width="stretch",
        )


def _draw_held(held: HeldView, on_release: Callable[[str], None]) -> None:
    with st.container(key=keys.held(held.scope), gap="xsmall"):
        st.warning(md_escape(held.said), icon=":material/pause_circle:")
        st.button(
            f"Release {md_escape(held.label)}",
            key=keys.release(held.scope),
            icon=":material/play_circle:",
            on_click=on_release,
            args=(held.scope,),
            width="stretch",
        )
