"""The switches of a demonstration: how much new work comes, and what is made to fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.core.model.demonstration import Service
from interlock.dashboard import keys
from interlock.dashboard.components.badges import as_markdown, draw_badge
from interlock.dashboard.views.demonstration import FAILING, ServiceView, say_rate
from interlock.dashboard.views.escaping import md_escape


def draw_rate(rates: Sequence[int], rate: int, *, on_change: Callable[[], None]) -> None:
    """How many runs programs launch a minute."""
    st.session_state[keys.demo_rate()] = rate  # always: somebody else may have changed it
    st.segmented_control(
        "New runs a minute",
        rates,
        required=True,
        format_func=say_rate,
        key=keys.demo_rate(),
        on_change=on_change,
    )


def draw_service(view: ServiceView, *, on_switch: Callable[[Service], None]) -> None:
    """One service: its switch, who calls it, and how the breaker before it stands."""
    key = keys.demo_fault(view.service)
    st.session_state[key] = view.is_failing  # always: somebody else may have switched it
    with st.container(key=keys.demo_service(view.service), gap=None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.toggle(
                view.label, key=key, on_change=on_switch, args=(view.service,), width="stretch"
            )
            if view.is_failing:
                draw_badge(FAILING)
        state = f" {as_markdown(view.look)}" if view.look is not None else ""
        st.caption(f"{md_escape(view.about)}{state}")
