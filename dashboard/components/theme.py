"""Which theme the browser shows; charts and graphs take their colours for it."""

from __future__ import annotations

import streamlit as st

from interlock.dashboard.palette import Theme, as_theme


def read_theme() -> Theme:
    return as_theme(st.context.theme.type)
