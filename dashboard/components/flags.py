"""What is switched on and off in the whole installation, and the switch."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.tables import draw_table
from interlock.dashboard.views.flags import FlagsView


def draw_flags(view: FlagsView, *, on_switch: Callable[[], None]) -> None:
    """
    Draw the table and the switch.

    Args:
        view: What to draw.
        on_switch: Called when the chosen flag is to be switched; choice and reason are in the state.
    """
    draw_table(
        view.rows,
        key=keys.system_table("flags"),
        is_whole=True,
        alt="What can be switched off, how it stands, who switched it, when and why.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Switch",
            list(view.choices),
            format_func=lambda name: view.choices.get(name, name),
            key=keys.flag_choice(),
            on_change="ignore",
        )
        st.text_input(
            "Reason, told to whoever is refused",
            key=keys.flag_reason(),
            max_chars=2000,
            on_change="ignore",
        )
        st.button("Switch", key=keys.flag_submit(), icon=":material/toggle_on:", on_click=on_switch)
