"""What the metrics are of: the window, and the workflow; what is chosen lives in the URL."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.views.metrics_window import CUSTOM, NAMES, Chosen

EVERY = "All workflows"
EVERY_VARIANT = "All variants"
_STEP_S = 300


def draw_controls(
    chosen: Chosen,
    names: Sequence[str],
    variants: Sequence[str],
    *,
    on_window: Callable[[], None],
    on_moment: Callable[[], None],
    on_workflow: Callable[[], None],
    on_variant: Callable[[], None],
) -> None:
    """The fields follow the URL, also after the browser's Back; variants are those of one workflow."""
    workflow = chosen.window.workflow or EVERY
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.session_state[keys.metrics_window()] = chosen.name
        st.segmented_control(
            "Window",
            list(NAMES),
            required=True,
            format_func=NAMES.__getitem__,
            key=keys.metrics_window(),
            label_visibility="collapsed",
            on_change=on_window,
            wrap=True,
        )
        st.session_state[keys.metrics_workflow()] = workflow
        st.selectbox(
            "Workflow",
            list(dict.fromkeys([EVERY, *names, workflow])),
            key=keys.metrics_workflow(),
            label_visibility="collapsed",
            on_change=on_workflow,
            width=240,
        )
        variant = chosen.window.variant
        if variants or variant is not None:
            st.session_state[keys.metrics_variant()] = variant or EVERY_VARIANT
            st.selectbox(
                "Variant",
                list(dict.fromkeys([EVERY_VARIANT, *variants, variant or EVERY_VARIANT])),
                key=keys.metrics_variant(),
                label_visibility="collapsed",
                on_change=on_variant,
                width=160,
            )
    if chosen.name == CUSTOM:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            for which, at in (("start", chosen.window.start), ("end", chosen.window.end)):
                st.session_state[keys.metrics_moment(which)] = at.replace(tzinfo=None)
                st.datetime_input(
                    "From (UTC)" if which == "start" else "To (UTC)",
                    key=keys.metrics_moment(which),
                    on_change=on_moment,
                    step=_STEP_S,
                    width=240,
                )
