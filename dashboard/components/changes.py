"""What an edit changes, a line each: what was, and what it becomes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.dashboard.views.changes import Change
from interlock.dashboard.views.escaping import md_escape

LINE_HEIGHT = 30  # pixels
LINES_LIMIT_COUNT = 2  # that are reserved; more scroll in their place


def draw_changes(changes: Sequence[Change]) -> None:
    for change in changes:
        label = md_escape(change.label)
        if change.problem:
            st.markdown(f":red[:material/error: {label} {md_escape(change.problem)}]")
            continue
        before, after = md_escape(change.before), md_escape(change.after)
        st.markdown(f"{label}: :gray[{before}] :material/arrow_forward: **{after}**")


def draw_changes_so_far(changes: Sequence[Change], *, fields_count: int) -> None:
    """
    Draw them in a place of constant height: nothing below may move while somebody reaches for it.

    Args:
        changes: What is changed at the moment.
        fields_count: How many fields could be.
    """
    lines = min(max(fields_count, 1), LINES_LIMIT_COUNT)
    with st.container(height=LINE_HEIGHT * lines + 8, border=False, gap="xsmall"):
        if changes:
            draw_changes(changes)
        else:
            st.caption("Nothing is changed. What you change is shown here, before and after.")
