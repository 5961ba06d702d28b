"""The row of figures on top of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from interlock.dashboard.views.figures import Change, Figure

WIDTH = 150  # pixels: two stand side by side on a phone


def draw_figures(figures: Sequence[Figure]) -> None:
    with st.container(horizontal=True, gap="medium"):
        for figure in figures:
            with st.container(width=WIDTH, gap=None):
                st.metric(figure.label, figure.value, **_change(figure.change))
                # A line is kept for the note even where there is none: nothing may jump.
                st.caption(figure.note or "\N{NO-BREAK SPACE}")


def _change(change: Change | None) -> dict[str, Any]:
    if change is None:
        return {}
    arrow = {True: "up", False: "down", None: "off"}[change.is_up]
    return {
        "delta": change.text,
        "delta_arrow": arrow,
        "delta_color": "red" if change.is_bad else "off",
    }
