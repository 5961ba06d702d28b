"""Text an agent wrote, on its own quiet ground, so that nobody takes it for ours (law 9)."""

from __future__ import annotations

import streamlit as st

from interlock.core.types import Json
from interlock.dashboard.views.escaping import show_hidden, show_hidden_in
from interlock.dashboard.views.formatting import keep_digits

HEIGHT_LIMIT_COUNT = 3000  # a longer text scrolls in its own box
BOX_HEIGHT = 420  # pixels


def draw_text(text: str) -> None:
    """Draw it letter by letter: no markup, no image, no link."""
    st.code(
        show_hidden(text),
        language=None,
        wrap_lines=True,
        height=BOX_HEIGHT if len(text) > HEIGHT_LIMIT_COUNT else "content",
    )


def draw_value(value: Json, *, expanded: bool | int = 2) -> None:
    """Draw any JSON value: a text as text, the rest as a tree."""
    if isinstance(value, str):
        draw_text(value)
    elif isinstance(value, dict | list):
        st.json(keep_digits(show_hidden_in(value)), expanded=expanded)
    else:
        st.json({"value": keep_digits(value)}, expanded=True)
