"""A card's deadline: what happens at it, and the menu that puts it off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.views.card import CardView
from interlock.dashboard.views.escaping import md_escape

OnExtend = Callable[[CardView, timedelta], None]
SPANS = {
    "15 min": timedelta(minutes=15),
    "1 h": timedelta(hours=1),
    "1 day": timedelta(days=1),
}


def draw_deadline(card: CardView, *, on_extend: OnExtend) -> None:
    """Draw it; nothing for a card without one, or one that is closed."""
    if card.deadline is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap=None):
            st.caption(
                md_escape(f"Deadline {card.deadline.at}. {card.deadline.text}".strip()),
            )
            if card.deadline.note:
                st.caption(f":material/warning: {md_escape(card.deadline.note)}")
        with st.popover(
            "Extend",
            icon=":material/more_time:",
            type="tertiary",
            key=keys.extend("menu", card.approval_id, card.version),
        ):
            for label, span in SPANS.items():
                st.button(
                    label,
                    key=keys.extend(label, card.approval_id, card.version),
                    on_click=on_extend,
                    args=(card, span),
                    type="tertiary",
                )
