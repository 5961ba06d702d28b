"""The row of figures on top of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from interlock.dashboard.components.links import draw_link
from interlock.dashboard.views.figures import Change, Figure

WIDTH = 150  # pixels: two stand side by side on a phone
NARROW = 140  # six stand side by side on a desk


def draw_figures(figures: Sequence[Figure], *, width: int = WIDTH) -> None:
    with st.container(horizontal=True, gap="medium" if width == WIDTH else "small"):
        for figure in figures:
            with st.container(width=width, gap=None):
                if figure.link is not None:  # its own label: the way there is the figure's name
                    draw_link(figure.link)
                st.metric(
                    figure.label,
                    figure.value,
                    label_visibility="collapsed" if figure.link is not None else "visible",
                    **_change(figure.change),
                )
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
