"""What became of a card, in one line whose place is kept."""

from __future__ import annotations

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.badges import as_markdown
from interlock.dashboard.components.links import page_path
from interlock.dashboard.views.aftermath import AftermathView

HEIGHT = 30  # pixels: one line with its link


def draw_aftermath(view: AftermathView, *, approval_id: str, is_warning: bool) -> None:
    """
    Draw the line; nothing is in its place while the card can be decided.

    Args:
        view: What to say.
        approval_id: The card.
        is_warning: Whether somebody has the card before him as if it could still be decided.
    """
    with st.container(
        key=keys.card_aftermath(approval_id),
        height=HEIGHT,
        border=False,
        horizontal=True,
        vertical_alignment="center",
        wrap=False,
        gap="small",
    ):
        if not view.closed:
            return
        said = f":orange[{view.closed}]" if is_warning else view.closed
        run = f" {as_markdown(view.look)} {view.text}" if view.look is not None else ""
        st.caption(f"{said}{run}", width="stretch")
        if view.run_id is not None:
            st.page_link(
                page_path("run"),
                label="Run",
                query_params={"run_id": view.run_id},
                width="content",
            )
