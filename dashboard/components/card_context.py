"""What stands beside a card, folded: a part is read only when somebody opens it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from interlock.dashboard.components.agent_text import draw_value
from interlock.dashboard.components.conversation import draw_conversation
from interlock.dashboard.views.card_context import WhyView


def draw_folded(label: str, *, icon: str, key: str, draw: Callable[[], None]) -> None:
    """
    Draw a part that is closed at first.

    Call it inside a fragment of its own: opening it draws that fragment again, and nothing around it.

    Args:
        label: What is inside.
        icon: A Material icon.
        key: Widget key; it keeps what is open.
        draw: Reads and draws the part; called only while it is open.
    """
    part = st.expander(label, icon=icon, key=key, on_change="rerun")
    if part.open:
        with part:
            draw()


def draw_why(view: WhyView, *, key: str) -> None:
    if view.is_empty:
        st.caption("The state held nothing when this was asked.")
        return
    if view.conversation is not None:
        draw_conversation(view.conversation, key=key)
    if view.rest:
        st.caption("What else the state held" if view.conversation else "The state so far")
        draw_value(view.rest, expanded=1)
