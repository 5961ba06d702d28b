"""The row of figures on top of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from interlock.dashboard.views.figures import Change, Figure

WIDTH = 150  # pixels: two stand side by side on a phone


def draw_figures(figures: Sequence[Figure]) -> None:
    has_changes = any(figure.change for figure in figures)
    with st.container(horizontal=True, gap="medium"):
        for figure in figures:
            with st.container(width=WIDTH, gap=None):
                st.metric(figure.label, figure.value, **_change(figure.change, has_changes))
                # A line is kept for the note even where there is none: nothing may jump.
                st.caption(figure.note or "\N{NO-BREAK SPACE}")


def _change(change: Change | None, has_changes: bool) -> dict[str, Any]:  # noqa: FBT001 - of the row
    if not has_changes:
        return {}
    if change is None:
        return {"delta": "\N{NO-BREAK SPACE}", "delta_arrow": "off", "delta_color": "off"}
    arrow = {True: "up", False: "down", None: "off"}[change.is_up]
    return {
        "delta": change.text,
        "delta_arrow": arrow,
        "delta_color": "red" if change.is_bad else "off",
    }
