"""States as badges: colour, icon and word together."""

from __future__ import annotations

import streamlit as st

from interlock.dashboard.palette import Look
from interlock.dashboard.views.escaping import md_escape


def draw_badge(look: Look, *, help_text: str | None = None) -> None:
    st.badge(
        md_escape(look.word),
        icon=look.icon,
        color=look.badge,
        help=md_escape(help_text) if help_text else None,
    )


def as_markdown(look: Look) -> str:
    """A badge within a line of text."""
    return f":{look.badge}-badge[{look.icon} {md_escape(look.word)}]"
