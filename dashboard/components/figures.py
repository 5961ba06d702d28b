"""The row of figures on top of the overview."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.dashboard.views.overview import Figure

WIDTH = 150  # pixels: two stand side by side on a phone


def draw_figures(figures: Sequence[Figure]) -> None:
    with st.container(horizontal=True, gap="medium"):
        for figure in figures:
            with st.container(width=WIDTH, gap=None):
                st.metric(figure.label, figure.value)
                # A line is kept for the note even where there is none: nothing may jump.
                st.caption(figure.note or "\N{NO-BREAK SPACE}")
